/**
 * Where CRIU finds the cgroup hierarchies, so that it mounts none itself.
 *
 * Mounting version 2 once more sets its options anew for the whole machine:
 * `nsdelegate` and its like would be gone after the first checkpoint.
 *
 * @module
 */
import { probeCgroups } from "../host/probe.ts";
import type { CgroupHierarchy } from "../host/types.ts";

const NAME = "cgroup-yard";

/** A hierarchy as CRIU names it, and where it is mounted. */
export interface YardLink {
  /** Name in the directory that CRIU is given. */
  readonly name: string;
  /** Mount point. */
  readonly target: string;
}

/** What CRIU calls a hierarchy: the text between the colons of a line. */
function nameOf(controllers: string): string {
  return controllers === "" ? "unified" : controllers.replace(/^name=/, "");
}

/**
 * Lists the hierarchies that CRIU asks for. Pure.
 *
 * @param groups Text of `/proc/self/cgroup`.
 * @param hierarchies Those that are mounted.
 * @returns A link for each; undefined where one is not mounted as a whole, or
 * there is none of version 2: CRIU then mounts them itself.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { yardLinks } from "./cgroup_yard.ts";
 *
 * const mounted = { version: 2, controllers: [], mount: "/cg", root: "/", base: "/cg" } as const;
 * assertEquals(yardLinks("0::/\n", [mounted]), [{ name: "unified", target: "/cg" }]);
 * assertEquals(yardLinks("1:pids:/\n0::/\n", [mounted]), undefined);
 * ```
 */
export function yardLinks(
  groups: string,
  hierarchies: readonly CgroupHierarchy[],
): YardLink[] | undefined {
  const links: YardLink[] = [];
  for (const line of groups.trim().split("\n")) {
    const [, controllers] = /^\d+:([^:]*):/.exec(line) ?? [];
    if (controllers === undefined) return undefined;
    const found = hierarchies.find((each) =>
      each.root === "/" &&
      (controllers === "" ? each.version === 2 : each.version === 1 &&
        each.controllers.toSorted().join() ===
          controllers.split(",").toSorted().join())
    );
    if (!found) return undefined;
    links.push({ name: nameOf(controllers), target: found.mount });
  }
  return links.some(({ name }) => name === "unified") ? links : undefined;
}

/** A directory of links to all hierarchies, until it is disposed of. */
export class CgroupYard implements AsyncDisposable {
  private constructor(
    /** Its path; undefined where CRIU mounts hierarchies itself. */
    readonly path: string | undefined,
  ) {}

  /**
   * Makes one.
   *
   * @param directory Where: the state directory of the container, locked.
   * @returns The directory.
   */
  static async create(directory: string): Promise<CgroupYard> {
    const groups = await Deno.readTextFile("/proc/self/cgroup");
    const links = yardLinks(groups, probeCgroups().hierarchies);
    if (!links) return new CgroupYard(undefined);
    const path = `${await Deno.realPath(directory)}/${NAME}`;
    const yard = new CgroupYard(path);
    // One that was killed may have left its own.
    await yard[Symbol.asyncDispose]();
    await Deno.mkdir(path, { mode: 0o700 });
    // From a restored process, whose root is another, CRIU still gets there by these.
    const up = "../".repeat(path.split("/").length - 1);
    for (const { name, target } of links) {
      await Deno.symlink(up + target.slice(1), `${path}/${name}`);
    }
    return yard;
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.path === undefined) return;
    await Deno.remove(this.path, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

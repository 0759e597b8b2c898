/**
 * The root of the container: where it comes from, how it is entered.
 *
 * @module
 */
import { MOUNT_FLAGS, PROPAGATION_FLAGS } from "../config/names/mount_flags.ts";
import type { Config, NamespaceType } from "../config/types.ts";
import { type ChildOp, type ParentOp, SLOTS } from "./ops.ts";
import { propagationOf } from "./mount_options.ts";
import { refuse } from "./refusal.ts";

const { MS_REC, MS_SHARED, MS_SLAVE } = MOUNT_FLAGS;

/**
 * How the process gets its root: `own` in a mount namespace of its own,
 * `joined` in someone else's, `host` in the host's.
 */
export type RootKind = "own" | "joined" | "host";

/** What the root adds to a Plan. */
export interface RootPart {
  /** Parent: opens the tree. */
  readonly parent: readonly ParentOp[];
  /** Child, before any mount. */
  readonly attach: readonly ChildOp[];
  /** Child, after all mounts. */
  readonly enter: readonly ChildOp[];
  /** Propagation of mounts that ask for none. */
  readonly propagation: number;
}

/** Keys that need a mount namespace of the container's own, when not empty. */
const NEED_OWN = ["maskPaths", "readonlyPaths"] as const;

/**
 * Tells which root a process gets. Pure.
 *
 * @param created Types of namespaces that are made new.
 * @param joined Types of namespaces that are joined.
 * @returns The kind.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rootKind } from "./root.ts";
 *
 * assertEquals(rootKind(new Set(["NEWNS"]), []), "own");
 * assertEquals(rootKind(new Set(), ["NEWNS"]), "joined");
 * ```
 */
export function rootKind(
  created: ReadonlySet<NamespaceType>,
  joined: readonly NamespaceType[],
): RootKind {
  if (created.has("NEWNS")) return "own";
  return joined.includes("NEWNS") ? "joined" : "host";
}

/**
 * Tells where a process works that names no directory. Pure.
 *
 * @param kind Which root it has.
 * @param rootfs The configuration's root: on the host's root it is the place,
 * as in the original.
 * @returns An absolute path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultCwd } from "./root.ts";
 *
 * assertEquals(defaultCwd("own", "/srv/root"), "/");
 * ```
 */
export function defaultCwd(kind: RootKind, rootfs: string): string {
  return kind === "host" ? rootfs : "/";
}

/** Refuses what would be silently left out, or would change someone else's mounts. */
function checkNeedsOwn(config: Config): void {
  const key = NEED_OWN.find((name) => (config[name] ?? []).length > 0) ??
    (config.readonlyfs === true ? "readonlyfs" : undefined);
  if (key === undefined) return;
  throw refuse(
    key,
    `Cannot apply ${key} without a mount namespace of the container's own: add {"type": "NEWNS"} to namespaces without a path, or leave ${key} out`,
  );
}

/**
 * Plans a root that is already there: joined or the host's. Pure.
 *
 * @param kind `joined` or `host`.
 * @param rootfs The configuration's root; on the host it is the directory to
 * work in, as in the original, and no barrier.
 * @returns Child operations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planExistingRoot } from "./root.ts";
 *
 * assertEquals(planExistingRoot("joined", "/srv/root"), [{ op: "root.current" }]);
 * ```
 */
export function planExistingRoot(
  kind: Exclude<RootKind, "own">,
  rootfs: string,
): ChildOp[] {
  return kind === "joined"
    ? [{ op: "root.current" }]
    : [{ op: "root.current" }, { op: "root.enter", path: rootfs }];
}

/** Propagation before the root switch, and what is still to be set after it. */
function propagations(
  { rootPropagation }: Config,
): { readonly before: number; readonly after: readonly number[] } {
  const slave = MS_SLAVE | MS_REC;
  const wanted = propagationOf(
    [(rootPropagation ?? 0) | MS_REC],
    slave,
    "rootPropagation",
  );
  return (wanted & PROPAGATION_FLAGS) === MS_SHARED
    ? { before: slave, after: [wanted] }
    : { before: wanted, after: [] };
}

/**
 * Plans the root of a start. Pure.
 *
 * Nothing is shared with the host before the pivot: pivot_root(2) refuses
 * shared mounts, and mounts made until then would appear on the host.
 *
 * @param config The configuration.
 * @param kind Which root it gets.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for a rootfs that is not absolute.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planRoot } from "./root.ts";
 *
 * const part = planRoot(defaultConfig("/srv/root"), "own");
 * assertEquals(part.enter.map(({ op }) => op), ["root.pivot"]);
 * ```
 */
export function planRoot(config: Config, kind: RootKind): RootPart {
  const { rootfs } = config;
  if (!rootfs.startsWith("/")) {
    throw refuse(
      "rootfs",
      `Cannot use ${JSON.stringify(rootfs)} as root: must be an absolute path`,
    );
  }
  if (kind !== "own") {
    checkNeedsOwn(config);
    const attach = planExistingRoot(kind, rootfs);
    return { parent: [], attach, enter: [], propagation: 0 };
  }
  const { before, after } = propagations(config);
  const slot = SLOTS.root;
  const note = "root file system";
  const enter = config.noPivotRoot === true ? "root.move" : "root.pivot";
  return {
    parent: [{ op: "tree.open", slot, flags: 1, path: rootfs, note }],
    attach: [
      { op: "mount.propagation", propagation: before },
      { op: "root.attach", slot, propagation: before },
    ],
    enter: [
      ...(config.readonlyfs === true ? [{ op: "root.readonly" } as const] : []),
      { op: enter },
      ...after.map((propagation): ChildOp => ({
        op: "mount.propagation",
        propagation,
      })),
    ],
    propagation: before,
  };
}

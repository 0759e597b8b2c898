/**
 * Where the groups of an engine's containers count from: from the caller's own,
 * not from pid 1's.
 *
 * @module
 */
import { groupBelowMount, parseProcCgroup } from "./kernel_files.ts";
import type { CgroupHierarchy, Host } from "./types.ts";

/**
 * Places a hierarchy's relative groups where runtimes of the field have them:
 * on version 1 below the caller's own group; on version 2 beside it, as a group
 * with processes cannot be divided. Pure.
 *
 * @param hierarchy The hierarchy.
 * @param groups Text of `/proc/self/cgroup`.
 * @returns The hierarchy with that base; as it is when the caller's group is not in sight.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { placeBelowOwn } from "./own_groups.ts";
 *
 * const place = { mount: "/cg", root: "/", base: "/cg" };
 * const v1 = { version: 1, controllers: ["pids"], ...place } as const;
 * assertEquals(placeBelowOwn(v1, "3:pids:/a/b\n").base, "/cg/a/b");
 * const v2 = { version: 2, controllers: ["pids"], ...place } as const;
 * assertEquals(placeBelowOwn(v2, "0::/a/b\n").base, "/cg/a");
 * ```
 */
export function placeBelowOwn(
  hierarchy: CgroupHierarchy,
  groups: string,
): CgroupHierarchy {
  const { version, controllers, mount, root } = hierarchy;
  const own = parseProcCgroup(groups).find((line) =>
    line.version === version &&
    (version === 2 ||
      line.controllers.join() === controllers.join())
  );
  if (own === undefined) return hierarchy;
  const below = groupBelowMount(own.path, root);
  const base = version === 1
    ? below
    : below.slice(0, Math.max(0, below.lastIndexOf("/")));
  return { ...hierarchy, base: mount + base };
}

/**
 * The machine as an engine's runtime sees it: relative groups count from the
 * caller's own. Those that have been delegated to a user stay.
 *
 * @param host The machine.
 * @returns The same with other bases.
 *
 * @example
 * ```ts
 * import { placeHostBelowOwn } from "./own_groups.ts";
 * import { probeHost } from "./probe.ts";
 *
 * const { cgroup } = placeHostBelowOwn(probeHost());
 * if (cgroup.hierarchies.some(({ base, mount }) => !base.startsWith(mount))) throw new Error();
 * ```
 */
export function placeHostBelowOwn(host: Host): Host {
  if (host.euid !== 0) return host;
  let groups: string;
  try {
    groups = Deno.readTextFileSync("/proc/self/cgroup");
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return host; // no cgroups at all
  }
  const { cgroup } = host;
  return {
    ...host,
    cgroup: {
      ...cgroup,
      hierarchies: cgroup.hierarchies.map((hierarchy) =>
        placeBelowOwn(hierarchy, groups)
      ),
    },
  };
}

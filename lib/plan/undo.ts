/**
 * What has to be taken away when a container ends or fails to start.
 *
 * @module
 */
import type { Op, UndoOp } from "./ops.ts";
import type { RecordedResources, ResourceCgroup } from "./types.ts";

/** Where the state of a container is. */
export interface UndoPlace {
  /** Directory of `state.json`; it goes last. */
  readonly stateDir: string;
  /** Descriptor of that directory: its lock is taken first. */
  readonly lockFd?: number;
}

/** The group through which all processes are killed: version 2, else the freezer's. */
function killOp(groups: readonly ResourceCgroup[]): Op<"cgroup.kill">[] {
  const unified = groups.find(({ version }) => version === 2);
  if (unified) {
    const { path, owner } = unified;
    return [{ op: "cgroup.kill", version: 2, path, owner }];
  }
  const freezer = groups.find(({ controllers }) =>
    controllers.includes("freezer")
  );
  const group = freezer ?? groups[0];
  if (group === undefined) return [];
  return [{
    op: "cgroup.kill",
    version: 1,
    path: group.path,
    owner: group.owner,
    ...(freezer ? { freezer: freezer.path } : {}),
  }];
}

/**
 * Plans the removal of everything that a container made. Pure.
 *
 * Works from the record alone, so that anyone can finish what a killed owner
 * left. Processes go first, since nothing else can be removed while they live;
 * the state goes last, since without it nobody would know what is left.
 *
 * @param resources What was recorded.
 * @param place Where the state is.
 * @returns The operations; each tolerates what is not there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { buildUndo } from "./undo.ts";
 *
 * const undo = buildUndo(
 *   { cgroups: [], interfaces: [{ host: "veth1", alias: "nsinit:demo" }], files: [] },
 *   { stateDir: "/run/nsinit/demo" },
 * );
 * assertEquals(undo.map(({ op }) => op), ["link.remove", "file.remove", "dir.remove"]);
 * ```
 */
export function buildUndo(
  resources: RecordedResources,
  place: UndoPlace,
): UndoOp[] {
  const { cgroups, interfaces, files } = resources;
  const { stateDir, lockFd } = place;
  return [
    ...(lockFd === undefined ? [] : [{ op: "lock.take", fd: lockFd } as const]),
    ...killOp(cgroups),
    ...interfaces.map(({ host, alias }): UndoOp => ({
      op: "link.remove",
      host,
      alias,
    })),
    ...cgroups.map(({ base, path, owner }): UndoOp => ({
      op: "cgroup.remove",
      base,
      path,
      owner,
    })),
    ...files.map(({ dir, name, inode }): UndoOp => ({
      op: "file.remove",
      inode: BigInt(inode ?? 0),
      dir,
      name,
    })),
    { op: "file.remove", inode: 0, dir: stateDir, name: "state.json" },
    { op: "dir.remove", path: stateDir },
  ];
}

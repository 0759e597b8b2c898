/**
 * What has to be taken away when a container ends or fails to start.
 *
 * @module
 */
import type { Op, UndoOp } from "./ops.ts";
import type { RecordedResources, ResourceCgroup } from "./types.ts";

/** The record and its spare; the record goes last. */
const STATE_FILES = [".state.json.nsinit", "state.json"] as const;

/** Name, in it, of the directory on which the root is mounted of a container without a mount namespace of its own. */
export const ROOT_PLACE = "root";

/** Where the state of a container is. */
export interface UndoPlace {
  /** Directory of `state.json`, which goes last; absent when the record stays. */
  readonly stateDir?: string;
  /** Descriptor of that directory: its lock is taken first. */
  readonly lockFd?: number;
  /** A file of `stateDir` that says that all of it has been dealt with. */
  readonly unless?: string;
}

/**
 * The group through which all processes are killed: version 2, else one that is
 * not the freezer's, out of which anybody may have moved them to freeze them.
 * Either way a version 1 freezer is told, since what it holds frozen does not die.
 */
function killOp(groups: readonly ResourceCgroup[]): Op<"cgroup.kill">[] {
  const freezer = groups.find(({ version, controllers }) =>
    version === 1 && controllers.includes("freezer")
  );
  const group = groups.find(({ version }) => version === 2) ??
    groups.find((each) => each !== freezer) ?? freezer;
  if (group === undefined) return [];
  const { version, path, owner } = group;
  return [{
    op: "cgroup.kill",
    version,
    path,
    owner,
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
 * @param poststop Hooks that run when all is gone; only with a `stateDir`, since
 * the record has to go before they run.
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
 * assertEquals(undo.map(({ op }) => op), ["link.remove", "undo.check", "file.remove", "file.remove", "dir.remove"]);
 * ```
 */
export function buildUndo(
  resources: RecordedResources,
  place: UndoPlace,
  poststop: readonly UndoOp[] = [],
): UndoOp[] {
  const { cgroups, interfaces, files, place: root } = resources;
  const { stateDir, lockFd, unless } = place;
  return [
    ...(lockFd === undefined ? [] : [{ op: "lock.take", fd: lockFd } as const]),
    ...(stateDir === undefined || unless === undefined
      ? []
      : [{ op: "undo.unless", dir: stateDir, name: unless } as const]),
    ...killOp(cgroups),
    ...interfaces.map(({ host, alias }): UndoOp => ({
      op: "link.remove",
      host,
      alias,
    })),
    ...cgroups.map(({ base, path, owner, managed }): UndoOp => ({
      op: "cgroup.remove",
      flags: managed ? 1 : 0,
      base,
      path,
      owner,
    })),
    ...(root === undefined
      ? []
      : [{ op: "place.remove", path: root } as const]),
    ...files.map(({ dir, name, inode }): UndoOp => ({
      op: "file.remove",
      inode: BigInt(inode ?? 0),
      dir,
      name,
    })),
    { op: "undo.check" },
    ...(stateDir === undefined ? [] : [
      ...STATE_FILES.map((name) =>
        ({ op: "file.remove", inode: 0, dir: stateDir, name }) as const
      ),
      // With the record gone nobody runs them a second time; with the directory
      // there nobody makes another container of that id before they have ended.
      ...poststop.length > 0
        ? [{ op: "undo.check" }, ...poststop] as const
        : [],
      { op: "dir.remove", path: stateDir },
    ] as const),
  ];
}

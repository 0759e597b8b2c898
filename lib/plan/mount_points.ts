/**
 * Where mounts of a restored container go: in a root file system that no
 * container has been in, the files and directories are missing.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import { NAMESPACES } from "../config/names/namespaces.ts";
import type { Config } from "../config/types.ts";
import { targetInside } from "./mounts.ts";
import type { ChildOp, ParentOp, Plan } from "./ops.ts";
import { SLOTS } from "./ops.ts";
import { planTransfer, SlotAllocator } from "./slots.ts";

const { MS_PRIVATE, MS_REC } = MOUNT_FLAGS;

/** Something that is mounted from outside. */
export interface BoundPlace {
  /** Where, inside. */
  readonly target: string;
  /** What: path on the host. */
  readonly source: string;
}

/** The places of a container's mounts, inside, that lie in its root itself. */
export interface MountPlaces {
  /** Directories for new file systems. */
  readonly directories: readonly string[];
  /** What is bound. */
  readonly bound: readonly BoundPlace[];
}

/**
 * Finds the places that the root file system has to have. Pure.
 *
 * @param config The configuration, whose root is a directory of the host.
 * @param outside What is mounted from outside.
 * @returns The places; none below file systems of the container's own.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { findMountPlaces } from "./mount_points.ts";
 *
 * const hosts = { target: "/etc/hosts", source: "/srv/hosts" };
 * const shm = { target: "/dev/shm", source: "/srv/shm" };
 * const { bound, directories } = findMountPlaces(defaultConfig("/srv/root"), [hosts, shm]);
 * assertEquals(bound, [hosts]);
 * assertEquals(directories.includes("/proc"), true);
 * ```
 */
export function findMountPlaces(
  { mounts, rootfs }: Config,
  outside: readonly BoundPlace[],
): MountPlaces {
  const own = mounts.filter(({ device, remount }) =>
    device !== "bind" && remount !== true
  ).map(({ destination }) => targetInside(destination, rootfs));
  const isCovered = (path: string): boolean =>
    own.some((each) => path.startsWith(`${each}/`));
  const bound = outside.filter(({ target }) =>
    !own.includes(target) && !isCovered(target)
  );
  return { directories: own.filter((path) => !isCovered(path)), bound };
}

/**
 * Plans the making of places: a helper with mounts of its own mounts there what
 * will be mounted, which makes what is missing, and ends. Pure.
 *
 * @param rootfs The root file system.
 * @param places The places.
 * @returns The Plan.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planMountPoints } from "./mount_points.ts";
 *
 * const hosts = { target: "/etc/hosts", source: "/srv/hosts" };
 * const { child } = planMountPoints("/srv/root", {
 *   directories: ["/proc"],
 *   bound: [hosts],
 * });
 * assertEquals(child.slice(-2).map(({ op }) => op), ["dir.make", "mount.tree"]);
 * ```
 */
export function planMountPoints(
  rootfs: string,
  { directories, bound }: MountPlaces,
): Plan {
  const slots = new SlotAllocator();
  const trees = bound.map((place) => ({ ...place, slot: slots.take() }));
  const transfer = planTransfer([
    SLOTS.root,
    ...trees.map(({ slot }) => slot),
  ]);
  return {
    parent: [
      openOp(SLOTS.root, rootfs),
      ...trees.map(({ slot, source }) => openOp(slot, source)),
      { op: "spawn", flags: NAMESPACES.NEWNS.flag, cgroup: -1 },
      ...transfer.send,
      { op: "await.end" },
    ],
    child: [
      ...transfer.receive,
      { op: "mount.propagation", propagation: MS_PRIVATE | MS_REC },
      { op: "root.attach", slot: SLOTS.root, propagation: MS_PRIVATE },
      ...directories.map(directoryOp),
      ...trees.map(({ slot, target }) => mountOp(slot, target)),
    ],
    undo: [],
  };
}

function openOp(slot: number, path: string): ParentOp {
  return { op: "tree.open", slot, flags: 0, path };
}

function directoryOp(path: string): ChildOp {
  return { op: "dir.make", mode: 0o755, path };
}

function mountOp(slot: number, target: string): ChildOp {
  const unchanged = { set: 0, clear: 0, propagation: 0 } as const;
  return { op: "mount.tree", flags: 0, slot, ...unchanged, target };
}

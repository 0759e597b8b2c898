/**
 * Mounts of kind `cgroup`: the container's own groups.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import { HostError } from "../errors.ts";
import { MOUNT_ATTRS } from "./flags.ts";
import type { ChildOp } from "./ops.ts";
import type { MountContext, MountPart, ShownGroup } from "./mounts.ts";

const { MS_REC, MS_PRIVATE, MS_RDONLY } = MOUNT_FLAGS;
/** nosuid, nodev, noexec. */
const PLAIN_ATTRS = MOUNT_ATTRS.MOUNT_ATTR_NOSUID |
  MOUNT_ATTRS.MOUNT_ATTR_NODEV | MOUNT_ATTRS.MOUNT_ATTR_NOEXEC;
const READONLY_ATTRS = PLAIN_ATTRS | MOUNT_ATTRS.MOUNT_ATTR_RDONLY;

/** What all groups are bound with. */
interface GroupContext extends Pick<MountContext, "slots"> {
  readonly flags: number;
  readonly hasAllDevices?: boolean;
}

/** Directory of a hierarchy, as systems name it. */
function directoryName({ version, controllers }: ShownGroup): string {
  if (version === 2) return "unified";
  return controllers.map((name) => name.replace(/^name=/, "")).join(",");
}

/**
 * Binds a group. Only its own part of a hierarchy, so that `release_agent`,
 * which runs programs on the host, is never shown; and device rules stay
 * read-only, or the container could open the host's disks to itself, unless it
 * has all devices anyway: engines inside keep the rules of theirs there.
 */
function groupPart(
  group: ShownGroup,
  target: string,
  { slots, flags, hasAllDevices }: GroupContext,
): MountPart {
  const isClosed = (flags & MS_RDONLY) !== 0 ||
    (group.version === 1 && group.controllers.includes("devices") &&
      !hasAllDevices);
  const slot = slots.take();
  return {
    parent: [{
      op: "tree.open",
      slot,
      flags: 1,
      path: group.path,
      note: `bound at ${target}`,
    }],
    child: [{
      op: "mount.tree",
      flags: 1,
      slot,
      set: isClosed ? READONLY_ATTRS : PLAIN_ATTRS,
      clear: isClosed ? 0 : MOUNT_ATTRS.MOUNT_ATTR_RDONLY,
      propagation: MS_PRIVATE | MS_REC,
      target,
      note: group.path,
    }],
    slots: [slot],
    shown: [slot],
  };
}

/** One directory and, for controllers that share it, a link for each name. */
function hierarchyPart(
  group: ShownGroup,
  target: string,
  context: GroupContext,
): MountPart {
  const name = directoryName(group);
  const path = `${target}/${name}`;
  const part = groupPart(group, path, context);
  const links = group.version === 1 && group.controllers.length > 1
    ? group.controllers
    : [];
  return {
    ...part,
    child: [
      { op: "dir.make", mode: 0o755, path },
      ...part.child,
      ...links.map((link): ChildOp => ({
        op: "link.make",
        flags: 0,
        path: `${target}/${link}`,
        target: name,
      })),
    ],
  };
}

/**
 * Plans a mount of kind `cgroup`. Pure.
 *
 * Version 2: the container's group itself. Version 1 and hybrid: a small tmpfs
 * with one directory for each hierarchy.
 *
 * @param target Path inside.
 * @param flags `MS_*` bits; without `MS_RDONLY` the container may make groups
 * of its own, and change all its limits; those of devices only if it has all.
 * @param context Groups and slots; whether a container without a group gets an
 * empty directory.
 * @returns The operations; the parent's must follow the making of the groups.
 * @throws {HostError} `HostUnsupported` when the container has no group.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planCgroupMount } from "./cgroup_mounts.ts";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const groups = [{ version: 2, controllers: [], path: "/cg/a" }] as const;
 * const part = planCgroupMount("/sys/fs/cgroup", 14, { groups, slots: new SlotAllocator() });
 * assertEquals(part.child.map(({ op }) => op), ["mount.tree"]);
 * ```
 */
export function planCgroupMount(
  target: string,
  flags: number,
  context: Pick<MountContext, "groups" | "slots"> & {
    readonly mayBeEmpty?: boolean;
    readonly hasAllDevices?: boolean;
  },
): MountPart {
  const { groups } = context;
  const [only] = groups;
  if (only === undefined && !context.mayBeEmpty) {
    throw new HostError(
      `Cannot mount cgroups at ${target}: the container has none; mount cgroup2 at /sys/fs/cgroup on the host (and without root have a group delegated: systemd-run --user --scope), or leave the mount out`,
    );
  }
  if (only && groups.length === 1 && only.version === 2) {
    return groupPart(only, target, { ...context, flags });
  }
  const parts = groups.map((group) =>
    hierarchyPart(group, target, { ...context, flags })
  );
  const isClosed = (flags & MS_RDONLY) !== 0 || only === undefined;
  return {
    parent: parts.flatMap(({ parent }) => parent),
    child: [
      {
        op: "mount.fs",
        flags: 0,
        attr: PLAIN_ATTRS,
        propagation: 0,
        fstype: "tmpfs",
        source: "cgroup",
        target,
        options: ["mode", "755"],
      },
      ...parts.flatMap(({ child }) => child),
      // Itself: bound over itself, everything below would be there twice.
      ...(isClosed
        ? [
          {
            op: "mount.change",
            flags: 0,
            set: MOUNT_ATTRS.MOUNT_ATTR_RDONLY,
            clear: 0,
            propagation: 0,
            target,
          } as const,
        ]
        : []),
    ],
    slots: parts.flatMap(({ slots }) => slots),
    shown: parts.flatMap(({ shown }) => shown),
  };
}

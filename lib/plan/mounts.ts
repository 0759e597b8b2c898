/**
 * The mounts of the configuration, in order.
 *
 * Bind sources are opened in the parent, where paths are the host's, but for
 * those that earlier mounts make; targets are resolved by the child inside the
 * root. See mount_setattr(2), fsopen(2).
 *
 * @module
 */
import { PROC_FILES } from "../config/names/proc_files.ts";
import { isWithin, normalizePath } from "../config/host_paths.ts";
import { MOUNT_FLAGS, PROPAGATION_FLAGS } from "../config/names/mount_flags.ts";
import type { Command, Config, Mount, NamespaceType } from "../config/types.ts";
import { HostError } from "../errors.ts";
import type { Host } from "../host/types.ts";
import { planInside, sourceInside, type SourcePart } from "./bind_sources.ts";
import { devicePolicy, isOpenPolicy } from "./cgroup/devices.ts";
import { planCgroupMount } from "./cgroup_mounts.ts";
import { MOUNT_ATTRS } from "./flags.ts";
import { planIdmap } from "./mount_idmap.ts";
import { isMapped } from "./id_maps.ts";
import {
  engineChange,
  newAttributes,
  type TreeChange,
  treeChange,
} from "./mount_attributes.ts";
import { optionsOf, propagationOf } from "./mount_options.ts";
import type { ChildOp, Op, ParentOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { SlotAllocator } from "./slots.ts";
import type { ResourceCgroup } from "./types.ts";

const { MS_BIND, MS_REC, MS_SHARED, MS_SLAVE } = MOUNT_FLAGS;

/** Flags of `mount.fs` and `mount.tree`; see the table of operations. */
const FS_STRICT_TARGET = 1;
const FS_TAKE_MODE = 2;
const FS_COPY = 4;
const TREE_RECURSIVE = 1;
const TREE_STRICT_TARGET = 2;
const TREE_INTO_PROC = 4;
const TREE_IS_PROC = 8;
const TREE_IS_SYSFS = 16;
const TREE_KEEPS = 32;

/** What a mount of kind `cgroup` needs to know of a group. */
export type ShownGroup = Pick<
  ResourceCgroup,
  "version" | "controllers" | "path"
>;

/** What mounts are planned from. */
export interface MountContext {
  /** The configuration. */
  readonly config: Config;
  /** The machine. */
  readonly host: Host;
  /** Slots of this Plan. */
  readonly slots: SlotAllocator;
  /** The container's groups, for mounts of kind `cgroup`. */
  readonly groups: readonly ShownGroup[];
  /** Propagation of mounts that ask for none. */
  readonly propagation: number;
  /** Slot of the user namespace that the container joins by its path. */
  readonly joinedUser?: number;
  /** Whether the child copies sources of the host at their turn, so that all mounts come in order. */
  readonly isInOrder?: boolean;
  /** Whether an engine asks for them: binds have the attributes that other runtimes give them. */
  readonly isEngines?: boolean;
}

/** What mounts add to a Plan. */
export interface MountPart {
  /** Parent: opens sources; those of `cgroup` need the groups made before. */
  readonly parent: readonly ParentOp[];
  /** Child: makes and attaches. */
  readonly child: readonly ChildOp[];
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** Those of them that show groups. */
  readonly shown: readonly number[];
  /** Parent: what it does while the child mounts and waits for it. */
  readonly meanwhile?: readonly ParentOp[];
}

/** A part of mounts without any. */
export const NOTHING: MountPart = {
  parent: [],
  child: [],
  slots: [],
  shown: [],
};

/** A mount with its place in the configuration and its clean target. */
interface PlacedMount {
  readonly mount: Mount;
  readonly path: string;
  readonly target: string;
  /** Targets of the mounts before. */
  readonly earlier: readonly string[];
  /** Whether the configuration has it as a bind. */
  readonly isBind: boolean;
}

/**
 * Brings a destination into normal form. Pure.
 *
 * @param destination Path inside; one that starts with the root's host path is
 * taken as meant inside, as in the original.
 * @param rootfs The root's host path.
 * @returns A normalised absolute path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { targetInside } from "./mounts.ts";
 *
 * assertEquals(targetInside("/srv/root/proc/", "/srv/root"), "/proc");
 * assertEquals(targetInside("dev//pts", "/srv/root"), "/dev/pts");
 * ```
 */
export function targetInside(destination: string, rootfs: string): string {
  const target = normalizePath(destination);
  const root = normalizePath(rootfs);
  return root !== "/" && target !== root && isWithin(target, root)
    ? target.slice(root.length)
    : target;
}

/** Refuses targets that would give the container a false procfs. */
function checkTarget({ mount, path, target }: PlacedMount): void {
  const { device } = mount;
  const key = `${path}.destination`;
  if (target === "/") {
    throw refuse(
      key,
      `Cannot mount ${device} at /: that is the root itself; set rootfs instead`,
    );
  }
  if (target === "/proc" && device !== "proc" && device !== "bind") {
    throw refuse(
      key,
      `Cannot mount ${device} at /proc: labels and limits are set through it; only proc may be there`,
    );
  }
  if (!target.startsWith("/proc/")) return;
  if (device === "bind" && PROC_FILES.has(target)) return;
  throw refuse(
    key,
    `Cannot mount ${device} at ${target}: inside /proc only files such as /proc/cpuinfo or /proc/meminfo may be bound over`,
  );
}

function commandOps(commands: readonly Command[] | undefined): ChildOp[] {
  return (commands ?? []).map(({ path, args, env, dir }) => ({
    op: "command.run",
    path,
    argv: [path, ...args],
    envp: env,
    dir: dir === "" ? "/" : dir,
  }));
}

/** Options of a new file system, as this container and host need them. */
function fsOptions(mount: Mount, { config, host }: MountContext): string[] {
  const { device, flags, data } = mount;
  const options = optionsOf(flags, data).filter(([key, value]) =>
    // The group that owns terminals may not exist in a small user namespace.
    !(device === "devpts" && key === "gid" &&
      config.namespaces.some(({ type }) => type === "NEWUSER") &&
      !isMapped(config.gidMappings, Number(value)))
  );
  const label = config.mountLabel ?? "";
  const isLabelled = label !== "" && host.selinux &&
    (device === "tmpfs" || device === "devpts");
  return [
    ...options.flat(),
    ...(isLabelled ? ["context", label] : []),
  ];
}

/** A tmpfs is read-only when what lies in it has been made: mounts, nodes, links. */
function isSealedLate(mount: Mount): boolean {
  return mount.device === "tmpfs" && mount.remount !== true &&
    (newAttributes(mount) & MOUNT_ATTRS.MOUNT_ATTR_RDONLY) !== 0;
}

function fsOp(placed: PlacedMount, context: MountContext): ChildOp {
  const { mount: { device, source, data }, target } = placed;
  // Never through a link: the container would choose its own procfs.
  const isStrict = device === "proc" || device === "sysfs";
  // As the original: what covers a directory looks like it, unless told.
  const takesMode = device === "tmpfs" && !/(^|,)(mode|uid|gid)=/.test(data);
  return {
    op: "mount.fs",
    flags: (isStrict ? FS_STRICT_TARGET : 0) | (takesMode ? FS_TAKE_MODE : 0) |
      (placed.mount.tmpcopyup === true ? FS_COPY : 0),
    attr: isSealedLate(placed.mount)
      ? newAttributes(placed.mount) & ~MOUNT_ATTRS.MOUNT_ATTR_RDONLY
      : newAttributes(placed.mount),
    // Nothing is below what is new; the kernel refuses to be told otherwise.
    propagation: mountPropagation(placed, context) & ~MS_REC,
    fstype: device,
    source: source === "" ? device : source,
    target,
    options: fsOptions(placed.mount, context),
  };
}

/** Propagation of a mount; new file systems share with nobody unless told. */
function mountPropagation(
  { mount, path }: PlacedMount,
  context: MountContext,
): number {
  const wanted = [mount.flags, ...(mount.propagationFlags ?? [])];
  const fallback = mount.device === "bind" ? context.propagation : 0;
  const chosen = propagationOf(wanted, fallback, `${path}.propagationFlags`);
  const root = (context.config.rootPropagation ?? 0) & PROPAGATION_FLAGS;
  const isShared = (chosen & PROPAGATION_FLAGS) === MS_SHARED;
  const isOwnPeer = isShared && root !== MS_SHARED && mount.device === "bind";
  if (isOwnPeer && context.config.dialect !== "OCI") {
    throw refuse(
      `${path}.propagationFlags`,
      `Cannot share the mount at ${mount.destination} with the host: the root is not shared; set rootPropagation to MS_SHARED|MS_REC`,
    );
  }
  // As other runtimes: shared among the container's own, which the host has no part in.
  return isOwnPeer ? MS_SLAVE | chosen & MS_REC : chosen;
}

/** Makes a mount that follows the host a peer of those that the container makes of it. */
function peerOps(
  { mount, path, target }: PlacedMount,
  propagation: number,
): ChildOp[] {
  const wanted = [mount.flags, ...(mount.propagationFlags ?? [])];
  const chosen = propagationOf(wanted, 0, `${path}.propagationFlags`);
  const isPeer = (chosen & PROPAGATION_FLAGS) === MS_SHARED;
  if (!isPeer || (propagation & PROPAGATION_FLAGS) === MS_SHARED) return [];
  return [{
    op: "mount.change",
    flags: 0,
    set: 0,
    clear: 0,
    propagation: chosen,
    target,
  }];
}

function treeFlags({ target }: PlacedMount, isRecursive: boolean): number {
  const recursive = isRecursive ? TREE_RECURSIVE : 0;
  if (target === "/proc") {
    return recursive | TREE_STRICT_TARGET | TREE_IS_PROC;
  }
  if (target === "/sys") return recursive | TREE_STRICT_TARGET | TREE_IS_SYSFS;
  return target.startsWith("/proc/") ? recursive | TREE_INTO_PROC : recursive;
}

/** Copies the source of a bind mount: on the host, or inside at its turn. */
function sourcePart(
  { mount, path, target, earlier }: PlacedMount,
  slot: number,
  context: MountContext,
): SourcePart {
  const { source } = mount;
  const { namespaces, rootfs } = context.config;
  const flags = (mount.flags & MS_REC) !== 0 ? 1 : 0;
  const idmap = planIdmap(mount, { path, slot }, context);
  const inside = sourceInside(source, rootfs, earlier);
  if (inside !== undefined) {
    return planInside(inside, { slot, flags, idmap }, { namespaces });
  }
  const note = `bound at ${target}`;
  const open = { op: "tree.open", slot, flags, path: source, note } as const;
  // What holds the root would be copied with what is mounted in that by now.
  const holdsRoot = isWithin(normalizePath(rootfs), normalizePath(source));
  if (context.isInOrder === true && idmap.length === 0 && !holdsRoot) {
    return { parent: [], child: [open], slots: [] };
  }
  return { parent: [open, ...idmap], child: [], slots: [slot] };
}

/** Attributes of a bind; one that stands for a new file system has those of that. */
function bindChange(
  { mount, isBind }: PlacedMount,
  { isEngines = false, config }: MountContext,
): TreeChange & { readonly keeps: number } {
  if (!isEngines || !isBind) return { ...treeChange(mount), keeps: 0 };
  const isInUser = config.namespaces.some(({ type }) => type === "NEWUSER");
  const change = engineChange(mount, isInUser);
  return { ...change, keeps: isInUser ? TREE_KEEPS : 0 };
}

function bindPart(placed: PlacedMount, context: MountContext): MountPart {
  const { mount: { source }, path, target } = placed;
  if (!source.startsWith("/")) {
    throw refuse(
      `${path}.source`,
      `Cannot bind ${JSON.stringify(source)}: must be an absolute path`,
    );
  }
  const slot = context.slots.take();
  const { all, top, isRecursive, keeps } = bindChange(placed, context);
  const { set, clear } = top;
  const propagation = mountPropagation(placed, context);
  const copy = sourcePart(placed, slot, context);
  return {
    ...copy,
    child: [
      ...copy.child,
      ...(all ? [{ op: "tree.set", slot, ...all } as const] : []),
      {
        op: "mount.tree",
        flags: treeFlags(placed, isRecursive) | keeps,
        slot,
        set,
        clear,
        propagation,
        target,
        note: source,
      },
      ...peerOps(placed, propagation),
    ],
    shown: [],
  };
}

/**
 * The host's mount in place of a new one: a file system that shows a namespace
 * may be mounted only by who has power over that namespace, which nobody in a
 * new user namespace has over the host's (mount_namespaces(7)).
 */
const SHARED_SOURCES: Readonly<
  Record<string, { readonly type: NamespaceType; readonly source: string }>
> = {
  proc: { type: "NEWPID", source: "/proc" },
  sysfs: { type: "NEWNET", source: "/sys" },
  mqueue: { type: "NEWIPC", source: "/dev/mqueue" },
};

function bindShared(
  placed: PlacedMount,
  { config }: MountContext,
): PlacedMount {
  const { mount } = placed;
  const shared = SHARED_SOURCES[mount.device];
  const isNew = (type: NamespaceType): boolean =>
    config.namespaces.some((own) => own.type === type && !own.path);
  if (!shared || !isNew("NEWUSER") || isNew(shared.type)) return placed;
  // What is mounted below comes along: a user namespace may not uncover it.
  const flags = mount.flags | MS_BIND | MS_REC;
  const { source } = shared;
  return { ...placed, mount: { ...mount, device: "bind", source, flags } };
}

function checkRelabel({ mount, path }: PlacedMount, host: Host): void {
  // Without SELinux there is no label to change: nothing is left undone.
  if (mount.relabel === "" || !host.selinux) return;
  throw new HostError(
    `Cannot relabel ${mount.source}: changing SELinux labels of files is not supported; label it with chcon and leave ${path}.relabel out`,
  );
}

/** Changes of a mount that is there: of all below it first, then of itself. */
function changePart(placed: PlacedMount): MountPart {
  const { mount, target, path } = placed;
  const { all, top, isRecursive } = treeChange(mount);
  const wanted = [mount.flags, ...(mount.propagationFlags ?? [])];
  const change = { op: "mount.change", target } as const;
  return {
    ...NOTHING,
    child: [
      ...(all ? [{ ...change, ...all, flags: 1, propagation: 0 }] : []),
      {
        ...change,
        ...top,
        flags: isRecursive ? 1 : 0,
        propagation: propagationOf(wanted, 0, `${path}.propagationFlags`),
      },
    ],
  };
}

function mountPart(placed: PlacedMount, context: MountContext): MountPart {
  checkRelabel(placed, context.host);
  const { mount, target, path } = placed;
  if (mount.idmap !== undefined && mount.device !== "bind") {
    throw refuse(
      `${path}.idmap`,
      `Cannot map the ids of ${mount.device} at ${target}: only bind mounts are id-mapped`,
    );
  }
  if (mount.remount === true) return changePart(placed);
  switch (mount.device) {
    case "bind":
      return bindPart(placed, context);
    case "cgroup2":
      return planCgroupMount(target, mount.flags, {
        ...context,
        groups: context.groups.filter(({ version }) => version === 2),
      });
    case "cgroup":
      return planCgroupMount(target, mount.flags, {
        ...context,
        // Engines ask for it without asking whether a user has groups.
        mayBeEmpty: context.config.dialect === "OCI",
        hasAllDevices: isOpenPolicy(devicePolicy(context.config.cgroups ?? {})),
      });
    default:
      return { ...NOTHING, child: [fsOp(placed, context)] };
  }
}

/**
 * Plans the mounts of a container. Pure.
 *
 * @param context The configuration, the host, slots and groups.
 * @returns The operations in order.
 * @throws {ConfigError} `ConfigInvalid` for targets inside /proc, sources that
 * are not absolute, and propagation that cannot be.
 * @throws {HostError} `HostUnsupported` for labels on a host that has none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planMounts } from "./mounts.ts";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const { child } = planMounts({
 *   config: defaultConfig("/srv/root"),
 *   host: {
 *     cgroup: { mode: "none", hierarchies: [] },
 *     lastCapability: 40,
 *     apparmor: false,
 *     selinux: false,
 *     architecture: "x86_64",
 *     kernel: [6, 1],
 *     euid: 0,
 *   },
 *   slots: new SlotAllocator(),
 *   groups: [],
 *   propagation: 0,
 * });
 * assertEquals(child.length, 6);
 * ```
 */
export function planMounts(context: MountContext): MountPart {
  const { config, host } = context;
  if ((config.mountLabel ?? "") !== "" && !host.selinux) {
    throw new HostError(
      `Cannot label mounts ${config.mountLabel}: SELinux is not in force on this host; leave mountLabel out`,
    );
  }
  const targets = config.mounts.map(({ destination }) =>
    targetInside(destination, config.rootfs)
  );
  const parts = config.mounts.map((mount, index): MountPart => {
    const target = targets[index] ?? "";
    const earlier = targets.slice(0, index);
    const isBind = mount.device === "bind";
    const path = `mounts[${index}]`;
    const placed = { mount, path, target, earlier, isBind };
    checkTarget(placed);
    const part = mountPart(bindShared(placed, context), context);
    return {
      ...part,
      child: [
        ...commandOps(mount.premountCmds),
        ...part.child,
        ...commandOps(mount.postmountCmds),
      ],
    };
  });
  return {
    parent: parts.flatMap(({ parent }) => parent),
    child: parts.flatMap(({ child }) => child),
    slots: parts.flatMap(({ slots }) => slots),
    shown: parts.flatMap(({ shown }) => shown),
    meanwhile: parts.flatMap(({ meanwhile = [] }) => meanwhile),
  };
}

/**
 * Plans what makes a tmpfs read-only at last. Pure.
 *
 * @param config The configuration.
 * @returns One operation for each that is not covered by another mount.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planSeals } from "./mounts.ts";
 *
 * assertEquals(planSeals(defaultConfig("/srv/root")), []);
 * ```
 */
export function planSeals(config: Config): Op<"mount.change">[] {
  const placed = config.mounts.map((mount) => ({
    mount,
    target: targetInside(mount.destination, config.rootfs),
  }));
  return placed.filter(({ mount, target }, index) =>
    isSealedLate(mount) &&
    !placed.slice(index + 1).some((later) => later.target === target)
  ).map(({ target }) => ({
    op: "mount.change",
    flags: 0,
    set: MOUNT_ATTRS.MOUNT_ATTR_RDONLY,
    clear: 0,
    propagation: 0,
    target,
  }));
}

/**
 * Plans what protects files of the runtime inside the root. Pure.
 *
 * @param paths Paths inside the root; a directory before what is in it.
 * @returns One operation each.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planProtection } from "./mounts.ts";
 *
 * assertEquals(planProtection(["/container.json"])[0]?.op, "file.protect");
 * ```
 */
export function planProtection(
  paths: readonly string[],
): Op<"file.protect">[] {
  return paths.map((path) => ({ op: "file.protect", path }));
}

/**
 * Plans hidden and read-only paths. Pure.
 *
 * Before the root switch: a file is hidden by the host's null device, which
 * the container cannot replace.
 *
 * @param config The configuration.
 * @returns Read-only paths, then hidden ones, so that none is uncovered again.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planMasks } from "./mounts.ts";
 *
 * const ops = planMasks(defaultConfig("/srv/root"));
 * assertEquals(ops.at(-1), { op: "path.mask", path: "/proc/kcore" });
 * ```
 */
export function planMasks(config: Config): ChildOp[] {
  return [
    ...(config.readonlyPaths ?? []).map((path): ChildOp => ({
      op: "path.readonly",
      path,
    })),
    ...(config.maskPaths ?? []).map((path): ChildOp => ({
      op: "path.mask",
      path,
    })),
  ];
}

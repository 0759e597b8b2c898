/**
 * The root of the container: where it comes from, how it is entered.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import type { Config, Int64, NamespaceType, Overlay } from "../config/types.ts";
import { type Host, isKernelAtLeast } from "../host/types.ts";
import { MOUNT_ATTRS } from "./flags.ts";
import { isMapped } from "./id_maps.ts";
import { type ChildOp, type Op, type ParentOp, SLOTS } from "./ops.ts";
import { propagationOf } from "./mount_options.ts";
import { refuse } from "./refusal.ts";
import type { SlotAllocator } from "./slots.ts";
import type { HostRootParts } from "./types.ts";
import { ROOT_PLACE } from "./undo.ts";

const { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } = MOUNT_FLAGS;

/** Flag of `overlay.open`. */
const OVERLAY_ATTACH = 1;
/** A file that is written takes a page at least; that many inodes do. */
const INODE_BYTES = 4096n;
const MIN_INODES = 1024n;

/** User and group of a host root's processes that name none: nobody. */
export const HOST_ROOT_ID = 65534;

/**
 * How the process gets its root: `own` in a mount namespace of its own,
 * `joined` in someone else's, `host` in the host's; `placed` is a root of its
 * own in either of these, by chroot(2).
 */
export type RootKind = "own" | "joined" | "host" | "placed";

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
  /** Slots that the child needs. */
  readonly slots: readonly number[];
}

/** What a root is planned from besides the configuration. */
export interface RootContext {
  /** How the process gets it. */
  readonly kind: RootKind;
  /** The machine. */
  readonly host: Pick<Host, "kernel">;
  /** Slots of this Plan. */
  readonly slots: SlotAllocator;
  /** Directory of the container's state. */
  readonly stateDir?: string;
  /** Whether paths of the host are walked when the root is attached already. */
  readonly isWalked?: boolean;
  /** What the host root is made of, where there is one. */
  readonly hostRoot?: HostRootParts | undefined;
}

/** Keys that need a mount namespace of the container's own, when not empty. */
const NEED_OWN = ["maskPaths", "readonlyPaths"] as const;
/** Keys that need one when they are there at all. */
const NEED_OWN_ALWAYS = ["overlay", "hostRoot"] as const;

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
 * Tells where the root of a container is mounted that has no mount namespace of
 * its own and has a root all the same, as OCI wants it. Pure.
 *
 * What is mounted there is ours alone, and seen by root only: its removal can
 * take away nothing else, and nothing appears in the bundle.
 *
 * @param config The configuration.
 * @param stateDir Directory of the container's state.
 * @returns The directory; undefined for every other container.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rootPlace } from "./root.ts";
 *
 * const config = { dialect: "OCI", namespaces: [] } as const;
 * assertEquals(rootPlace(config, "/run/nsinit/demo"), "/run/nsinit/demo/root");
 * assertEquals(rootPlace({ ...config, namespaces: [{ type: "NEWNS" }] }, "/run"), undefined);
 * ```
 */
export function rootPlace(
  { dialect, namespaces }: Pick<Config, "dialect" | "namespaces">,
  stateDir: string,
): string | undefined {
  const hasOwn = namespaces.some(({ type, path }) =>
    type === "NEWNS" && path === undefined
  );
  return dialect === "OCI" && !hasOwn ? `${stateDir}/${ROOT_PLACE}` : undefined;
}

/**
 * Tells who a process is that names no user. Pure.
 *
 * @param config The configuration.
 * @returns Empty, which is root; `nobody` in a host root, where that id exists.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { defaultUser } from "./root.ts";
 *
 * const config = defaultConfig("/");
 * assertEquals(defaultUser(config), "");
 * assertEquals(defaultUser({ ...config, hostRoot: {} }), "nobody");
 * ```
 */
export function defaultUser(
  { hostRoot, uidMappings, gidMappings }: Config,
): "" | "nobody" {
  const exists = isMapped(uidMappings, HOST_ROOT_ID) &&
    isMapped(gidMappings, HOST_ROOT_ID);
  return hostRoot !== undefined && exists ? "nobody" : "";
}

/** Home of a user of a host root; of others than these only where it is made. */
function homeInHostRoot(
  config: Config,
  user: string,
  isFirst: boolean,
): string {
  const asked = user === "" ? defaultUser(config) : user;
  const [name = ""] = asked.split(":");
  if (name === "nobody" || name === String(HOST_ROOT_ID)) return "/home/nobody";
  if (name === "" || name === "root" || /^0+$/.test(name)) return "/root";
  return isFirst && /^\d+$/.test(name) ? "/home/user" : "/";
}

/**
 * Tells where a process works that names no directory. Pure.
 *
 * @param kind Which root it has.
 * @param config The configuration: on the host's root its root is the place, as
 * in the original; in a host root it is the user's home.
 * @param user The user asked for.
 * @returns An absolute path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { defaultCwd } from "./root.ts";
 *
 * assertEquals(defaultCwd("own", defaultConfig("/srv/root"), ""), "/");
 * ```
 */
export function defaultCwd(
  kind: RootKind,
  config: Config,
  user: string,
): string {
  if (config.hostRoot !== undefined) {
    return homeInHostRoot(config, user, kind === "own");
  }
  return kind === "host" ? config.rootfs : "/";
}

/**
 * Options of a tmpfs with a size limit. Pure.
 *
 * Names cost memory that the size does not count, so their number is limited too.
 *
 * @param size Bytes.
 * @returns Key, value pairs for fsconfig(2).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sizeOptions } from "./root.ts";
 *
 * assertEquals(sizeOptions(1 << 26), ["size", "67108864", "nr_inodes", "16384"]);
 * ```
 */
export function sizeOptions(size: Int64): string[] {
  const inodes = BigInt(size) / INODE_BYTES;
  const limit = inodes < MIN_INODES ? MIN_INODES : inodes;
  return ["size", String(size), "nr_inodes", String(limit)];
}

/** Refuses what would be silently left out, or would change someone else's mounts. */
function checkNeedsOwn(config: Config): void {
  const key = NEED_OWN.find((name) => (config[name] ?? []).length > 0) ??
    NEED_OWN_ALWAYS.find((name) => config[name] !== undefined) ??
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
  kind: "joined" | "host",
  rootfs: string,
): ChildOp[] {
  return kind === "joined"
    ? [{ op: "root.current" }]
    : [{ op: "root.current" }, { op: "root.enter", path: rootfs }];
}

/**
 * Propagation before the root switch, and what is still to be set after it.
 * Until then nothing may be shared, and what is unbindable could not be bound
 * read-only. Private and slave hold for the whole tree in any case.
 */
function propagations(
  { rootPropagation = 0 }: Config,
): { readonly before: number; readonly after: readonly number[] } {
  const slave = MS_SLAVE | MS_REC;
  const wanted = propagationOf([rootPropagation], slave, "rootPropagation");
  return (wanted & (MS_SHARED | MS_UNBINDABLE)) !== 0
    ? { before: slave, after: [wanted] }
    : { before: wanted | MS_REC, after: [] };
}

/**
 * The overlay over the rootfs. What is kept is guarded by the kernel's index:
 * with it a layer that another overlay uses is refused, and one that was written
 * over another directory. Data is copied whole (no metacopy), as a directory that
 * others may write is no place to look data up by path.
 */
function overlayOp(
  rootfs: string,
  { size, upper, work }: Overlay,
  host: Pick<Host, "kernel">,
): Op<"overlay.open"> {
  const isKept = upper !== undefined;
  const mustAttach = !isKept && !isKernelAtLeast(host, 6, 15);
  return {
    op: "overlay.open",
    slot: SLOTS.root,
    flags: mustAttach ? OVERLAY_ATTACH : 0,
    lower: rootfs,
    ...isKept ? { upper, work: work ?? `${upper}.work` } : {},
    options: size === undefined ? [] : sizeOptions(size),
    settings: [
      ...["metacopy", "off", "redirect_dir", "on"],
      ...["index", isKept ? "on" : "off"],
    ],
  };
}

/** The directory of the host that is the root, or is below the layer of writes. */
function sourceOp(
  { rootfs, overlay }: Config,
  host: Pick<Host, "kernel">,
): ParentOp {
  return overlay === undefined
    ? {
      op: "tree.open",
      slot: SLOTS.root,
      flags: 1,
      path: rootfs,
      note: "root file system",
    }
    : overlayOp(rootfs, overlay, host);
}

/** What makes the new root: parent and child, and its slots. */
type RootSource = Pick<RootPart, "parent" | "attach" | "slots">;

/**
 * A new root of parts of the host. Private: what is mounted on the host later
 * would appear inside without the attributes.
 */
function hostRootSource(
  { hostRoot, slots }: RootContext,
  propagation: number,
): RootSource {
  if (hostRoot === undefined) {
    throw new TypeError("The parts of the host root have not been looked up");
  }
  const trees = hostRoot.trees.map((tree) => ({ ...tree, slot: slots.take() }));
  const attr = MOUNT_ATTRS.MOUNT_ATTR_NOSUID | MOUNT_ATTRS.MOUNT_ATTR_NODEV;
  return {
    parent: trees.map(({ slot, path }) => ({
      op: "tree.open",
      slot,
      flags: 1,
      path,
      note: "shown by the host root",
    })),
    attach: [
      { op: "root.make", attr, propagation, options: hostRoot.options },
      ...hostRoot.ops,
      ...trees.map(({ slot, path, attributes }): ChildOp => ({
        op: "mount.tree",
        flags: 1,
        slot,
        set: attributes,
        clear: 0,
        propagation: MS_PRIVATE | MS_REC,
        target: path,
        note: path,
      })),
    ],
    slots: trees.map(({ slot }) => slot),
  };
}

/**
 * Whether hooks may enter the mount namespace before the root is entered: those
 * of the host find it there under its host path, as other runtimes have it.
 */
function isVisited({ hooks = {}, noPivotRoot, rootfs }: Config): boolean {
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks;
  const count = prestart.length + createRuntime.length + createContainer.length;
  return count > 0 && noPivotRoot !== true && rootfs !== "/";
}

function rootSource(
  config: Config,
  context: RootContext,
  propagation: number,
): RootSource {
  if (config.hostRoot !== undefined) {
    return hostRootSource(context, propagation);
  }
  const slot = SLOTS.root;
  return {
    parent: [sourceOp(config, context.host)],
    attach: [{
      op: "root.attach",
      slot,
      propagation,
      ...(context.isWalked === true || isVisited(config)) &&
        { at: config.rootfs },
    }],
    slots: [slot],
  };
}

/**
 * A root in mounts that are others': private and out of their sight, so that
 * nothing is mounted where they are, and entered by chroot(2).
 */
function planPlaced(
  config: Config,
  { host, stateDir = "" }: RootContext,
): RootPart {
  const { rootfs, rootPropagation, readonlyfs } = config;
  const slot = SLOTS.root;
  const propagation = propagationOf(
    [rootPropagation ?? 0],
    MS_PRIVATE,
    "rootPropagation",
  );
  if ((propagation & MS_SHARED) !== 0) {
    throw refuse(
      "rootPropagation",
      "Cannot share a root without a mount namespace of the container's own: it would be shared with the host; leave linux.rootfsPropagation out",
    );
  }
  return {
    parent: [sourceOp(config, host)],
    attach: [{
      op: "root.place",
      slot,
      at: `${stateDir}/${ROOT_PLACE}`,
      note: rootfs,
    }],
    enter: [
      ...(readonlyfs === true ? [{ op: "root.readonly" } as const] : []),
      { op: "root.change" },
    ],
    propagation: MS_PRIVATE,
    slots: [slot],
  };
}

/**
 * Plans the root of a start. Pure.
 *
 * Nothing is shared with the host before the pivot: pivot_root(2) refuses
 * shared mounts, and mounts made until then would appear on the host.
 *
 * @param config The configuration.
 * @param context Which root it gets, the machine, slots.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for a rootfs that is not absolute.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planRoot } from "./root.ts";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const context = {
 *   kind: "own",
 *   host: { kernel: [6, 1] },
 *   slots: new SlotAllocator(),
 * } as const;
 * const part = planRoot(defaultConfig("/srv/root"), context);
 * assertEquals(part.enter.map(({ op }) => op), ["root.pivot"]);
 * ```
 */
export function planRoot(config: Config, context: RootContext): RootPart {
  const { rootfs } = config;
  const { kind } = context;
  if (!rootfs.startsWith("/")) {
    throw refuse(
      "rootfs",
      `Cannot use ${JSON.stringify(rootfs)} as root: must be an absolute path`,
    );
  }
  if (kind === "placed") return planPlaced(config, context);
  if (kind !== "own") {
    checkNeedsOwn(config);
    const attach = planExistingRoot(kind, rootfs);
    return { parent: [], attach, enter: [], propagation: 0, slots: [] };
  }
  const { before, after } = propagations(config);
  const source = rootSource(config, context, before);
  const stays = config.noPivotRoot === true;
  return {
    parent: source.parent,
    attach: [
      // What the host mounts later must not come to an old root that stays.
      {
        op: "mount.propagation",
        propagation: stays ? MS_PRIVATE | MS_REC : before,
      },
      ...source.attach,
    ],
    enter: [
      ...(config.readonlyfs === true ? [{ op: "root.readonly" } as const] : []),
      { op: stays ? "root.move" : "root.pivot" },
      ...after.map((propagation): ChildOp => ({
        op: "mount.propagation",
        propagation,
      })),
    ],
    propagation: before,
    slots: source.slots,
  };
}

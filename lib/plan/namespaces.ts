/**
 * Which namespaces are made, joined by path, or shared; and the shape of the
 * start that follows from it.
 *
 * @module
 */
import { NAMESPACES } from "../config/names/namespaces.ts";
import type {
  Namespace,
  NamespaceType,
  TimeOffset,
  TimeOffsets,
} from "../config/types.ts";
import type { ChildOp, ParentOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { SlotAllocator } from "./slots.ts";

/**
 * Order of joining by who is not root: the user namespace first, for the rights
 * over the others; the mount namespace last, since it takes the paths of the
 * host away.
 */
const JOIN_ORDER: readonly NamespaceType[] = [
  "NEWUSER",
  "NEWIPC",
  "NEWUTS",
  "NEWNET",
  "NEWPID",
  "NEWCGROUP",
  "NEWTIME",
  "NEWNS",
];

/** Namespaces of a container by what happens to them. */
export interface NamespaceSplit {
  /** Made new. */
  readonly created: ReadonlySet<NamespaceType>;
  /** Joined by path, the user namespace first and that of mounts last. */
  readonly joined: readonly Required<Namespace>[];
  /** `CLONE_NEW*` bits of the new ones. */
  readonly flags: number;
}

/** What the namespaces add to a Plan. */
export interface NamespacePart extends NamespaceSplit {
  /** Flags of `spawn`: all new ones in the direct shape, else 0. */
  readonly spawnFlags: number;
  /** Parent: opens the namespace files. */
  readonly parent: readonly ParentOp[];
  /** Child: joins them, then clones itself into the new ones. */
  readonly child: readonly ChildOp[];
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** Slot of the user namespace, where one is joined by path. */
  readonly joinedUser?: number;
}

/** Bits of `CLONE_NEW*` for some types. */
export function cloneFlags(types: Iterable<NamespaceType>): number {
  let flags = 0;
  for (const type of types) flags |= NAMESPACES[type].flag;
  return flags;
}

/**
 * Sorts namespaces into new and joined ones. Pure.
 *
 * @param namespaces The configuration's list.
 * @returns The two groups.
 * @throws {ConfigError} `ConfigInvalid` when a type is listed twice.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitNamespaces } from "./namespaces.ts";
 *
 * const split = splitNamespaces([{ type: "NEWNS" }, { type: "NEWNET", path: "/run/netns/a" }]);
 * assertEquals(split.flags, 0x20000);
 * assertEquals(split.joined.length, 1);
 * ```
 */
export function splitNamespaces(
  namespaces: readonly Namespace[],
): NamespaceSplit {
  const created = new Set<NamespaceType>();
  const byType = new Map<NamespaceType, Required<Namespace>>();
  namespaces.forEach(({ type, path }, index) => {
    if (created.has(type) || byType.has(type)) {
      throw refuse(
        `namespaces[${index}]`,
        `Cannot use the namespace ${type} twice: list each type once`,
      );
    }
    if (path === undefined || path === "") created.add(type);
    else byType.set(type, { type, path });
  });
  const joined = JOIN_ORDER.flatMap((type) => byType.get(type) ?? []);
  return { created, joined, flags: cloneFlags(created) };
}

/**
 * Formats offsets of clocks as `timens_offsets` takes them. Pure.
 *
 * @param offsets Seconds and nanoseconds by clock.
 * @returns One line for each clock; empty for none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatTimeOffsets } from "./namespaces.ts";
 *
 * assertEquals(formatTimeOffsets({ boottime: { secs: -5, nanosecs: 1 } }), "boottime -5 1\n");
 * ```
 */
export function formatTimeOffsets(offsets: TimeOffsets): string {
  const line = (clock: string, offset: TimeOffset | undefined): string =>
    offset === undefined ? "" : `${clock} ${offset.secs} ${offset.nanosecs}\n`;
  return line("monotonic", offsets.monotonic) +
    line("boottime", offsets.boottime);
}

/** Namespaces that a process can make for itself; that of pids is for its children. */
const OWN_MAKING = ["NEWNS", "NEWUTS", "NEWIPC", "NEWNET"] as const;

/**
 * Has the child make those of its namespaces that it can. Pure.
 *
 * The caller's thread waits until the child is there: it need not wait for a
 * network namespace, which takes longest.
 *
 * @param flags All of them, as `CLONE_NEW*` bits.
 * @param anchor Slot of the mount namespace to begin in, -1 for the caller's.
 * @returns The flags that are left for `spawn`, and the child's operations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unshareOps } from "./namespaces.ts";
 *
 * assertEquals(unshareOps(0x20020000, -1), {
 *   spawnFlags: 0x20000000,
 *   child: [{ op: "ns.unshare", flags: 0x20000, slot: -1 }],
 * });
 * ```
 */
export function unshareOps(
  flags: number,
  anchor: number,
): { readonly spawnFlags: number; readonly child: readonly ChildOp[] } {
  const own = flags & cloneFlags(OWN_MAKING);
  if (own === 0) return { spawnFlags: flags, child: [] };
  return {
    spawnFlags: flags & ~own,
    child: [{ op: "ns.unshare", flags: own, slot: anchor }],
  };
}

/**
 * Puts joined namespaces in the order of joining. Root has rights over all of
 * them, but in the user namespace only over those that it owns: so root joins
 * it after the others, that of mounts excepted.
 */
function joiningOrder<T extends { readonly type: NamespaceType }>(
  opened: readonly T[],
  euid: number,
): T[] {
  const isLate = ({ type }: T): boolean =>
    euid === 0 && (type === "NEWUSER" || type === "NEWNS");
  return [
    ...opened.filter((each) => !isLate(each)),
    ...opened.filter(isLate),
  ];
}

/** A new time namespace is made by the child itself, which first writes the offsets. */
function timeOps(
  { created }: NamespaceSplit,
  offsets: TimeOffsets,
): ChildOp[] {
  if (!created.has("NEWTIME")) return [];
  const text = formatTimeOffsets(offsets);
  return [{
    op: "time.enter",
    flags: created.has("NEWUSER") ? 1 : 0,
    ...(text === "" ? {} : { offsets: text }),
  }];
}

/**
 * Plans the namespaces of a start. Pure.
 *
 * Direct shape: `spawn` makes all new namespaces at once. Staged shape: the
 * spawned process joins groups and namespaces by path, then clones itself into
 * the new ones. It is needed when a namespace is joined, and for a new cgroup
 * namespace, whose root is fixed by the groups of the process that makes it.
 * In both a time namespace comes last: its offsets are written by a process that
 * is not in it yet.
 *
 * @param namespaces The configuration's list.
 * @param slots Slots of this Plan.
 * @param offsets Offsets of clocks, for a new time namespace.
 * @param euid Who joins.
 * @returns The operations and the flags of `spawn`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planNamespaces } from "./namespaces.ts";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const direct = planNamespaces([{ type: "NEWPID" }], new SlotAllocator());
 * assertEquals([direct.spawnFlags, direct.child], [0x20000000, []]);
 * ```
 */
export function planNamespaces(
  namespaces: readonly Namespace[],
  slots: SlotAllocator,
  offsets: TimeOffsets = {},
  euid = 0,
): NamespacePart {
  const split = splitNamespaces(namespaces);
  const flags = split.flags & ~NAMESPACES.NEWTIME.flag;
  const time = timeOps(split, offsets);
  if (split.joined.length === 0 && !split.created.has("NEWCGROUP")) {
    return {
      ...split,
      spawnFlags: flags,
      parent: [],
      child: time,
      slots: [],
    };
  }
  const opened = split.joined.map(({ type, path }) => ({
    type,
    flag: NAMESPACES[type].flag,
    path,
    slot: slots.take(),
  }));
  const user = opened.find(({ type }) => type === "NEWUSER");
  return {
    ...split,
    ...(user && { joinedUser: user.slot }),
    spawnFlags: 0,
    parent: opened.map(({ flag, path, slot }) => ({
      op: "ns.open",
      slot,
      type: flag,
      path,
    })),
    child: [
      ...joiningOrder(opened, euid).map(({ flag, slot }): ChildOp => ({
        op: "ns.enter",
        slot,
        flags: flag,
      })),
      { op: "ns.clone", flags },
      ...time,
    ],
    slots: opened.map(({ slot }) => slot),
  };
}

/**
 * Which attributes a mount gets, and which its submounts get with it.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import type { Mount } from "../config/types.ts";
import { MOUNT_ATTR__ATIME, MOUNT_ATTRS } from "./flags.ts";
import { type AttributeChange, attributesOf } from "./mount_options.ts";

/** Attributes of the tree that a bind attaches. */
export interface TreeChange {
  /** What every mount of the tree gets first, when the top gets other attributes. */
  readonly all?: AttributeChange;
  /** What the top mount gets, or with `isRecursive` all. */
  readonly top: AttributeChange;
  /** Whether `top` holds for submounts. */
  readonly isRecursive: boolean;
}

function isNothing({ set, clear }: AttributeChange): boolean {
  return set === 0 && clear === 0;
}

/** Whether a change is part of another. */
function isPart(part: AttributeChange, whole: AttributeChange): boolean {
  return (part.set & ~whole.set) === 0 && (part.clear & ~whole.clear) === 0;
}

/**
 * Decides the attributes of a bind. Pure.
 *
 * @param mount The mount; without `recursive` its flags hold for the whole tree.
 * @returns One change, or two where the top differs from the rest.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { treeChange } from "./mount_attributes.ts";
 *
 * const bind = { flags: 0x5001 };
 * assertEquals(treeChange(bind).isRecursive, true);
 * assertEquals(treeChange({ ...bind, recursive: { set: 0, clear: 0 } }).isRecursive, false);
 * ```
 */
export function treeChange(
  { flags, clearFlags, recursive }: Pick<
    Mount,
    "flags" | "clearFlags" | "recursive"
  >,
): TreeChange {
  const isTree = (flags & MOUNT_FLAGS.MS_REC) !== 0;
  const top = attributesOf(flags, clearFlags);
  if (recursive === undefined) return { top, isRecursive: isTree };
  const all = attributesOf(recursive.set, recursive.clear);
  if (isNothing(all)) return { top, isRecursive: isTree && isNothing(top) };
  return isPart(top, all)
    ? { top: all, isRecursive: true }
    : { all, top, isRecursive: false };
}

const { MS_BIND, MS_REC } = MOUNT_FLAGS;
const { MS_NOATIME, MS_NODIRATIME, MS_RELATIME, MS_STRICTATIME } = MOUNT_FLAGS;
const TIMES = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;
const { MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_STRICTATIME } =
  MOUNT_ATTRS;
const TIME_ATTRS = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;
/** What the kernel lets no user namespace clear that got it from its maker. */
const LOCKED = MOUNT_ATTRS.MOUNT_ATTR_RDONLY | MOUNT_ATTRS.MOUNT_ATTR_NOSUID |
  MOUNT_ATTRS.MOUNT_ATTR_NODEV | MOUNT_ATTRS.MOUNT_ATTR_NOEXEC;

/** All settings of times when one is named; clearing one alone changes nothing. */
function timesOf(flags: number): AttributeChange {
  if ((flags & TIMES) === 0) return { set: 0, clear: 0 };
  const time = (flags & MS_STRICTATIME) !== 0
    ? MOUNT_ATTR_STRICTATIME
    : (flags & MS_NOATIME) !== 0
    ? MOUNT_ATTR_NOATIME
    : 0;
  const dirs = (flags & MS_NODIRATIME) !== 0 ? MOUNT_ATTR_NODIRATIME : 0;
  return { set: time | dirs, clear: TIME_ATTRS };
}

/**
 * Decides the attributes of a bind that an engine asks for. Pure.
 *
 * Other runtimes bind, then remount with the options that are named: with one
 * of them the mount has those and no other of its source's, but for the times,
 * which stay unless one is set. In a user namespace the kernel keeps what the
 * source has, and refuses what would clear it.
 *
 * @param mount The mount.
 * @param isInUser Whether it is made for a user namespace.
 * @returns The change of the tree.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { engineChange } from "./mount_attributes.ts";
 *
 * const recursive = { set: 0, clear: 0 };
 * // bind, ro
 * assertEquals(engineChange({ flags: 0x1001, recursive }, false).top, {
 *   set: 1,
 *   clear: 0x20000e,
 * });
 * // bind
 * assertEquals(engineChange({ flags: 0x1000, recursive }, false).top, {
 *   set: 0,
 *   clear: 0,
 * });
 * ```
 */
export function engineChange(
  mount: Pick<Mount, "flags" | "clearFlags" | "recursive">,
  isInUser: boolean,
): TreeChange {
  const { flags, clearFlags = 0, recursive } = mount;
  const named = flags & ~(MS_BIND | MS_REC) | clearFlags;
  if (named === 0) return treeChange(mount);
  const plain = attributesOf(flags & ~TIMES, clearFlags & ~TIMES);
  const every = LOCKED | MOUNT_ATTRS.MOUNT_ATTR_NOSYMFOLLOW;
  const implied = every & ~(isInUser ? LOCKED : 0) & ~plain.set &
    ~attributesOf(recursive?.set ?? 0).set;
  const times = timesOf(flags);
  const top = {
    set: plain.set | times.set,
    clear: plain.clear | implied | times.clear,
  };
  const all = attributesOf(recursive?.set ?? 0, recursive?.clear ?? 0);
  return isNothing(all)
    ? { top, isRecursive: false }
    : { all, top, isRecursive: false };
}

/**
 * Decides the attributes of a new file system, which is one mount. Pure.
 *
 * @param mount The mount.
 * @returns Bits of fsmount(2).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { newAttributes } from "./mount_attributes.ts";
 *
 * assertEquals(newAttributes({ flags: 2, recursive: { set: 1, clear: 2 } }), 1);
 * ```
 */
export function newAttributes(
  { flags, recursive }: Pick<Mount, "flags" | "recursive">,
): number {
  const all = attributesOf(recursive?.set ?? 0, recursive?.clear ?? 0);
  return attributesOf(flags).set & ~all.clear | all.set;
}

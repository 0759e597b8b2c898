/**
 * Which attributes a mount gets, and which its submounts get with it.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import type { Mount } from "../config/types.ts";
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

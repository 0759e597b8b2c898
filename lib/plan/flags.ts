/**
 * Bits of kernel interfaces that Plans carry, and their names.
 *
 * @module
 */
import { CAPABILITIES } from "../config/names/capabilities.ts";
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import { NAMESPACES } from "../config/names/namespaces.ts";

/** Attributes of mount_setattr(2) and fsmount(2). */
export const MOUNT_ATTRS = {
  MOUNT_ATTR_RDONLY: 0x1,
  MOUNT_ATTR_NOSUID: 0x2,
  MOUNT_ATTR_NODEV: 0x4,
  MOUNT_ATTR_NOEXEC: 0x8,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

/** All access time attributes; cleared together whenever one is set. */
export const MOUNT_ATTR__ATIME = 0x70;

/** `CLONE_NEW*` by name. */
export const CLONE_FLAGS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(NAMESPACES).map(([type, { flag }]) => [`CLONE_${type}`, flag]),
);

/** File type bits of mknod(2). */
export const FILE_TYPES = {
  S_IFIFO: 0o010000,
  S_IFCHR: 0o020000,
  S_IFBLK: 0o060000,
} as const;

/** Flags of seccomp(2) with `SECCOMP_SET_MODE_FILTER`. */
export const SECCOMP_FLAGS = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 16,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

/** `CAP_*` masks by name. */
export const CAPABILITY_MASKS: Readonly<Record<string, bigint>> = Object
  .fromEntries(
    CAPABILITIES.map((name, number) => [`CAP_${name}`, 1n << BigInt(number)]),
  );

/**
 * Names the bits of a number by a table. Pure.
 *
 * @param bits The number.
 * @param table Bits by name.
 * @returns `A|B`, with what the table does not know in hexadecimal; `0` for none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CLONE_FLAGS, formatBits } from "./flags.ts";
 *
 * assertEquals(formatBits(0x24000000, CLONE_FLAGS), "CLONE_NEWUTS|CLONE_NEWPID");
 * assertEquals(formatBits(0x1, CLONE_FLAGS), "0x1");
 * ```
 */
export function formatBits(
  bits: number | bigint,
  table: Readonly<Record<string, number | bigint>>,
): string {
  let rest = BigInt(bits);
  const names: string[] = [];
  for (const [name, value] of Object.entries(table)) {
    const mask = BigInt(value);
    if (mask === 0n || (rest & mask) !== mask) continue;
    names.push(name);
    rest &= ~mask;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.length === 0 ? "0" : names.join("|");
}

/** `MS_*` bits by name. */
export const MS: typeof MOUNT_FLAGS = MOUNT_FLAGS;

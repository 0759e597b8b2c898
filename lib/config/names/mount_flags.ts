/**
 * Mount flags: `MS_*` names and bits, as in `linux/mount.h`.
 *
 * @module
 */

/** Bits of mount(2) that a configuration may use. */
export const MOUNT_FLAGS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_DIRSYNC: 128,
  MS_NOSYMFOLLOW: 256,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_REC: 16384,
  MS_SILENT: 32768,
  MS_UNBINDABLE: 0x20000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
  MS_RELATIME: 0x200000,
  MS_STRICTATIME: 0x1000000,
  MS_LAZYTIME: 0x2000000,
} as const;

/** Name of a mount flag. */
export type MountFlagName = keyof typeof MOUNT_FLAGS;

/** nosuid, nodev and noexec: the original's default mount flags. */
export const DEFAULT_MOUNT_FLAGS = 14;

/** The bits that set propagation instead of mounting. */
export const PROPAGATION_FLAGS = 0x1e0000;

/** All bits that a configuration may use. */
export const SUPPORTED_MOUNT_FLAGS: number = Object.values(MOUNT_FLAGS)
  .reduce<number>((all, flag) => all | flag, 0);

/**
 * Names the bits of mount flags.
 *
 * @param flags Bits of mount(2).
 * @returns Names in order of the bits; unknown bits as hexadecimal numbers.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatMountFlags } from "./mount_flags.ts";
 *
 * assertEquals(formatMountFlags(0x1001), ["MS_RDONLY", "MS_BIND"]);
 * ```
 */
export function formatMountFlags(flags: number): string[] {
  const names: string[] = Object.entries(MOUNT_FLAGS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);
  const rest = (flags & ~SUPPORTED_MOUNT_FLAGS) >>> 0;
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return names;
}

/**
 * Reads a mount flag by name.
 *
 * @param name `MS_RDONLY` or `RDONLY`, in any case.
 * @returns The bit; `undefined` when there is none of that name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMountFlag } from "./mount_flags.ts";
 *
 * assertEquals(parseMountFlag("nosuid"), 2);
 * ```
 */
export function parseMountFlag(name: string): number | undefined {
  const full = `MS_${name.toUpperCase().replace(/^MS_/, "")}`;
  return Object.entries(MOUNT_FLAGS).find(([known]) => known === full)?.[1];
}

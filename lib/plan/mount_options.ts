/**
 * Flags and data of mount(2) -> attributes and options of fsopen(2),
 * fsconfig(2) and mount_setattr(2).
 *
 * @module
 */
import { MOUNT_FLAGS, PROPAGATION_FLAGS } from "../config/names/mount_flags.ts";
import { MOUNT_ATTR__ATIME, MOUNT_ATTRS } from "./flags.ts";
import { refuse } from "./refusal.ts";

/** Attributes to set and to clear. */
export interface AttributeChange {
  /** `MOUNT_ATTR_*` to set. */
  readonly set: number;
  /** `MOUNT_ATTR_*` to clear. */
  readonly clear: number;
}

/** Flags that mean one attribute. */
const PLAIN: readonly (readonly [flag: number, attr: number])[] = [
  [MOUNT_FLAGS.MS_RDONLY, MOUNT_ATTRS.MOUNT_ATTR_RDONLY],
  [MOUNT_FLAGS.MS_NOSUID, MOUNT_ATTRS.MOUNT_ATTR_NOSUID],
  [MOUNT_FLAGS.MS_NODEV, MOUNT_ATTRS.MOUNT_ATTR_NODEV],
  [MOUNT_FLAGS.MS_NOEXEC, MOUNT_ATTRS.MOUNT_ATTR_NOEXEC],
  [MOUNT_FLAGS.MS_NODIRATIME, MOUNT_ATTRS.MOUNT_ATTR_NODIRATIME],
  [MOUNT_FLAGS.MS_NOSYMFOLLOW, MOUNT_ATTRS.MOUNT_ATTR_NOSYMFOLLOW],
];

/** Flags of the superblock, as fsconfig(2) names them. */
const SUPERBLOCK: readonly (readonly [flag: number, name: string])[] = [
  [MOUNT_FLAGS.MS_SYNCHRONOUS, "sync"],
  [MOUNT_FLAGS.MS_DIRSYNC, "dirsync"],
  [MOUNT_FLAGS.MS_LAZYTIME, "lazytime"],
];

/**
 * Translates `MS_*` flags to mount attributes. Pure.
 *
 * The three access time modes exclude each other: whenever one is named, the
 * old one is cleared, as mount_setattr(2) demands.
 *
 * @param flags Bits of mount(2) that are set.
 * @param cleared Bits that are cleared; of access times that leaves the default.
 * @returns What to set and to clear.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attributesOf } from "./mount_options.ts";
 *
 * assertEquals(attributesOf(15), { set: 15, clear: 0 });
 * assertEquals(attributesOf(1024), { set: 0x10, clear: 0x70 });
 * assertEquals(attributesOf(0, 1), { set: 0, clear: 1 });
 * ```
 */
export function attributesOf(flags: number, cleared = 0): AttributeChange {
  let set = 0;
  let clear = 0;
  for (const [flag, attr] of PLAIN) {
    if ((flags & flag) !== 0) set |= attr;
    if ((cleared & flag) !== 0) clear |= attr;
  }
  const { MS_NOATIME, MS_STRICTATIME, MS_RELATIME } = MOUNT_FLAGS;
  const times = MS_NOATIME | MS_STRICTATIME | MS_RELATIME;
  if (((flags | cleared) & times) !== 0) clear |= MOUNT_ATTR__ATIME;
  if ((flags & MS_NOATIME) !== 0) set |= MOUNT_ATTRS.MOUNT_ATTR_NOATIME;
  else if ((flags & MS_STRICTATIME) !== 0) {
    set |= MOUNT_ATTRS.MOUNT_ATTR_STRICTATIME;
  }
  return { set, clear };
}

/** Splits mount data at commas outside double quotes. */
function splitData(data: string): string[] {
  return (data.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map((item) => item.trim());
}

/**
 * Translates flags and data of mount(2) to options of fsconfig(2). Pure.
 *
 * @param flags Bits of mount(2); those of the superblock become options.
 * @param data Options, comma separated; values may be quoted.
 * @returns Key, value pairs; an empty value is a flag.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { optionsOf } from "./mount_options.ts";
 *
 * assertEquals(optionsOf(0, 'newinstance,mode=0620,context="a,b"'), [
 *   ["newinstance", ""],
 *   ["mode", "0620"],
 *   ["context", "a,b"],
 * ]);
 * ```
 */
export function optionsOf(
  flags: number,
  data: string,
): readonly (readonly [key: string, value: string])[] {
  const named = SUPERBLOCK.filter(([flag]) => (flags & flag) !== 0)
    .map(([, name]) => [name, ""] as const);
  const given = splitData(data).filter((item) => item !== "").map((item) => {
    const at = item.indexOf("=");
    if (at < 0) return [item, ""] as const;
    return [item.slice(0, at), item.slice(at + 1).replaceAll('"', "")] as const;
  });
  return [...named, ...given];
}

/**
 * Decides the propagation of a mount: the last one asked for. Pure.
 *
 * @param wanted `MS_*` bits in order, from flags and propagation flags.
 * @param fallback What holds when nothing is asked for.
 * @param path Key path, for the error.
 * @returns One type, with `MS_REC` where asked for.
 * @throws {ConfigError} `ConfigInvalid` for slave and shared at once, which
 * takes two steps that a detached tree cannot make, and for two in one number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { propagationOf } from "./mount_options.ts";
 *
 * assertEquals(propagationOf([0x44000], 0x84000, "mounts[0]"), 0x44000);
 * assertEquals(propagationOf([], 0x84000, "mounts[0]"), 0x84000);
 * ```
 */
export function propagationOf(
  wanted: readonly number[],
  fallback: number,
  path: string,
): number {
  const kept = wanted
    .map((bits) => bits & (PROPAGATION_FLAGS | MOUNT_FLAGS.MS_REC))
    .filter((bits) => (bits & PROPAGATION_FLAGS) !== 0);
  const types = kept.map((bits) => bits & PROPAGATION_FLAGS);
  const isMixed = types.some((type) => (type & (type - 1)) !== 0);
  const { MS_SLAVE, MS_SHARED } = MOUNT_FLAGS;
  const last = types.at(-1);
  if (isMixed || (last === MS_SHARED && types.includes(MS_SLAVE))) {
    throw refuse(
      path,
      `Cannot give one mount several kinds of propagation: choose one of MS_PRIVATE, MS_SLAVE, MS_SHARED and MS_UNBINDABLE`,
    );
  }
  return kept.at(-1) ?? fallback;
}

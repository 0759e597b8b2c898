/**
 * Options of mounts as mount(8) and OCI runtimes spell them.
 *
 * @module
 */
import { MOUNT_FLAGS } from "./mount_flags.ts";

/** What one option does to the flags of a mount. */
export interface FlagOption {
  /** Bits of mount(2). */
  readonly bits: number;
  /** Whether the bits are cleared instead of set. */
  readonly clears: boolean;
}

const F = MOUNT_FLAGS;
const { MS_BIND, MS_REC } = F;

/** Attributes of a mount: name of the option that sets, that clears, and the bit. */
const ATTRIBUTES: readonly (readonly [string, string, number])[] = [
  ["ro", "rw", F.MS_RDONLY],
  ["nosuid", "suid", F.MS_NOSUID],
  ["nodev", "dev", F.MS_NODEV],
  ["noexec", "exec", F.MS_NOEXEC],
  ["nodiratime", "diratime", F.MS_NODIRATIME],
  ["nosymfollow", "symfollow", F.MS_NOSYMFOLLOW],
  ["noatime", "atime", F.MS_NOATIME],
  ["relatime", "norelatime", F.MS_RELATIME],
  ["strictatime", "nostrictatime", F.MS_STRICTATIME],
];

/** Settings of a whole file system. */
const SUPERBLOCK: readonly (readonly [string, string, number])[] = [
  ["sync", "async", F.MS_SYNCHRONOUS],
  ["dirsync", "", F.MS_DIRSYNC],
  ["lazytime", "nolazytime", F.MS_LAZYTIME],
  ["silent", "loud", F.MS_SILENT],
];

function* flagEntries(
  table: readonly (readonly [string, string, number])[],
  prefix = "",
): Generator<[string, FlagOption]> {
  for (const [set, clear, bits] of table) {
    yield [prefix + set, { bits, clears: false }];
    if (clear !== "") yield [prefix + clear, { bits, clears: true }];
  }
}

/** Options that set or clear flags of one mount. */
export const FLAG_OPTIONS: ReadonlyMap<string, FlagOption> = new Map([
  ...flagEntries(ATTRIBUTES),
  ...flagEntries(SUPERBLOCK),
  ["bind", { bits: MS_BIND, clears: false }],
  ["rbind", { bits: MS_BIND | MS_REC, clears: false }],
  ["defaults", { bits: 0, clears: false }],
]);

/** Options that set or clear attributes of a whole tree, e.g. `rro`. */
export const TREE_OPTIONS: ReadonlyMap<string, FlagOption> = new Map(
  flagEntries(ATTRIBUTES, "r"),
);

/** Options that set the propagation; those of `r` hold for the whole tree. */
export const PROPAGATION_OPTIONS: ReadonlyMap<string, number> = new Map(
  ([
    ["private", F.MS_PRIVATE],
    ["slave", F.MS_SLAVE],
    ["shared", F.MS_SHARED],
    ["unbindable", F.MS_UNBINDABLE],
  ] as const).flatMap(([name, bit]) => [
    [name, bit] as const,
    [`r${name}`, bit | MS_REC] as const,
  ]),
);

/** Options that no kernel carries out any more, and what became of them. */
export const PAST_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["mand", "Linux has had no mandatory locks since 5.15"],
  ["iversion", "the file system decides itself whether it counts versions"],
]);

/** Options that ask for what is so without them. */
export const VOID_OPTIONS: ReadonlySet<string> = new Set([
  "nomand",
  "noiversion",
]);

/**
 * Names the options of mount flags. Pure.
 *
 * @param flags Bits of mount(2).
 * @param options `prefix`: `r` for those of a whole tree; `clears`: the options
 * that clear the bits.
 * @returns The options, attributes first.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nameOptions } from "./mount_options.ts";
 *
 * assertEquals(nameOptions(17), ["ro", "sync"]);
 * assertEquals(nameOptions(3, { prefix: "r" }), ["rro", "rnosuid"]);
 * assertEquals(nameOptions(1, { clears: true }), ["rw"]);
 * ```
 */
export function nameOptions(
  flags: number,
  options: { readonly prefix?: "r"; readonly clears?: boolean } = {},
): string[] {
  const { prefix = "", clears = false } = options;
  const table = prefix === "" ? [...ATTRIBUTES, ...SUPERBLOCK] : ATTRIBUTES;
  return table.flatMap(([set, clear, bit]) => {
    const name = clears ? clear : set;
    return (flags & bit) === 0 || name === "" ? [] : [prefix + name];
  });
}

/**
 * Whether some of the bits are attributes of a mount, not of its file system. Pure.
 *
 * @param flags Bits of mount(2).
 * @returns Those bits alone.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attributeBits } from "./mount_options.ts";
 *
 * assertEquals(attributeBits(0x5011), 1);
 * ```
 */
export function attributeBits(flags: number): number {
  return ATTRIBUTES.reduce((bits, [, , bit]) => bits | (flags & bit), 0);
}

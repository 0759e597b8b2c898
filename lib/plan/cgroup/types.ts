/**
 * What a limit becomes: writes to files of a group.
 *
 * @module
 */
import type { Int64, Resources } from "../../config/types.ts";
import { HostError } from "../../errors.ts";

/** Version of a hierarchy. */
export type CgroupVersion = 1 | 2;

/** One write to a file of a group. */
export interface LimitWrite {
  /** Key of the configuration that asks for it, e.g. `memory`. */
  readonly limit: keyof Resources;
  /** Controller that must be there; empty for files that every group has. */
  readonly controller: string;
  /** File in the group's directory. */
  readonly file: string;
  /** Text written. */
  readonly value: string;
  /** Read back: the kernel clamps silently. */
  readonly verify?: true;
  /** Left out where the kernel has no such file: another one says the most of it. */
  readonly optional?: true;
}

/** Bits of `cgroup.write`. */
const WRITE_FLAGS = { verify: 1, optional: 2 } as const;

/**
 * Gives the flags of the operation that carries out a write. Pure.
 *
 * @param write The write.
 * @returns Flags of `cgroup.write`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeFlags } from "./types.ts";
 *
 * assertEquals([writeFlags({}), writeFlags({ verify: true })], [0, 1]);
 * ```
 */
export function writeFlags(
  { verify, optional }: Pick<LimitWrite, "verify" | "optional">,
): number {
  return (verify ? WRITE_FLAGS.verify : 0) |
    (optional ? WRITE_FLAGS.optional : 0);
}

/**
 * Whether a limit is given: 0 means "not set", as in the original and in OCI.
 * Pure.
 *
 * @param value The limit.
 * @returns True for a number that is not zero.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isSet } from "./types.ts";
 *
 * assertEquals([undefined, 0, 0n, -1, 5].map(isSet), [false, false, false, true, true]);
 * ```
 */
export function isSet(value: Int64 | undefined): value is Int64 {
  return value !== undefined && BigInt(value) !== 0n;
}

/**
 * Makes the error for a limit that version 2 does not have. Pure.
 *
 * @param limit Key of the configuration.
 * @param instead What to do.
 * @returns The error, to be thrown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { notInV2 } from "./types.ts";
 *
 * assertEquals(notInV2("memorySwappiness", "leave it out").code, "HostUnsupported");
 * ```
 */
export function notInV2(limit: keyof Resources, instead: string): HostError {
  return new HostError(
    `Cannot apply the limit ${limit}: this host has cgroup v2, which does not know it; ${instead}`,
    { context: { limit, version: 2 } },
  );
}

/**
 * Resource limits: names and kernel numbers, as in `asm-generic/resource.h`.
 *
 * @module
 */

/** Names without `RLIMIT_`; a name's index is its number. */
export const RLIMITS = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NPROC",
  "NOFILE",
  "MEMLOCK",
  "AS",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
] as const;

/** The limit that means none: 2^64 - 1. */
export const RLIM_INFINITY = 18446744073709551615n;

/**
 * Reads the name of a resource limit, with or without `RLIMIT_`.
 *
 * @param name The name, in any case.
 * @returns The kernel's number; `undefined` when there is none of that name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseRlimitType } from "./rlimits.ts";
 *
 * assertEquals(parseRlimitType("RLIMIT_NOFILE"), 7);
 * ```
 */
export function parseRlimitType(name: string): number | undefined {
  const bare = name.toUpperCase().replace(/^RLIMIT_/, "");
  const index = RLIMITS.findIndex((known) => known === bare);
  return index < 0 ? undefined : index;
}

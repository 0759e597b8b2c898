/**
 * Task limit -> file of the pids controller.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import type { CgroupVersion, LimitWrite } from "./types.ts";

/**
 * Lists the write for the task limit of a group. Pure.
 *
 * @param resources The limits; -1 and 0 lift this one.
 * @param _version The file is the same in both versions.
 * @returns One write, or none when there is no limit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pidsWrites } from "./pids.ts";
 *
 * assertEquals(pidsWrites({ pidsLimit: 64 }, 1)[0]?.value, "64");
 * assertEquals(pidsWrites({ pidsLimit: -1 }, 2)[0]?.value, "max");
 * ```
 */
export function pidsWrites(
  { pidsLimit }: Resources,
  _version: CgroupVersion,
): LimitWrite[] {
  if (pidsLimit === undefined) return [];
  const value = BigInt(pidsLimit) > 0n ? String(pidsLimit) : "max";
  return [{ limit: "pidsLimit", controller: "pids", file: "pids.max", value }];
}

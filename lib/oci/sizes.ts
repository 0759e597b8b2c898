/**
 * Sizes as OCI runtimes take them on the command line.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { UsageError } from "../errors.ts";

const SIZE = /^(\d+)(?:\.(\d+))? ?([kmgtp]?)i?b?$/i;
/** Bits that a suffix shifts by. */
const SHIFTS = ["", "k", "m", "g", "t", "p"];
const BITS_PER_STEP = 10n;
const MOST = 2n ** 63n - 1n;
/** More digits than any size has. */
const MOST_DIGITS = 20;

function toInt64(value: bigint): Int64 {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Reads a size in bytes with a suffix of powers of 1024, as Docker's tools take
 * them. Pure.
 *
 * @param text E.g. `64m`, `1.5GiB`, `4096`.
 * @returns Bytes, a fraction of one cut off; a `bigint` beyond 2^53 - 1.
 * @throws {UsageError} `UsageInvalid` if it is no size.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseRamSize } from "./sizes.ts";
 *
 * assertEquals([parseRamSize("64M"), parseRamSize("1.5k")], [67108864, 1536]);
 * ```
 */
export function parseRamSize(text: string): Int64 {
  const [, whole, fraction = "", suffix = ""] = SIZE.exec(text) ?? [];
  if (whole !== undefined && text.length <= 2 * MOST_DIGITS) {
    const step = BigInt(SHIFTS.indexOf(suffix.toLowerCase()));
    const unit = 1n << (step * BITS_PER_STEP);
    const parts = 10n ** BigInt(fraction.length);
    const bytes = BigInt(whole + fraction) * unit / parts;
    if (bytes <= MOST) return toInt64(bytes);
  }
  throw new UsageError(`invalid size: '${text.slice(0, 100)}'`);
}

/**
 * Reads a whole number of 64 bits. Pure.
 *
 * @param text Its digits.
 * @param bounds Smallest and largest value.
 * @returns The number; a `bigint` beyond 2^53 - 1.
 * @throws {UsageError} `UsageInvalid` if it is none, or too small or large.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseInt64 } from "./sizes.ts";
 *
 * assertEquals(parseInt64("-1", { min: -1n, max: 10n }), -1);
 * ```
 */
export function parseInt64(
  text: string,
  { min, max }: { readonly min: bigint; readonly max: bigint },
): Int64 {
  const shown = JSON.stringify(text.slice(0, 100));
  if (!/^[-+]?\d+$/.test(text) || text.length > MOST_DIGITS) {
    throw new UsageError(`parsing ${shown}: invalid syntax`);
  }
  const value = BigInt(text.replace(/^\+/, ""));
  if (value < min || value > max) {
    throw new UsageError(`parsing ${shown}: value out of range`);
  }
  return toInt64(value);
}

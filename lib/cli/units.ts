/**
 * Numbers for people. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/**
 * Renders a count of bytes in three digits.
 *
 * @param bytes How many, 0 or more.
 * @returns E.g. `512 B`, `1.5 KiB`, `64 MiB`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatBytes } from "./units.ts";
 *
 * assertEquals([formatBytes(0), formatBytes(1536)], ["0 B", "1.5 KiB"]);
 * ```
 */
export function formatBytes(bytes: Int64): string {
  let value = Number(bytes);
  let unit = 0;
  // Below this 1023.6 would become "1024".
  while (value >= 999.5 && unit < BINARY.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const text = value.toFixed(digits).replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
  return `${text} ${BINARY[unit]}`;
}

/**
 * Renders a share in percent.
 *
 * @param part How much of it.
 * @param whole All of it, more than 0.
 * @returns E.g. `12.5 %`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatShare } from "./units.ts";
 *
 * assertEquals(formatShare(1, 8), "12.5 %");
 * ```
 */
export function formatShare(part: Int64, whole: Int64): string {
  return `${(100 * Number(part) / Number(whole)).toFixed(1)} %`;
}

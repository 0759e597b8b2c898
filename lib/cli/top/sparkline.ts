/**
 * A row of numbers as a row of bars. Pure.
 *
 * @module
 */

const BLOCKS = [..." ▁▂▃▄▅▆▇█"];
const ASCII = [..." .:-=+*#@"];

/**
 * Draws the last numbers as bars, the newest on the right.
 *
 * @param values Numbers from 0; older ones first.
 * @param width Places.
 * @param options What is a full bar at least; a larger number makes it larger.
 * `isUnicode: false` for terminals that know ASCII alone.
 * @returns As many characters as places.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sparkline } from "./sparkline.ts";
 *
 * assertEquals(sparkline([0, 50, 100], 4, { full: 100, isUnicode: true }), "  ▄█");
 * ```
 */
export function sparkline(
  values: readonly number[],
  width: number,
  { full, isUnicode }: { readonly full: number; readonly isUnicode: boolean },
): string {
  const levels = isUnicode ? BLOCKS : ASCII;
  const shown = width > 0 ? values.slice(-width) : [];
  const scale = Math.max(full, ...shown);
  const top = levels.length - 1;
  const bars = shown.map((value) => {
    // What is there at all is seen.
    const level = value <= 0
      ? 0
      : Math.min(Math.max(Math.round(top * value / scale), 1), top);
    return levels[level] ?? " ";
  });
  return bars.join("").padStart(width);
}

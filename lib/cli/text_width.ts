/**
 * How many columns of a terminal a text takes.
 *
 * @module
 */

/** Marks that are drawn over the character before them, and joiners; made when needed, as its tables take milliseconds to load. */
let zero: RegExp | undefined;
/** First and last code points of the blocks that are drawn two columns wide. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];
const ELLIPSIS = "\u2026";
/** What most texts are made of: one column each. */
const PLAIN = /^[\x20-\x7e]*$/;

function characterWidth(character: string): number {
  zero ??= /^[\p{Mn}\p{Me}\p{Cf}]$/u;
  if (zero.test(character)) return 0;
  const code = character.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/**
 * Counts the columns that a text takes.
 *
 * Pure.
 *
 * @param text Text without control characters.
 * @returns Columns of a terminal.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { textWidth } from "./text_width.ts";
 *
 * assertEquals([textWidth("root"), textWidth("\u6839")], [4, 2]);
 * ```
 */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Cuts a text so that it fits.
 *
 * Pure.
 *
 * @param text Text without control characters.
 * @param width Columns that it may take, at least 1.
 * @returns The text, or its beginning and an ellipsis.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cutText } from "./text_width.ts";
 *
 * assertEquals(cutText("container", 5), "cont\u2026");
 * ```
 */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let taken = 0;
  for (const character of text) {
    taken += characterWidth(character);
    if (taken > width - 1) break;
    kept += character;
  }
  return `${kept}${ELLIPSIS}`;
}

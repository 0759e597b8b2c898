/**
 * Foreign text in cells of a fixed width. Pure.
 *
 * @module
 */
import { escapeControls } from "../output.ts";

/** Takes no place, or nobody knows how much: marks, formats, private use, unassigned. */
const ODD = /[\p{M}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
/** Takes two places. */
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]$/u;

function widthOf(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}

/**
 * Makes a foreign text one that takes as many places as it seems to: what drives
 * a terminal becomes `\uXXXX`, what has no width of its own a question mark.
 *
 * @param text Any text.
 * @returns The text on one line.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { plainText } from "./text.ts";
 *
 * assertEquals(plainText("a\x1bc\u0301"), "a\\u001bc?");
 * ```
 */
export function plainText(text: string): string {
  return escapeControls(text).replace(ODD, "?");
}

/**
 * How many places a text takes on a terminal.
 *
 * @param text Text of {@linkcode plainText}.
 * @returns The number of places.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { displayWidth } from "./text.ts";
 *
 * assertEquals(displayWidth("日本"), 4);
 * ```
 */
export function displayWidth(text: string): number {
  return [...text].reduce((sum, character) => sum + widthOf(character), 0);
}

/**
 * Makes a text exactly as wide as a cell.
 *
 * @param text Text of {@linkcode plainText}.
 * @param width Places, 0 or more.
 * @param align On which side it stands.
 * @returns The text, cut or with blanks.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fit } from "./text.ts";
 *
 * assertEquals([fit("abc", 2), fit("a", 3, "right")], ["ab", "  a"]);
 * ```
 */
export function fit(
  text: string,
  width: number,
  align: "left" | "right" = "left",
): string {
  let cut = "";
  let used = 0;
  for (const character of text) {
    const more = widthOf(character);
    if (used + more > width) break;
    cut += character;
    used += more;
  }
  const blanks = " ".repeat(Math.max(width - used, 0));
  return align === "left" ? cut + blanks : blanks + cut;
}

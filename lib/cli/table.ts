/**
 * Tables for people.
 *
 * @module
 */
import { escapeControls } from "./output.ts";
import { cutText, textWidth } from "./text_width.ts";

/** A colour of the eight that every terminal has, or bold. */
export type Paint = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** How a table is laid out. */
export interface TableStyle {
  /** Columns of the terminal that a line may take; no bound when absent. */
  readonly width?: number;
  /** Whether headings are bold and `paint` is asked. */
  readonly colour?: boolean;
  /** Colours a cell. */
  readonly paint?: (heading: string, cell: string) => Paint | undefined;
}

const CODES: Readonly<Record<Paint, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};
const GAP = 2;
/** A column is cut no further than this, so that something is left to read. */
const NARROWEST = 8;
/** But where this makes all of them fit. */
const NARROWEST_TO_FIT = 6;

/**
 * Gives a text a colour.
 *
 * Pure.
 *
 * @param text Text without control characters.
 * @param paint The colour; none when `undefined`.
 * @returns The text between the terminal's codes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { paintText } from "./table.ts";
 *
 * assertEquals(paintText("ok", "green"), "\x1b[32mok\x1b[0m");
 * ```
 */
export function paintText(text: string, paint: Paint | undefined): string {
  return paint === undefined ? text : `\x1b[${CODES[paint]}m${text}\x1b[0m`;
}

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

/** Narrows the last column first, which is the least important, then the widest. */
function narrow(
  widths: readonly number[],
  total: number,
  least: number,
): number[] {
  const fitted = [...widths];
  const take = (column: number, most: number): void => {
    const width = fitted[column] ?? 0;
    fitted[column] = width - Math.max(0, Math.min(most, width - least));
  };
  take(fitted.length - 1, Math.max(0, widthOf(fitted) - total));
  while (widthOf(fitted) > total) {
    const widest = fitted.indexOf(Math.max(...fitted));
    if ((fitted[widest] ?? 0) <= least) break;
    take(widest, 1);
  }
  return fitted;
}

function fit(widths: readonly number[], total: number): number[] {
  const fitted = narrow(widths, total, NARROWEST);
  if (widthOf(fitted) <= total) return fitted;
  const tight = narrow(widths, total, NARROWEST_TO_FIT);
  return widthOf(tight) <= total ? tight : fitted;
}

/**
 * Renders a table with left-aligned columns.
 *
 * Pure. Cells are made safe for a terminal. Where a width is given, cells that
 * do not fit are cut, and end in an ellipsis then.
 *
 * @param header Headings of the columns.
 * @param rows Cells, as many as headings.
 * @param style Width and colours.
 * @returns The lines.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatTable } from "./table.ts";
 *
 * assertEquals(formatTable(["ID", "PID"], [["demo", "7"]]), "ID    PID\ndemo  7");
 * ```
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  style: TableStyle = {},
): string {
  const lines = [header, ...rows.map((row) => row.map(escapeControls))];
  const natural = header.map((_, column) =>
    lines.reduce(
      (most, line) => Math.max(most, textWidth(line[column] ?? "")),
      0,
    )
  );
  const widths = style.width === undefined
    ? natural
    : fit(natural, style.width);
  const last = header.length - 1;
  return lines.map((line, index) =>
    line.map((cell, column) => {
      const width = widths[column] ?? 0;
      const cut = cutText(cell, width);
      const padding = column === last
        ? ""
        : " ".repeat(width - textWidth(cut) + GAP);
      if (style.colour !== true) return cut + padding;
      const paint = index === 0
        ? "bold"
        : style.paint?.(header[column] ?? "", cell);
      return paintText(cut, paint) + padding;
    }).join("").trimEnd()
  ).join("\n");
}

/**
 * Tables for people.
 *
 * @module
 */
import { escapeControls } from "./output.ts";

/**
 * Renders a table with left-aligned columns.
 *
 * Pure. Cells are made safe for a terminal.
 *
 * @param header Headings of the columns.
 * @param rows Cells, as many as headings.
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
): string {
  const lines = [header, ...rows.map((row) => row.map(escapeControls))];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0))
  );
  return lines.map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
      .trimEnd()
  ).join("\n");
}

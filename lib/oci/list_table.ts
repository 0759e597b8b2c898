/**
 * The table of `list`, in the columns that scripts cut out of it.
 *
 * @module
 */

/** One container of the list. */
export interface ListedContainer {
  /** Its id. */
  readonly id: string;
  /** Host pid of the first process; 0 when there is none. */
  readonly pid: number;
  /** What it is doing. */
  readonly status: string;
  /** Its bundle. */
  readonly bundle: string;
  /** RFC 3339 time of creation. */
  readonly created: string;
  /** Name of the user that it belongs to. */
  readonly owner: string;
}

const HEADER = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];
const LEAST_WIDTH = 12;
const GAP = 3;

/**
 * Renders the list. Pure.
 *
 * @param containers The containers, in order.
 * @returns The lines, the header first.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatList } from "./list_table.ts";
 *
 * assertEquals(
 *   formatList([]),
 *   "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n",
 * );
 * ```
 */
export function formatList(containers: readonly ListedContainer[]): string {
  const rows = [
    HEADER,
    ...containers.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ];
  const widths = HEADER.map((_, column) =>
    Math.max(
      LEAST_WIDTH,
      ...rows.map((row) => [...row[column] ?? ""].length + GAP),
    )
  );
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      column === HEADER.length - 1
        ? cell
        : cell + " ".repeat((widths[column] ?? 0) - [...cell].length)
    ).join("")
  );
  return `${lines.join("\n")}\n`;
}

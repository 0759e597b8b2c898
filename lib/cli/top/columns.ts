/**
 * The columns of `top`, and which of them a terminal has room for. Pure.
 *
 * @module
 */
import type { Row } from "./model.ts";
import { sparkline } from "./sparkline.ts";
import { displayWidth, plainText } from "./text.ts";

/** What is to be seen at a glance. */
export type Mark = "plain" | "alert";

/** How cells are drawn. */
export interface CellStyle {
  /** Whether the terminal knows more than ASCII. */
  readonly isUnicode: boolean;
}

/** One column. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Places that it needs. */
  readonly min: number;
  /** Places that it can use. */
  readonly max: number;
  /** On which side its cells stand. */
  readonly align: "left" | "right";
  /** Its cell, at most as wide as the column; foreign texts are plain and may be wider. */
  readonly cell: (row: Row, width: number, style: CellStyle) => string;
  /** Whether the cell stands out. */
  readonly mark?: (row: Row) => Mark;
}

/** A column with the places that it gets. */
export interface PlacedColumn extends Column {
  /** Its places. */
  readonly width: number;
}

const GAP = 1;
const MANY = 0.9;
const UNITS = ["", "K", "M", "G", "T", "P", "E"] as const;

/**
 * Renders a count of bytes in at most four characters.
 *
 * @param bytes How many; unknown when absent.
 * @returns E.g. `512`, `1.5K`, `64M`, `-` for what is unknown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { compactBytes } from "./columns.ts";
 *
 * assertEquals([compactBytes(1536), compactBytes(undefined)], ["1.5K", "-"]);
 * ```
 */
export function compactBytes(bytes: number | undefined): string {
  if (bytes === undefined) return "-";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit > 0 && value < 9.95
    ? value.toFixed(1).replace(/\.0$/, "")
    : value.toFixed(0);
  return `${text}${UNITS[unit]}`;
}

function percent(value: number | undefined): string {
  if (value === undefined) return "-";
  return value.toFixed(value >= 9999.95 ? 0 : 1);
}

function tasks({ tasks: count, tasksLimit }: Row, width: number): string {
  if (count === undefined) return "-";
  const both = `${count}/${tasksLimit}`;
  return tasksLimit !== undefined && both.length <= width ? both : `${count}`;
}

function bytesColumn(
  title: string,
  of: (row: Row) => number | undefined,
): Column {
  const width = Math.max(title.length, 5);
  return {
    title,
    min: width,
    max: width,
    align: "right",
    cell: (row) => compactBytes(of(row)),
  };
}

function isShort(use: number | undefined, limit: number | undefined): Mark {
  return use !== undefined && limit !== undefined && use >= MANY * limit
    ? "alert"
    : "plain";
}

const MEMORY: Column = {
  ...bytesColumn("MEM", ({ memory }) => memory),
  mark: ({ memory, memoryLimit }) => isShort(memory, memoryLimit),
};

const CPU: Column = {
  title: "CPU%",
  min: 6,
  max: 6,
  align: "right",
  cell: ({ cpu }) => percent(cpu),
};

const HISTORY: Column = {
  title: "CPU",
  min: 6,
  max: 20,
  align: "left",
  cell: ({ history }, width, { isUnicode }) =>
    sparkline(history, width, { full: 100, isUnicode }),
};

const TASKS: Column = {
  title: "PIDS",
  min: 7,
  max: 7,
  align: "right",
  cell: tasks,
  mark: ({ tasks: count, tasksLimit }) => isShort(count, tasksLimit),
};

const STATUS: Column = {
  title: "STATUS",
  min: 7,
  max: 12,
  align: "left",
  cell: ({ summary }) => summary.status,
};

const COMMAND: Column = {
  title: "COMMAND",
  min: 12,
  max: 256,
  align: "left",
  cell: ({ command }) => plainText(command),
};

/** Shorter ids leave room; longer ones may be cut where there is not enough. */
const ID_WIDTH = { min: 8, max: 20 } as const;

function idColumn(rows: readonly Row[]): Column {
  const longest = rows.reduce<number>(
    (most, { summary }) => Math.max(most, displayWidth(plainText(summary.id))),
    ID_WIDTH.min,
  );
  return {
    title: "ID",
    min: Math.min(longest, ID_WIDTH.max),
    max: longest,
    align: "left",
    cell: ({ summary }) => plainText(summary.id),
  };
}

/** All columns in order, each with its rank: higher ones go first when there is no room. */
function allColumns(
  rows: readonly Row[],
): readonly (readonly [rank: number, column: Column])[] {
  const id = idColumn(rows);
  // A whole id tells more than the beginning of a command.
  const command = { ...COMMAND, min: COMMAND.min + id.max - id.min };
  return [
    [0, id],
    [1, CPU],
    [3, HISTORY],
    [2, MEMORY],
    [4, bytesColumn("LIMIT", ({ memoryLimit }) => memoryLimit)],
    [5, TASKS],
    [7, bytesColumn("READ/s", ({ ioRead }) => ioRead)],
    [8, bytesColumn("WRITE/s", ({ ioWritten }) => ioWritten)],
    [9, bytesColumn("RECV/s", ({ received }) => received)],
    [10, bytesColumn("SENT/s", ({ sent }) => sent)],
    [6, STATUS],
    [11, command],
  ];
}

/**
 * Chooses the columns that there is room for, and gives them their places.
 *
 * @param rows The rows, for the width of ids.
 * @param columns Places of the terminal.
 * @param hasHistory Whether there is a column of bars.
 * @returns The columns, from left to right; the first one always.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { placeColumns } from "./columns.ts";
 *
 * assertEquals(placeColumns([], 20, true).map(({ title }) => title), ["ID", "CPU%"]);
 * ```
 */
export function placeColumns(
  rows: readonly Row[],
  columns: number,
  hasHistory: boolean,
): PlacedColumn[] {
  const candidates = allColumns(rows)
    .filter(([, column]) => hasHistory || column !== HISTORY);
  let room = columns + GAP;
  const chosen = new Set<Column>();
  for (const [rank, column] of candidates.toSorted(([a], [b]) => a - b)) {
    if (rank > 0 && column.min + GAP > room) break;
    chosen.add(column);
    room -= column.min + GAP;
  }
  // What is left goes to those that can use it, the first ones first.
  return candidates.filter(([, column]) => chosen.has(column))
    .map(([, column]) => {
      const more = Math.min(column.max - column.min, Math.max(room, 0));
      room -= more;
      const width = Math.min(column.min + more, Math.max(columns, 0));
      return { ...column, width };
    });
}

/**
 * What `top` shows, as lines of text. Pure.
 *
 * @module
 */
import { compactBytes, placeColumns, type PlacedColumn } from "./columns.ts";
import { chosenIndex, type Deed, KEY_HELP, type View } from "./control.ts";
import { isLive, type Row } from "./model.ts";
import { fit, plainText } from "./text.ts";

/** What the lines are drawn on. */
export interface Screen {
  /** Width in characters. */
  readonly columns: number;
  /** Height in lines. */
  readonly rows: number;
  /** Whether colours are wanted. */
  readonly isColour: boolean;
  /** Whether it knows more than ASCII. */
  readonly isUnicode: boolean;
}

/** Codes of text attributes, see ECMA-48, SGR. */
const REVERSE = "7";
const BOLD = "1";
const RED = "31";
const YELLOW = "33";
/** Lines above and below the rows. */
const FRAME_LINES = 4;

function styled(text: string, ...codes: readonly string[]): string {
  return codes.length === 0 ? text : `\x1b[${codes.join(";")}m${text}\x1b[0m`;
}

function headerOf(columns: readonly PlacedColumn[]): string {
  return columns.map(({ title, width, align }) => fit(title, width, align))
    .join(" ");
}

function cellsOf(
  row: Row,
  columns: readonly PlacedColumn[],
  { isUnicode }: Screen,
): { readonly text: string; readonly isAlert: boolean }[] {
  return columns.map(({ width, align, cell, mark }) => ({
    text: fit(cell(row, width, { isUnicode }), width, align),
    isAlert: mark?.(row) === "alert",
  }));
}

function lineOf(
  row: Row,
  columns: readonly PlacedColumn[],
  screen: Screen,
  isChosen: boolean,
): string {
  const cells = cellsOf(row, columns, screen);
  const isStill = row.summary.status !== "running";
  if (isChosen || !screen.isColour || isStill) {
    const line = fit(cells.map(({ text }) => text).join(" "), screen.columns);
    return styled(line, ...[
      ...(isChosen ? [REVERSE] : []),
      ...(screen.isColour && isStill ? [YELLOW] : []),
    ]);
  }
  return cells.map(({ text, isAlert }) => isAlert ? styled(text, RED) : text)
    .join(" ");
}

function sumOf(
  rows: readonly Row[],
  of: (row: Row) => number | undefined,
): number {
  return rows.reduce((sum, row) => sum + (of(row) ?? 0), 0);
}

function countsOf(rows: readonly Row[]): string {
  const live = rows.filter(isLive).length;
  const paused =
    rows.filter(({ summary }) => summary.status === "paused").length;
  const others = rows.length - live;
  return [
    `${live - paused} running`,
    ...(paused > 0 ? [`${paused} paused`] : []),
    ...(others > 0 ? [`${others} not running`] : []),
  ].join(", ");
}

function titleOf(all: readonly Row[], view: View, time: string): string {
  const order = view.isReversed ? `${view.sort}, reversed` : view.sort;
  return `nsinit top  ${time}  ${countsOf(all)}; by ${order}`;
}

function totalsOf(rows: readonly Row[]): string {
  const sum = (of: (row: Row) => number | undefined): string =>
    compactBytes(sumOf(rows, of));
  return [
    `cpu ${sumOf(rows, ({ cpu }) => cpu).toFixed(1)} %`,
    `memory ${sum(({ memory }) => memory)}`,
    `pids ${sumOf(rows, ({ tasks }) => tasks)}`,
    `read ${sum(({ ioRead }) => ioRead)}/s`,
    `written ${sum(({ ioWritten }) => ioWritten)}/s`,
    `recv ${sum(({ received }) => received)}/s`,
    `sent ${sum(({ sent }) => sent)}/s`,
  ].join("  ");
}

/** Asks before something is done. */
function questionOf({ verb, id }: Deed): string {
  return verb === "kill"
    ? `Kill ${plainText(id)} (SIGKILL)? y or n`
    : `End ${plainText(id)} (SIGTERM)? y or n`;
}

const HINT = "q quit  h help  arrows choose  p pause  k end  c m t i n d sort";
const HELP_HINT = "any key goes back to the table";

function footerOf({ question, message, showsHelp }: View): string {
  if (question) return questionOf(question);
  if (showsHelp) return HELP_HINT;
  return message === "" ? HINT : plainText(message);
}

function bodyOf(
  rows: readonly Row[],
  view: View,
  columns: readonly PlacedColumn[],
  screen: Screen,
): string[] {
  const height = Math.max(screen.rows - FRAME_LINES, 0);
  if (view.showsHelp) {
    return KEY_HELP.map(([key, doc]) =>
      fit(`  ${key.padEnd(12)}${doc}`, screen.columns)
    ).slice(0, height);
  }
  if (rows.length === 0) {
    return [
      fit("No container runs (a shows those that do not)", screen.columns),
    ]
      .slice(0, height);
  }
  const chosen = chosenIndex(view, rows);
  const first = Math.max(chosen - height + 1, 0);
  return rows.slice(first, first + height).map((row, index) =>
    lineOf(row, columns, screen, first + index === chosen)
  );
}

/**
 * Draws the screen.
 *
 * @param all All containers.
 * @param rows Those that are shown, sorted.
 * @param view How they are shown.
 * @param screen What it is drawn on.
 * @param time The time, as text.
 * @returns As many lines as the screen has, none wider; foreign text cannot
 * drive the terminal.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FIRST_VIEW } from "./control.ts";
 * import { drawScreen } from "./screen.ts";
 *
 * const screen = { columns: 60, rows: 10, isColour: false, isUnicode: true };
 * assertEquals(drawScreen([], [], FIRST_VIEW, screen, "12:00:00").length, 10);
 * ```
 */
export function drawScreen(
  all: readonly Row[],
  rows: readonly Row[],
  view: View,
  screen: Screen,
  time: string,
): string[] {
  const columns = placeColumns(rows, screen.columns, true);
  const body = bodyOf(rows, view, columns, screen);
  const height = Math.max(screen.rows - FRAME_LINES, 0);
  const blanks = Array.from({ length: height - body.length }, () => "");
  const question = view.question !== undefined;
  const lines = [
    styled(fit(titleOf(all, view, time), screen.columns), BOLD),
    fit(totalsOf(all), screen.columns),
    styled(fit(headerOf(columns), screen.columns), REVERSE),
    ...body,
    ...blanks,
    styled(fit(footerOf(view), screen.columns), ...(question ? [BOLD] : [])),
  ];
  // On the smallest screens the question must still be seen.
  return screen.rows < FRAME_LINES
    ? lines.slice(-Math.max(screen.rows, 1))
    : lines;
}

/**
 * Draws the table once, without attributes.
 *
 * @param rows The rows, sorted.
 * @param columns Places to fit into; `Infinity` for all of it.
 * @returns The lines.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { drawTable } from "./screen.ts";
 *
 * assertEquals(drawTable([], 21), "ID         CPU%   MEM");
 * ```
 */
export function drawTable(rows: readonly Row[], columns: number): string {
  const placed = placeColumns(rows, columns, false);
  const screen = { columns, rows: 0, isColour: false, isUnicode: true };
  return [
    headerOf(placed),
    ...rows.map((row) =>
      cellsOf(row, placed, screen).map(({ text }) => text).join(" ")
    ),
  ].map((line) => line.trimEnd()).join("\n");
}

/**
 * What keys do. Pure.
 *
 * @module
 */
import type { Row, SortKey } from "./model.ts";

/** What is to be done to a container. */
export interface Deed {
  /** What; `toggle`: pause it, or let it go on. */
  readonly verb: "toggle" | "terminate" | "kill";
  /** To which container. */
  readonly id: string;
  /** Its first process: a later container of the same id is left alone. */
  readonly startTime: string;
}

/** How the table is shown. */
export interface View {
  /** What it is sorted by. */
  readonly sort: SortKey;
  /** The other way round. */
  readonly isReversed: boolean;
  /** Whether containers that do not run are shown. */
  readonly showsAll: boolean;
  /** Id of the chosen container; follows it wherever it moves. */
  readonly chosen?: string;
  /** What is asked for before it is done. */
  readonly question?: Deed;
  /** Whether the keys are explained. */
  readonly showsHelp: boolean;
  /** What was done or went wrong; may hold foreign text. */
  readonly message: string;
}

/** What follows from a key. */
export interface Reaction {
  /** How the table is shown from now on. */
  readonly view: View;
  /** What is done. */
  readonly deed?: Deed;
  /** Whether it is over, or sleeps until it is woken. */
  readonly end?: "quit" | "suspend";
}

/** How the table is shown at first. */
export const FIRST_VIEW: View = {
  sort: "cpu",
  isReversed: false,
  showsAll: false,
  showsHelp: false,
  message: "",
};

/** Keys of sorting, with what they sort by. */
export const SORT_KEYS: Readonly<Record<string, SortKey>> = {
  c: "cpu",
  m: "memory",
  t: "tasks",
  i: "io",
  n: "network",
  d: "id",
};

/** Keys, as they are explained. */
export const KEY_HELP: readonly (readonly [key: string, doc: string])[] = [
  ["up, down", "choose a container (also Home, End, Page Up, Page Down)"],
  ["c m t i n", "sort by cpu, memory, tasks, block devices, network"],
  ["d", "sort by id"],
  ["r", "sort the other way round"],
  ["a", "show those that do not run, too"],
  ["p", "pause the chosen container, or let it go on"],
  ["k", "end the chosen container (SIGTERM); asks first"],
  ["K", "kill the chosen container (SIGKILL); asks first"],
  ["h", "these lines"],
  ["q", "leave (also Ctrl-C)"],
];

const PAGE = 10;

function without(view: View, name: "question" | "chosen"): View {
  const { [name]: _, ...rest } = view;
  return rest;
}

/** Where the chosen row is; -1 for none. */
export function chosenIndex(view: View, rows: readonly Row[]): number {
  return rows.findIndex(({ summary }) => summary.id === view.chosen);
}

function choose(view: View, rows: readonly Row[], at: number): View {
  const row = rows[Math.min(Math.max(at, 0), rows.length - 1)];
  return row ? { ...view, chosen: row.summary.id } : without(view, "chosen");
}

/** The row that a key moves to; undefined for other keys. */
function moved(
  key: string,
  view: View,
  rows: readonly Row[],
): number | undefined {
  const at = chosenIndex(view, rows);
  switch (key) {
    case "up":
      return at < 0 ? rows.length - 1 : at - 1;
    case "down":
      return at + 1;
    case "page-up":
      return at - PAGE;
    case "page-down":
      return at + PAGE;
    case "home":
      return 0;
    case "end":
      return rows.length - 1;
    default:
      return undefined;
  }
}

function answer(view: View, key: string, question: Deed): Reaction {
  const rest = without(view, "question");
  if (key === "y" || key === "Y") return { view: rest, deed: question };
  return { view: { ...rest, message: `${question.id} is left alone` } };
}

/** What is done to the chosen container. */
function onChosen(view: View, key: string, rows: readonly Row[]): Reaction {
  const row = rows[chosenIndex(view, rows)];
  if (!row) {
    return { view: { ...view, message: "Choose a container with the arrows" } };
  }
  const { startTime, summary: { id, status } } = row;
  if (status !== "running" && status !== "paused" && status !== "pausing") {
    return { view: { ...view, message: `${id} does not run` } };
  }
  if (key === "p") return { view, deed: { verb: "toggle", id, startTime } };
  const verb = key === "K" ? "kill" : "terminate";
  return { view: { ...view, question: { verb, id, startTime } } };
}

/**
 * Says what a key does.
 *
 * @param view How the table is shown.
 * @param key A key of `KeyReader`.
 * @param rows The rows as they are shown.
 * @returns How the table is shown then, and what is to be done.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FIRST_VIEW, react } from "./control.ts";
 *
 * assertEquals(react(FIRST_VIEW, "m", []).view.sort, "memory");
 * assertEquals(react(FIRST_VIEW, "q", []).end, "quit");
 * ```
 */
export function react(view: View, key: string, rows: readonly Row[]): Reaction {
  if (key === "\x03") return { view, end: "quit" };
  if (key === "\x1a") return { view, end: "suspend" };
  if (view.question) return answer(view, key, view.question);
  if (view.showsHelp) return { view: { ...view, showsHelp: false } };
  const quiet = { ...view, message: "" };
  const to = moved(key, view, rows);
  if (to !== undefined) return { view: choose(quiet, rows, to) };
  const sort = SORT_KEYS[key];
  if (sort) return { view: { ...quiet, sort, isReversed: false } };
  switch (key) {
    case "q":
      return { view, end: "quit" };
    case "r":
      return { view: { ...quiet, isReversed: !view.isReversed } };
    case "a":
      return { view: { ...quiet, showsAll: !view.showsAll } };
    case "h":
    case "?":
      return { view: { ...quiet, showsHelp: true } };
    case "escape":
      return { view: without(quiet, "chosen") };
    case "p":
    case "k":
    case "K":
      return onChosen(quiet, key, rows);
    default:
      return { view: quiet };
  }
}

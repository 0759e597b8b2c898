/**
 * How far long work has come: one line on the terminal, drawn over and over,
 * gone when the work is done.
 *
 * It is shown only where somebody looks: on a terminal, when lines are not
 * written as JSON, and when the work takes longer than a moment.
 *
 * @module
 */
import { formatDuration } from "./duration.ts";
import { escapeControls, type Output } from "./output.ts";
import { formatBytes } from "./units.ts";

/** What is counted. */
export type ProgressUnit = "count" | "bytes";

/** How far the work is. */
export interface ProgressView {
  /** What is being done, e.g. `Deleting containers`. */
  readonly what: string;
  /** What is counted. */
  readonly unit: ProgressUnit;
  /** How many are done. */
  readonly done: number;
  /** Of how many; unknown when absent. */
  readonly total?: number;
  /** What is at work now; may be foreign text. */
  readonly detail?: string;
  /** Milliseconds since the beginning. */
  readonly elapsedMs: number;
}

/** Where and when a progress line is drawn. */
export interface ProgressScreen {
  /** Whether anybody sees it. */
  readonly isShown: boolean;
  /** Width in characters. */
  readonly columns: () => number;
  /** Writes to it. */
  readonly write: (text: string) => void;
}

/** What is counted, and of how many. */
export interface ProgressOptions {
  /** What is counted; `count` unless given. */
  readonly unit?: ProgressUnit;
  /** Of how many, where it is known. */
  readonly total?: number;
  /** Where it is drawn; stderr unless given. */
  readonly screen?: ProgressScreen;
}

/** Shorter work shows nothing, in milliseconds. */
const DELAY_MS = 300;
const REDRAW_MS = 100;
/** What is left is guessed only after this time, in milliseconds. */
const GUESS_MS = 2000;
const BAR_WIDTH = 20;
const CLEAR_LINE = "\r\x1b[K";

function amounts({ unit, done, total }: ProgressView): string {
  const shown = (value: number): string =>
    unit === "bytes" ? formatBytes(value) : String(value);
  return total === undefined
    ? shown(done)
    : `${shown(Math.min(done, total))} of ${shown(total)}`;
}

function barOf({ done, total }: ProgressView): string {
  if (total === undefined || total <= 0) return "";
  const share = Math.min(Math.max(done / total, 0), 1);
  const filled = Math.round(share * BAR_WIDTH);
  return `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}]`;
}

function timeOf({ done, total, elapsedMs }: ProgressView): string {
  const elapsed = formatDuration(elapsedMs);
  if (!total || done <= 0 || done >= total) return elapsed;
  if (elapsedMs < GUESS_MS) return elapsed;
  const left = elapsedMs * (total - done) / done;
  return `${elapsed}, about ${formatDuration(left)} left`;
}

/**
 * Renders a progress line.
 *
 * Pure. The detail is made safe for a terminal.
 *
 * @param view How far the work is.
 * @param columns Width that it must fit; the detail is left out first.
 * @returns The line.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatProgress } from "./progress.ts";
 *
 * const view = { what: "Dumping", unit: "bytes", done: 512, total: 1024, elapsedMs: 1000 } as const;
 * assertEquals(
 *   formatProgress(view, 80),
 *   "Dumping [##########..........] 512 B of 1 KiB, 1 s",
 * );
 * ```
 */
export function formatProgress(view: ProgressView, columns: number): string {
  const { what, detail } = view;
  const bar = barOf(view);
  const numbers = `${amounts(view)}, ${timeOf(view)}`;
  const lines = [
    ...(detail ? [[what, bar, `${numbers}: ${escapeControls(detail)}`]] : []),
    [what, bar, numbers],
    [what, numbers],
  ].map((parts) => parts.filter((part) => part !== "").join(" "));
  const line = lines.find(({ length }) => length <= columns) ??
    lines.at(-1) ?? "";
  return [...line].slice(0, Math.max(columns, 0)).join("");
}

function stderrScreen(output: Output): ProgressScreen {
  const terminal = (Deno.env.get("TERM") ?? "") !== "dumb";
  return {
    isShown: output.isText && terminal && Deno.stderr.isTerminal(),
    columns: () => {
      try {
        return Deno.consoleSize().columns;
      } catch {
        return 80; // the terminal has gone, or never told
      }
    },
    write: (text) => {
      try {
        Deno.stderr.writeSync(new TextEncoder().encode(text));
      } catch {
        // Nobody looks any more; the work goes on.
      }
    },
  };
}

/**
 * The progress of one piece of work.
 *
 * @example
 * ```ts
 * import { Output } from "./output.ts";
 * import { Progress } from "./progress.ts";
 *
 * const output = new Output({ format: "text", debug: false });
 * using progress = new Progress(output, "Counting", { total: 3 });
 * for (const _ of [1, 2, 3]) progress.add();
 * ```
 */
export class Progress implements Disposable {
  readonly #output: Output;
  readonly #what: string;
  readonly #unit: ProgressUnit;
  readonly #screen: ProgressScreen;
  readonly #begin = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  #total: number | undefined;
  #done = 0;
  #detail: string | undefined;
  #isDrawn = false;

  /**
   * Begins; disposing of it takes the line away. Only one is drawn at a time.
   *
   * @param output Where other lines of the program go.
   * @param what What is being done, e.g. `Deleting containers`.
   * @param options What is counted, and of how many.
   */
  constructor(output: Output, what: string, options: ProgressOptions = {}) {
    this.#output = output;
    this.#what = what;
    this.#unit = options.unit ?? "count";
    this.#total = options.total;
    this.#screen = options.screen ?? stderrScreen(output);
    if (!this.#screen.isShown) return;
    output.setLive({ hide: () => this.#hide() });
    this.#timer = setInterval(() => this.draw(), REDRAW_MS);
    Deno.unrefTimer(this.#timer); // it keeps no program running
  }

  /**
   * Says how many are done in all.
   *
   * @param done How many.
   * @param about What is at work now; of how many, where that has changed.
   */
  set(
    done: number,
    about: { readonly detail?: string; readonly total?: number } = {},
  ): void {
    this.#done = done;
    this.#detail = about.detail ?? this.#detail;
    this.#total = about.total ?? this.#total;
  }

  /**
   * Says that more are done.
   *
   * @param more How many; one unless given.
   * @param detail What is at work now.
   */
  add(more = 1, detail?: string): void {
    this.set(this.#done + more, detail === undefined ? {} : { detail });
  }

  /** Draws the line now; it is drawn ten times a second of itself. */
  draw(): void {
    const elapsedMs = performance.now() - this.#begin;
    if (this.#timer === undefined || elapsedMs < DELAY_MS) return;
    const line = formatProgress({
      what: this.#what,
      unit: this.#unit,
      done: this.#done,
      elapsedMs,
      ...(this.#total === undefined ? {} : { total: this.#total }),
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
    }, this.#screen.columns() - 1); // a full line would break
    this.#isDrawn = true;
    this.#screen.write(CLEAR_LINE + line);
  }

  #hide(): void {
    if (this.#isDrawn) this.#screen.write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#hide();
    this.#output.setLive(undefined);
  }
}

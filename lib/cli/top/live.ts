/**
 * The live table: reads containers, listens to keys and signals, draws.
 *
 * @module
 */
import { surveyContainers } from "../../container/survey.ts";
import { FIRST_VIEW, react, type View } from "./control.ts";
import { perform } from "./deeds.ts";
import { KeyReader } from "./keys.ts";
import { isLive, type Row, Sampler, sortRows } from "./model.ts";
import { drawScreen } from "./screen.ts";
import { FullScreen } from "./terminal.ts";

/** What is watched, and how it is shown. */
export interface LiveOptions {
  /** State root. */
  readonly stateRoot: string;
  /** Ids of containers; all unless given. */
  readonly only?: readonly string[];
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  /** How it is shown at first. */
  readonly view: Partial<View>;
  /** Whether colours are wanted. */
  readonly isColour: boolean;
  /** Whether the terminal knows more than ASCII. */
  readonly isUnicode: boolean;
}

/** Signals that end it, with their numbers. */
const ENDINGS = {
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
  SIGHUP: 1,
} as const satisfies Partial<Record<Deno.Signal, number>>;
/** Reading containers leaves time for everything else, in milliseconds. */
const SHORTEST_PAUSE_MS = 100;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One run of the live table. */
class LiveTable {
  readonly #options: LiveOptions;
  readonly #screen = new FullScreen();
  readonly #sampler = new Sampler();
  readonly #end = Promise.withResolvers<number>();
  #view: View;
  #all: readonly Row[] = [];
  #isOver = false;
  #isAsleep = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#view = { ...FIRST_VIEW, ...options.view };
  }

  async run(): Promise<number> {
    using screen = this.#screen;
    const removers = this.#listen();
    try {
      this.#look();
      this.#readKeys();
      return await this.#end.promise;
    } finally {
      this.#isOver = true;
      clearTimeout(this.#timer);
      for (const remove of removers) remove();
      screen.leave();
    }
  }

  #finish(status: number): void {
    this.#isOver = true;
    this.#end.resolve(status);
  }

  #listen(): (() => void)[] {
    const on = (signal: Deno.Signal, act: () => void): () => void => {
      Deno.addSignalListener(signal, act);
      return () => Deno.removeSignalListener(signal, act);
    };
    const endings = Object.entries(ENDINGS) as [Deno.Signal, number][];
    return [
      on("SIGWINCH", () => this.#draw()),
      on("SIGCONT", () => this.#wake()),
      ...endings.map(([signal, number]) =>
        on(signal, () => this.#finish(128 + number))
      ),
    ];
  }

  /** Reads the containers, draws, and does so again later. */
  async #look(): Promise<void> {
    const { stateRoot, only, intervalMs } = this.#options;
    const begin = performance.now();
    try {
      const { readings, problems } = await surveyContainers(stateRoot, only);
      this.#all = this.#sampler.rows(readings);
      const [problem] = problems;
      if (problem !== undefined) this.#say(messageOf(problem));
    } catch (error) {
      this.#say(messageOf(error));
    }
    if (this.#isOver) return;
    this.#draw();
    const rest = intervalMs - (performance.now() - begin);
    this.#timer = setTimeout(
      () => this.#look(),
      Math.max(rest, SHORTEST_PAUSE_MS),
    );
  }

  #say(message: string): void {
    this.#view = { ...this.#view, message };
  }

  get #rows(): Row[] {
    const { sort, isReversed, showsAll } = this.#view;
    const shown = this.#all.filter((row) => showsAll || isLive(row));
    return sortRows(shown, sort, isReversed);
  }

  #draw(): void {
    if (this.#isOver || this.#isAsleep) return;
    const { isColour, isUnicode } = this.#options;
    const { size } = this.#screen;
    const time = new Date().toTimeString().slice(0, 8);
    const screen = { ...size, isColour, isUnicode };
    const lines = drawScreen(this.#all, this.#rows, this.#view, screen, time);
    this.#screen.show(lines, size);
    if (this.#screen.isGone) this.#finish(128 + ENDINGS.SIGHUP);
  }

  async #readKeys(): Promise<void> {
    const reader = new KeyReader();
    const buffer = new Uint8Array(256);
    while (!this.#isOver) {
      const count = await Deno.stdin.read(buffer).catch(() => null);
      if (count === null) return this.#finish(0); // the terminal was closed
      for (const key of reader.take(buffer.subarray(0, count))) {
        this.#press(key);
      }
      this.#draw();
    }
  }

  #press(key: string): void {
    if (this.#isOver) return;
    const { view, deed, end } = react(this.#view, key, this.#rows);
    this.#view = view;
    if (end === "quit") return this.#finish(0);
    if (end === "suspend") return this.#sleep();
    if (!deed) return;
    perform(this.#options.stateRoot, deed)
      .then((said) => this.#say(said), (error) => this.#say(messageOf(error)))
      .then(() => this.#lookNow());
  }

  /** Shows at once what has changed. */
  #lookNow(): void {
    if (this.#isOver) return;
    this.#draw();
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), SHORTEST_PAUSE_MS);
  }

  /** Gives the terminal back to the shell that it was started from. */
  #sleep(): void {
    this.#isAsleep = true;
    this.#screen.leave();
    // The default action of SIGTSTP, for the whole job as the terminal would.
    Deno.kill(0, "SIGSTOP");
  }

  #wake(): void {
    if (!this.#isAsleep || this.#isOver) return;
    this.#isAsleep = false;
    this.#screen.enter();
    this.#draw();
  }
}

/**
 * Shows the live table until somebody ends it.
 *
 * @param options What is watched.
 * @returns The exit status: 0, or 128 + N when signal N ended it.
 *
 * @example
 * ```ts ignore
 * await showLive({ stateRoot: "/run/nsinit", intervalMs: 1000, view: {}, isColour: true, isUnicode: true });
 * ```
 */
export function showLive(options: LiveOptions): Promise<number> {
  return new LiveTable(options).run();
}

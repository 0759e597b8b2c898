/**
 * The terminal while something fills its whole screen.
 *
 * What is shown is on the alternate screen, so that what was there before comes
 * back: on every way out but SIGKILL the terminal is as it was.
 *
 * @module
 */

/** Size of a terminal in characters. */
export interface TerminalSize {
  /** Width. */
  readonly columns: number;
  /** Height. */
  readonly rows: number;
}

/** From the first line to the end; `2J` would have tmux keep what is cleared, and show it later. */
const CLEAR = "\x1b[H\x1b[J";
/** Alternate screen, no cursor, no line breaks of its own, see xterm's ctlseqs. */
const ENTER = `\x1b[?1049h\x1b[?25l\x1b[?7l${CLEAR}`;
/** Cleared first: tmux has been seen to keep lines of it when the size had changed. */
const LEAVE = `\x1b[0m${CLEAR}\x1b[?7h\x1b[?25h\x1b[?1049l`;
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** The screen of a terminal, taken until it is given back. */
export class FullScreen implements Disposable {
  readonly #restore = (): void => this.leave();
  #shown: readonly string[] = [];
  #size = DEFAULT_SIZE;
  #isTaken = false;
  #isGone = false;

  /** Takes the screen of standard output, and the keys of standard input. */
  constructor() {
    // The program may end where nobody gives it back.
    addEventListener("unload", this.#restore);
    this.enter();
  }

  /** Whether there is a terminal still. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Its size now; the usual one where it does not tell. */
  get size(): TerminalSize {
    try {
      const { columns, rows } = Deno.consoleSize();
      return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
    } catch {
      return DEFAULT_SIZE;
    }
  }

  /** Takes it, again after {@linkcode FullScreen.leave}. */
  enter(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#setRaw(true);
    this.#shown = [];
    this.#write(ENTER);
  }

  /** Gives it back as it was. */
  leave(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#write(LEAVE);
    this.#setRaw(false);
  }

  /**
   * Shows lines; writes those that have changed.
   *
   * @param lines One for each line of the screen, none wider.
   * @param size For which size they are.
   */
  show(lines: readonly string[], size: TerminalSize): void {
    if (!this.#isTaken) return;
    const isResized = size.columns !== this.#size.columns ||
      size.rows !== this.#size.rows;
    this.#size = size;
    const before = isResized ? [] : this.#shown;
    // Cleared first: behind a full line that would take its last character.
    const changes = lines.map((line, at) =>
      line === before[at] ? "" : `\x1b[${at + 1};1H\x1b[K${line}`
    ).join("");
    this.#shown = lines;
    this.#write((isResized ? CLEAR : "") + changes);
  }

  #setRaw(isRaw: boolean): void {
    try {
      Deno.stdin.setRaw(isRaw);
    } catch {
      this.#isGone = true; // the terminal has been closed
    }
  }

  #write(text: string): void {
    try {
      for (let bytes = new TextEncoder().encode(text); bytes.length > 0;) {
        bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
      }
    } catch {
      this.#isGone = true;
    }
  }

  /** Gives it back for good. */
  [Symbol.dispose](): void {
    removeEventListener("unload", this.#restore);
    this.leave();
  }
}

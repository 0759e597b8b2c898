/**
 * A real terminal for tests: a window of a tmux server of their own.
 *
 * @module
 */
import { delay, mustRun, nsinitCommand, PATIENCE } from "./nsinit.ts";
import { writeProgram } from "./rootfs.ts";

/** Size of a terminal in characters. */
export interface Size {
  /** Height. */
  readonly rows: number;
  /** Width. */
  readonly columns: number;
}

/** Modes of a terminal. */
export interface TerminalFlags {
  /** Whether a program fills the whole screen. */
  readonly isAlternate: boolean;
  /** Whether the cursor is seen. */
  readonly isCursorShown: boolean;
  /** Whether long lines are broken. */
  readonly wraps: boolean;
}

const DEFAULT_SIZE: Size = { rows: 24, columns: 80 };

/**
 * A terminal with a shell, in which `nsinit` runs the program under test.
 *
 * A line that is typed appears on the screen as well: tests look for text that
 * only the answer holds.
 */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /**
   * Opens a terminal.
   *
   * @param dir Directory for the server's socket and the command `nsinit`.
   * @param cwd Directory that its shell is in.
   * @param stateRoot State root of that `nsinit`.
   */
  static async open(
    dir: string,
    cwd: string,
    stateRoot: string,
    size: Size = DEFAULT_SIZE,
  ): Promise<Terminal> {
    const bin = `${dir}/bin`;
    await Deno.mkdir(bin, { recursive: true });
    const words = [...nsinitCommand(), "--root", stateRoot]
      .map((word) => `'${word}'`).join(" ");
    await writeProgram(`${bin}/nsinit`, `#!/bin/sh\nexec ${words} "$@"\n`);
    const terminal = new Terminal(`${dir}/tmux-${crypto.randomUUID()}`);
    await terminal.#tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-x",
      `${size.columns}`,
      "-y",
      `${size.rows}`,
      "-c",
      cwd,
      `PATH=${bin}:$PATH PS1='outer$ ' exec bash --norc --noprofile`,
    );
    await terminal.#tmux("set-option", "-g", "window-size", "manual");
    await terminal.waitFor(/outer\$ $/);
    return terminal;
  }

  #tmux(...args: readonly string[]): Promise<string> {
    return mustRun(["tmux", "-S", this.#socket, ...args], {
      env: { TERM: "xterm", TMUX: "", LC_ALL: "C.UTF-8" },
    });
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.#tmux("send-keys", "Enter");
  }

  /** Presses a key by tmux's name of it, e.g. `C-c`. */
  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  /** Has every byte that is written to it from now on written to a file, too. */
  async record(file: string): Promise<void> {
    await this.#tmux("pipe-pane", "-O", `exec cat > '${file}'`);
  }

  /** Changes the size of the window. */
  async resize({ rows, columns }: Size): Promise<void> {
    await this.#tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** What it shows, with what has scrolled away, without blanks at the end. */
  async screen(): Promise<string> {
    const text = await this.#tmux("capture-pane", "-p", "-S", "-1000", "-J");
    return text.trimEnd() + (/\$\s*$/.test(text) ? " " : "");
  }

  /** What it shows now, without what has scrolled away. */
  async window(): Promise<string> {
    return await this.#tmux("capture-pane", "-p", "-J");
  }

  /** Modes of the terminal that programs change. */
  async flags(): Promise<TerminalFlags> {
    const [alternate, cursor, wrap] = (await this.#tmux(
      "display-message",
      "-p",
      "#{alternate_on} #{cursor_flag} #{wrap_flag}",
    )).trim().split(" ");
    return {
      isAlternate: alternate === "1",
      isCursorShown: cursor === "1",
      wraps: wrap === "1",
    };
  }

  /** Waits until it shows something. */
  async waitFor(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    const end = Date.now() + timeoutMs * PATIENCE;
    for (;;) {
      const screen = await this.screen();
      const match = pattern.exec(screen);
      if (match) return match;
      if (Date.now() > end) {
        throw new Error(`The terminal never showed ${pattern}:\n${screen}`);
      }
      await delay(20);
    }
  }

  /** Ends the server with all that runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server").catch(() => {});
    await Deno.remove(this.#socket).catch(() => {});
  }
}

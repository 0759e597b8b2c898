/**
 * What the program prints: results to stdout, everything else to stderr and
 * the log file.
 *
 * @module
 */
import { describeCause, HostError, NsinitError } from "../errors.ts";

/** How lines are printed. */
export interface OutputOptions {
  /** `json` prints one JSON object per line. */
  readonly format: "text" | "json";
  /** File that lines are appended to as well. */
  readonly logFile?: string;
  /** Whether debug lines are printed. */
  readonly debug: boolean;
}

/** How serious a line is. */
export type Level = "debug" | "warning" | "error";

// In numbers: the tables behind \p{Bidi_Control} take milliseconds to load.
/** All that can move the cursor or turn the direction of text: Cc, Zl, Zp and Bidi_Control. */
const CONTROL =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** The same, but for line feeds and tabs. */
const CONTROL_IN_LINES =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Longest message that is printed, in characters; names in it may be foreign. */
const LONGEST_MESSAGE = 16_384;

/** Makes JSON of a number that no `number` can hold; the compiler does not know it yet. */
const { rawJSON } = JSON as typeof JSON & {
  readonly rawJSON: (text: string) => unknown;
};

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes a foreign string safe for a terminal: control characters and those
 * that change the direction of text become `\uXXXX`.
 *
 * Pure.
 *
 * @param text Any text.
 * @returns The text on one line.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { escapeControls } from "./output.ts";
 *
 * assertEquals(escapeControls("a\x1b[2J"), "a\\u001b[2J");
 * ```
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROL, escapeCharacter);
}

/**
 * As `escapeControls`, for texts of several lines; JSON keeps its meaning.
 *
 * Pure.
 *
 * @param text Any text.
 * @returns The text, with its lines as they are.
 */
export function escapeLines(text: string): string {
  return text.replace(CONTROL_IN_LINES, escapeCharacter);
}

/**
 * Renders a value as JSON.
 *
 * Pure. `bigint` values are written as numbers.
 *
 * @param value Any plain data.
 * @param indent Spaces of each level, or what stands for them; 0 for one line.
 * 2 spaces unless given.
 * @returns The text, without a newline at its end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatJson } from "./output.ts";
 *
 * assertEquals(formatJson([2n ** 60n]), "[\n  1152921504606846976\n]");
 * assertEquals(formatJson([2n ** 60n], 0), "[1152921504606846976]");
 * ```
 */
export function formatJson(
  value: unknown,
  indent: number | string = 2,
): string {
  return JSON.stringify(
    value,
    (_key, item) => typeof item === "bigint" ? rawJSON(`${item}`) : item,
    indent,
  ) ?? "null";
}

function cut(message: string): string {
  const more = message.length - LONGEST_MESSAGE;
  return more <= 0
    ? message
    : `${message.slice(0, LONGEST_MESSAGE)}... (${more} more characters)`;
}

/**
 * Renders one line of the log, or of stderr.
 *
 * Pure. A very long message is cut.
 *
 * @param level How serious it is.
 * @param message What happened; further lines are indented.
 * @param how Text or JSON, the time, the error's code if there is one, and for
 * a debug line the milliseconds since the program began.
 * @returns The line with its newline.
 */
export function formatLine(
  level: Level,
  message: string,
  how: {
    readonly format: "text" | "json";
    readonly time: Date;
    readonly code?: string;
    readonly elapsedMs?: number;
  },
): string {
  const msg = cut(message);
  const { code, elapsedMs } = how;
  if (how.format === "json") {
    const fields = {
      level,
      msg,
      ...(code !== undefined && { code }),
      ...(elapsedMs !== undefined && { elapsed_ms: elapsedMs }),
      time: how.time.toISOString(),
    };
    return `${escapeLines(JSON.stringify(fields))}\n`;
  }
  const text = escapeLines(msg).replaceAll("\n", "\n  ");
  const since = elapsedMs === undefined ? "" : `${elapsedMs.toFixed(1)} ms: `;
  return `nsinit: ${level === "error" ? "" : `${level}: `}${since}${text}\n`;
}

/** Something on the terminal that is drawn again and again, such as a progress line. */
export interface LiveLine {
  /** Takes it off the terminal, until it is drawn the next time. */
  readonly hide: () => void;
}

/** Where a command's results, warnings and errors go. */
export class Output {
  readonly #options: OutputOptions;
  #isClosed = false;
  #hasWarned = false;
  #live: LiveLine | undefined;

  /** Makes the output; nothing is opened until something is written. */
  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Whether lines on stderr are for people, not for programs. */
  get isText(): boolean {
    return this.#options.format === "text";
  }

  /** Whether a warning has been printed. */
  get hasWarned(): boolean {
    return this.#hasWarned;
  }

  /** Whether somebody may still read the results: a stream ends when nobody does. */
  get hasReader(): boolean {
    return !this.#isClosed;
  }

  /**
   * Says what is drawn on the terminal now, so that lines do not mix with it.
   *
   * @param line It; `undefined` when it is drawn no more.
   */
  setLive(line: LiveLine | undefined): void {
    this.#live = line;
  }

  /**
   * Writes a result to stdout, safe for a terminal. A reader that has gone
   * away is not an error.
   *
   * @param text The text; a newline is added where it has none.
   */
  async result(text: string): Promise<void> {
    await this.styled(escapeLines(text));
  }

  /**
   * As `result`, for text that is safe already and may hold colours of ours.
   *
   * @param text The text; a newline is added where it has none.
   */
  async styled(text: string): Promise<void> {
    if (this.#isClosed) return;
    this.#live?.hide();
    const line = text.endsWith("\n") ? text : `${text}\n`;
    let bytes = new TextEncoder().encode(line);
    try {
      while (bytes.length > 0) {
        bytes = bytes.subarray(await Deno.stdout.write(bytes));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) {
        throw new HostError(
          `Cannot write the output: ${describeCause(error)}`,
          { cause: error },
        );
      }
      this.#isClosed = true;
    }
  }

  /** Prints a line for those who asked for `--debug`: to the log file, else to stderr. */
  debug(message: string): void {
    if (!this.#options.debug) return;
    const line = this.#line("debug", message);
    if (this.#options.logFile === undefined) this.#stderr(line);
    else this.#log(line);
  }

  /** Prints a warning. */
  warn(message: string): void {
    this.#hasWarned = true;
    const line = this.#line("warning", message);
    this.#stderr(line);
    this.#log(line);
  }

  /**
   * Prints the error that ends the program.
   *
   * @param error What was thrown.
   * @returns The exit status: the error's own, 125 for a fault of this program.
   */
  fail(error: unknown): number {
    const isKnown = error instanceof NsinitError;
    const message = isKnown ? error.message : describeFault(error);
    const line = this.#line(
      "error",
      message,
      isKnown ? error.code : "SystemError",
    );
    this.#stderr(line);
    this.#log(line);
    if (!isKnown && error instanceof Error) this.debug(error.stack ?? "");
    return isKnown ? error.exitCode : 125;
  }

  #line(level: Level, message: string, code?: string): string {
    const { format } = this.#options;
    return formatLine(level, message, {
      format,
      time: new Date(),
      ...(code !== undefined && { code }),
      ...(level === "debug" && {
        elapsedMs: Math.round(performance.now() * 10) / 10,
      }),
    });
  }

  #stderr(line: string): void {
    this.#live?.hide();
    try {
      let bytes = new TextEncoder().encode(line);
      while (bytes.length > 0) {
        bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
      }
    } catch {
      // A closed stderr leaves no place to say so; the exit status still tells.
    }
  }

  #log(line: string): void {
    const { logFile, format } = this.#options;
    if (logFile === undefined) return;
    // Who reads a log asks when; a line of JSON says so itself.
    const time = format === "json" ? "" : `${new Date().toISOString()} `;
    try {
      appendTo(logFile, time + line);
    } catch (error) {
      this.#stderr(this.#line(
        "warning",
        `Cannot write to the log file ${logFile}: ${describeCause(error)}`,
      ));
    }
  }
}

/** A link in a directory for all may be somebody's who wants root to write elsewhere. */
function refuseForeignLink(path: string): Deno.FileInfo | undefined {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (info.isSymlink && info.uid !== 0 && info.uid !== Deno.uid()) {
    throw new Error("it is a link of another user");
  }
  return info;
}

/**
 * Appends to a file that is made if it is missing.
 *
 * @param path Its path; a link there is followed if it is ours or root's.
 * @param text What is added.
 * @param mode Permissions of a new one; 0600 unless given.
 * @throws {Error} If it is a link of another user, or what the system says.
 */
export function appendTo(path: string, text: string, mode = 0o600): void {
  refuseForeignLink(path);
  using file = Deno.openSync(path, { create: true, append: true, mode });
  const { dev, ino } = file.statSync();
  const named = refuseForeignLink(path);
  if (named && !named.isSymlink && (named.dev !== dev || named.ino !== ino)) {
    throw new Error("it was replaced while it was opened");
  }
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
}

function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return `Internal error: ${String(error)}`;
  // What the system refused is no fault of this program, only badly worded.
  if (/ \(os error \d+\)/.test(error.message)) {
    return error.message.replace(/ \(os error \d+\)/, "");
  }
  return `Internal error: ${error.name}: ${error.message} ` +
    "(please report it, with the output of --debug)";
}

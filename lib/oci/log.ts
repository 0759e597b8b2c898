/**
 * What the OCI command line prints: results to stdout, all else to stderr, or
 * to the log file that the engine names and reads.
 *
 * @module
 */

import { appendTo } from "../cli/output.ts";

/** How serious a line is, the least first. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** How serious a line is. */
export type LogLevel = typeof LOG_LEVELS[number];

/** A log of the machine, which has a form of its own. */
export interface LogService {
  /** Throws where there is none. */
  readonly check: () => void;
  /** Logs a message. */
  readonly write: (level: LogLevel, message: string) => void;
}

/** How lines are written. */
export interface LogOptions {
  /** `json` writes one JSON object per line. */
  readonly format: "text" | "json";
  /** File that lines are appended to instead of stderr. */
  readonly file?: string;
  /** Log of the machine that lines go to instead. */
  readonly service?: LogService;
  /** The least that is logged. */
  readonly level: LogLevel;
}

const encoder = new TextEncoder();

/** The time without fractions of a second, as engines expect it. */
function stamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/**
 * Writes one line of the log. Pure.
 *
 * @param level How serious it is.
 * @param msg What happened.
 * @param how Text or JSON, and when.
 * @returns The line with its newline.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatLogLine } from "./log.ts";
 *
 * const time = new Date(0);
 * assertEquals(
 *   formatLogLine("error", 'no "x"', { format: "text", time }),
 *   'time="1970-01-01T00:00:00Z" level=error msg="no \\"x\\""\n',
 * );
 * ```
 */
export function formatLogLine(
  level: LogLevel,
  msg: string,
  how: { readonly format: "text" | "json"; readonly time: Date },
): string {
  const time = stamp(how.time);
  return how.format === "json"
    ? `${JSON.stringify({ level, msg, time })}\n`
    // Its escapes are those of Go, which the readers of these lines know.
    : `time="${time}" level=${level} msg=${JSON.stringify(msg)}\n`;
}

function writeAll(
  stream: { writeSync(data: Uint8Array): number },
  text: string,
): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) {
    bytes = bytes.subarray(stream.writeSync(bytes));
  }
}

/** Where a command's results and lines go. */
export class Log {
  readonly #options: LogOptions;
  #isClosed = false;

  /** Makes the log; nothing is opened until something is written. */
  constructor(options: LogOptions) {
    this.#options = options;
  }

  /**
   * Makes sure that the log can be written.
   *
   * @throws {Error} What the system says otherwise.
   */
  check(): void {
    const { file, service } = this.#options;
    service?.check();
    if (file !== undefined) this.#append(file, "");
  }

  /**
   * Writes a result to stdout. A reader that has gone away is not an error.
   *
   * @param text The text; a newline is added where it has none.
   */
  result(text: string): void {
    try {
      writeAll(Deno.stdout, text.endsWith("\n") ? text : `${text}\n`);
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#isClosed = true;
    }
  }

  /** Whether somebody may still read the results: a stream ends when nobody does. */
  get hasReader(): boolean {
    return !this.#isClosed;
  }

  /** Logs what is done, for those who asked for it. */
  debug(message: string): void {
    this.#line("debug", message);
  }

  /** Whether debug lines are logged. */
  get isDebug(): boolean {
    return this.#options.level === "debug";
  }

  /** Logs what is worth telling but no failure. */
  warn(message: string): void {
    this.#line("warning", message);
  }

  /** As an error of the container's process: the message as it is, and a line in the log file. */
  bare(message: string): void {
    if (this.#isElsewhere) this.#line("error", message);
    this.#stderr(`${message}\n`);
  }

  /**
   * Logs why the command fails. With a log file the bare message is on stderr
   * as well.
   */
  error(message: string): void {
    this.#line("error", message);
    if (this.#isElsewhere) this.#stderr(`${message}\n`);
  }

  /** Whether stderr has no lines of its own. */
  get #isElsewhere(): boolean {
    const { file, service } = this.#options;
    return file !== undefined || service !== undefined;
  }

  #line(level: LogLevel, message: string): void {
    const { format, file, service, level: least } = this.#options;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    const line = formatLogLine(level, message, { format, time: new Date() });
    try {
      if (service !== undefined) service.write(level, message);
      else if (file !== undefined) this.#append(file, line);
      else this.#stderr(line);
    } catch (error) {
      this.#stderr(`Cannot write to the log ${file ?? ""}: ${error}\n`);
    }
  }

  #append(file: string, text: string): void {
    appendTo(file, text, 0o644);
  }

  #stderr(text: string): void {
    try {
      writeAll(Deno.stderr, text);
    } catch {
      // A closed stderr leaves no place to say so; the exit status still tells.
    }
  }
}

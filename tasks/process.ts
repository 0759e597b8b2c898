/**
 * Running programs for the tasks: output goes to the terminal as it comes.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

/** The checkout this file is in, without a slash at its end. */
export const ROOT: string = fromFileUrl(new URL("..", import.meta.url))
  .replace(/\/$/, "");

/** The deno that runs this task; on a user's machine it is not on PATH. */
export const DENO: string = Deno.execPath();

/** How a program is run. */
export interface RunOptions {
  /** Where it runs; the checkout unless given. */
  readonly cwd?: string;
  /** Variables added to the environment. */
  readonly env?: Record<string, string>;
  /** After this time it is ended and counts as failed; 20 minutes unless given. */
  readonly timeoutMs?: number;
  /** Whether what it prints is only kept, for something runs beside it. */
  readonly quiet?: boolean;
}

/** How a program ended. */
export interface RunResult {
  /** Its exit status; 124 after a time-out, 127 if it could not be started. */
  readonly code: number;
  /** What it wrote to its standard output, without colours. */
  readonly output: string;
}

const DEFAULT_TIMEOUT_MS = 20 * 60_000;
const TIMED_OUT = 124;
const NOT_FOUND = 127;

/**
 * Prints a line.
 *
 * @param text The line, without a newline.
 */
export function say(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  let written = 0;

  while (written < bytes.length) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

/**
 * Runs a program with the terminal as its own.
 *
 * @param program Its name or path.
 * @param args Its arguments.
 * @param options Where and how.
 * @returns Its exit status.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  const child = start(program, args, options, "inherit");
  if (child === undefined) return NOT_FOUND;

  return (await child.status).code;
}

/**
 * Runs a program, shows its output as it comes unless told otherwise, and keeps
 * a copy.
 *
 * @param program Its name or path.
 * @param args Its arguments.
 * @param options Where, how and how long.
 * @returns Its exit status and its output.
 */
export async function runAndKeep(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const child = start(program, args, options, "piped");
  if (child === undefined) return { code: NOT_FOUND, output: "" };

  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    say(`${program}: ended after its time limit`);
    child.kill("SIGKILL");
  }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);

  const text: string[] = [];
  const copied = copy(child.stdout, text, options.quiet ?? false);
  const { code } = await child.status;
  clearTimeout(timer);
  // A grandchild left behind may hold the pipe open for ever.
  await Promise.race([copied, delay(2000)]);

  return {
    code: timedOut ? TIMED_OUT : code,
    output: stripColours(text.join("")),
  };
}

/**
 * Takes terminal colours out of a text.
 *
 * @param text The text.
 * @returns The text without escape sequences.
 */
export function stripColours(text: string): string {
  // deno-lint-ignore no-control-regex -- an escape sequence starts with one
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

function start(
  program: string,
  args: readonly string[],
  options: RunOptions,
  stdout: "inherit" | "piped",
): Deno.ChildProcess | undefined {
  try {
    return new Deno.Command(program, {
      args: [...args],
      cwd: options.cwd ?? ROOT,
      env: options.env ?? {},
      stdout,
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    say(`Cannot run ${program}: not found`);
    return undefined;
  }
}

async function copy(
  from: ReadableStream<Uint8Array>,
  text: string[],
  quiet: boolean,
): Promise<void> {
  const decoder = new TextDecoder();

  for await (const chunk of from) {
    if (!quiet) await writeAll(chunk);
    text.push(decoder.decode(chunk, { stream: true }));
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  let written = 0;

  while (written < bytes.length) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, ms)));
}

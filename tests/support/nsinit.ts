/**
 * Runs the program under test, and any other, from a test.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

/** The checkout that the tests belong to, without a slash at its end. */
export const REPOSITORY: string = fromFileUrl(
  new URL("../..", import.meta.url),
).replace(/\/$/, "");

/** How a program is run. */
export interface RunOptions {
  /** Working directory. */
  readonly cwd?: string;
  /** What it reads; nothing unless given. */
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** Variables added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Program and arguments put in front, e.g. `["setpriv", "--reuid=65534"]`. */
  readonly prefix?: readonly string[];
  /** After this time it is killed and the test fails; 30 s unless given. */
  readonly timeoutMs?: number;
}

/** How a program ended. */
export interface RunResult {
  /** Exit status; 128 + N for a death by signal N. */
  readonly code: number;
  /** Its output, read as UTF-8. */
  readonly stdout: string;
  /** Its error output, read as UTF-8. */
  readonly stderr: string;
  /** Its output, byte for byte. */
  readonly bytes: Uint8Array;
}

/**
 * How much longer than usual the tests wait before they give up, from
 * `NSINIT_TEST_PATIENCE`: a virtual machine without acceleration needs it.
 */
export const PATIENCE: number = Math.max(
  1,
  Number(Deno.env.get("NSINIT_TEST_PATIENCE")) || 1,
);

const DEFAULT_TIMEOUT_MS = 30_000;
const LONGEST_TEXT = 2000;

/** The command that starts the program under test: `NSINIT` of the environment, else this checkout's `cli.ts`. */
export function nsinitCommand(): string[] {
  const given = Deno.env.get("NSINIT") ?? "";
  if (given !== "") return given.split(" ");
  const script = `${REPOSITORY}/cli.ts`;
  return [Deno.execPath(), "run", "-A", "--no-check", "--no-lock", script];
}

/** Waits a while. */
/**
 * Before a command: a mount namespace whose mounts are shared, though not with
 * the host's, which may be shared as well.
 */
export const SHARED_MOUNTS: readonly string[] = ["private", "shared"]
  .flatMap((kind) => ["unshare", "--mount", "--propagation", kind]);

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks again and again until the answer is neither `undefined` nor `false`.
 *
 * @param what What is waited for, for the error.
 * @param ask The question.
 * @param timeoutMs How long, in milliseconds.
 * @returns The answer.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + timeoutMs * PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer as Exclude<T, undefined | false>;
    }
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}`);
    await delay(10);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Keeps what comes out of a pipe. */
class Collector {
  readonly #chunks: Uint8Array[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.done = this.#collect();
  }

  async #collect(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#chunks.push(value);
    }
  }

  /** Stops reading, whoever holds the other end. */
  async stop(): Promise<void> {
    await this.#reader.cancel();
    await this.done;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#chunks);
  }

  get text(): string {
    return decode(this.bytes);
  }
}

/** A program that runs. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: Collector;
  readonly #stderr: Collector;
  readonly #name: string;
  #isOpen = true;
  #hasEnded = false;

  /** Starts it. */
  constructor(command: readonly string[], options: RunOptions = {}) {
    const [program = "", ...args] = [...options.prefix ?? [], ...command];
    this.#name = command.at(-1) ?? program;
    this.#child = new Deno.Command(program, {
      args,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...options.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdout = new Collector(this.#child.stdout);
    this.#stderr = new Collector(this.#child.stderr);
    this.#child.status.then(() => this.#hasEnded = true);
  }

  /** Its process id; the monitor keeps it. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#stdout.text;
  }

  /** What it has written to its error output so far. */
  get stderr(): string {
    return this.#stderr.text;
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Writes to its standard input. */
  async write(data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#stdin.write(
      typeof data === "string" ? new TextEncoder().encode(data) : data,
    );
  }

  /** Ends its standard input. A program that is gone already is no error. */
  async closeStdin(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#stdin.close().catch(() => {});
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Waits until its output holds a text, and gives the output. */
  async waitForOutput(text: string, timeoutMs = 10_000): Promise<string> {
    const end = Date.now() + timeoutMs * PATIENCE;
    while (!this.stdout.includes(text)) {
      if (this.#hasEnded || Date.now() > end) {
        await delay(50); // the last output may still be on its way
        if (this.stdout.includes(text)) break;
        throw new Error(
          `${this.#name}: no "${text}" in its output${this.#account()}`,
        );
      }
      await delay(5);
    }
    return this.stdout;
  }

  #account(): string {
    const cut = (text: string): string => text.slice(-LONGEST_TEXT);
    const state = this.#hasEnded ? "it has ended" : "it still runs";
    return `\n${state}\nstdout: ${cut(this.stdout)}\nstderr: ${
      cut(this.stderr)
    }`;
  }

  /** Waits for its end; kills it and fails when that does not come. */
  async result(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<RunResult> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.signal("SIGKILL");
      // A process left behind may hold the pipes open for ever.
      this.#stdout.stop();
      this.#stderr.stop();
    }, timeoutMs * PATIENCE);
    const { code } = await this.#child.status;
    await Promise.all([this.#stdout.done, this.#stderr.done]);
    clearTimeout(timer);
    await this.closeStdin();
    if (isLate) {
      throw new Error(
        `${this.#name} did not end in ${
          timeoutMs * PATIENCE
        } ms${this.#account()}`,
      );
    }
    const { stdout, stderr } = this;
    return { code, stdout, stderr, bytes: this.#stdout.bytes };
  }

  /** Waits for its end alone: others may hold its output. */
  async ended(): Promise<number> {
    return (await this.#child.status).code;
  }

  /** Ends it: closes its input, and kills it if that does not help. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeStdin();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const end = Date.now() + 2000 * PATIENCE;
      while (!this.#hasEnded && Date.now() < end) await delay(5);
      this.signal(signal);
    }
    await this.#child.status;
    await Promise.all([this.#stdout.stop(), this.#stderr.stop()]);
  }
}

/** Runs a program to its end. */
export async function runProgram(
  command: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const running = new Running(command, options);
  const fed = feed(running, options.stdin);
  const result = await running.result(options.timeoutMs);
  await fed;
  return result;
}

/** A program need not read all that it is given. */
async function feed(
  running: Running,
  stdin: string | Uint8Array<ArrayBuffer> | undefined,
): Promise<void> {
  if (stdin !== undefined) await running.write(stdin).catch(() => {});
  await running.closeStdin();
}

/** Runs a program that must succeed, and gives its output. */
export async function mustRun(
  command: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, options);
  if (code !== 0) {
    throw new Error(
      `${command.join(" ")}: status ${code}\n${stdout}\n${stderr}`,
    );
  }
  return stdout;
}

/** Runs nsinit to its end. */
export function nsinit(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return runProgram([...nsinitCommand(), ...args], options);
}

/** Starts nsinit. */
export function startNsinit(
  args: readonly string[],
  options: RunOptions = {},
): Running {
  return new Running([...nsinitCommand(), ...args], options);
}

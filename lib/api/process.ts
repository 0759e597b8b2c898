/**
 * One process of a container, as `Deno.ChildProcess` is one of the host.
 *
 * @module
 */
import { FAILURES } from "../../ffi/descriptors.ts";
import { closeFd, type ExitStatus, signalPidfd } from "../../ffi/native.ts";
import { poller, type Watch } from "../../ffi/poller.ts";
import { watchEnd } from "../../ffi/process_end.ts";
import { formatSignal, parseSignal } from "../config/names/signals.ts";
import type { Config } from "../config/types.ts";
import type { Attachment } from "../container/attach.ts";
import type { ProcessRequest } from "../container/request.ts";
import { type KernelError, StateError, UsageError } from "../errors.ts";
import {
  checkOptions,
  type ProcessOptions,
  requestOf,
  type STREAMS,
  terminalOf,
  type TerminalSize,
} from "./process_options.ts";
import { PreparedStdio, type ProcessStreams } from "./stdio.ts";
import type { TerminalStreams } from "./terminal.ts";

const SIGKILL = 9;
const ECHILD = 10;

/** How a process ended, as `Deno.CommandStatus`. */
export interface ProcessStatus {
  /** Whether it exited with code 0. */
  readonly success: boolean;
  /** Its exit code 0 to 255; 128 + N when signal N killed it. */
  readonly code: number;
  /** The signal that killed it, e.g. `SIGKILL`, `SIGRTMIN+1`; null when it exited. */
  readonly signal: string | null;
}

/** How a process ended and what it wrote, as `Deno.CommandOutput`. */
export interface ProcessOutput extends ProcessStatus {
  /** Its standard output, or all of its terminal's; empty when not piped. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Its error output; empty when not piped. */
  readonly stderr: Uint8Array<ArrayBuffer>;
}

/** Words how a process ended; undefined where nobody knows, which is code -1. */
export function statusOfEnd(end: ExitStatus | undefined): ProcessStatus {
  if (!end) return { success: false, code: -1, signal: null };
  const { code, signal } = end;
  return {
    success: code === 0,
    code,
    signal: signal === undefined ? null : formatSignal(signal),
  };
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!stream) return new Uint8Array();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    total += chunk.length;
  }
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** What a start hands to its {@linkcode Process}. */
export interface StartedChild {
  /** Its pid as the host sees it. */
  readonly pid: number;
  /** Its pidfd, taken over. */
  readonly pidfd: number;
  /** Outer end of its terminal, taken over. */
  readonly master?: number | undefined;
}

/** A process that runs or has run. */
class Running {
  readonly pid: number;
  readonly streams: ProcessStreams;
  readonly status: Promise<ProcessStatus>;
  readonly #watch: Watch;
  #pidfd: number;

  constructor(child: StartedChild, stdio: PreparedStdio) {
    this.pid = child.pid;
    this.#pidfd = child.pidfd;
    try {
      this.streams = stdio.open(child.master);
    } catch (error) {
      discard(child);
      throw error;
    }
    const { promise, resolve, reject } = Promise.withResolvers<ExitStatus>();
    this.#watch = watchEnd(child.pidfd, (status) => {
      closeFd(this.#pidfd);
      this.#pidfd = -1;
      this.streams.settle();
      if (status) resolve(status);
      else reject(unknownEnd(child.pid));
    });
    this.status = promise.then(async (status) => {
      await this.streams.flushed();
      return statusOfEnd(status);
    });
    // Whoever asks gets the failure; nobody has to.
    this.status.catch(() => {});
  }

  get isAlive(): boolean {
    return this.#pidfd >= 0;
  }

  /** Sends a signal; false when it has ended. */
  signal(signal: number): boolean {
    return this.isAlive && signalPidfd(this.#pidfd, signal);
  }

  setRef(isRef: boolean): void {
    if (isRef) this.#watch.ref();
    else this.#watch.unref();
    this.streams.setRef(isRef);
  }
}

/** Nobody could use it: kills it and waits for its end in the background. */
function discard({ pidfd }: StartedChild): void {
  signalPidfd(pidfd, SIGKILL);
  watchEnd(pidfd, () => closeFd(pidfd), { ref: false });
}

function unknownEnd(pid: number): KernelError {
  return FAILURES.error(ECHILD, `tell how process ${pid} ended`);
}

/** A start that is under way. */
export interface PreparedProcess {
  /** What to run. */
  readonly request: ProcessRequest;
  /** Its streams. */
  readonly attachment: Attachment;
  /** The start has succeeded: takes the process over. */
  started(child: StartedChild): void;
  /** The start has failed: closes everything; it may be started again. */
  failed(): void;
}

let prepare: (process: Process, config: Config) => PreparedProcess;
let release: (process: Process) => void;
let whenClosed: (process: Process) => Promise<void>;

/**
 * A process to run in a container, and then the handle of the one that runs.
 *
 * It is made with what to run, and handed to {@linkcode Container.start}, which
 * also takes the options alone. A started process keeps this program running
 * until it has ended, unless {@linkcode Process.unref} says otherwise. What it
 * wrote into pipes stays readable after its end.
 *
 * @example Output of a program
 * ```ts
 * import type { Container } from "../../mod.ts";
 *
 * async function userOf(container: Container): Promise<string> {
 *   const args = ["id", "-u"];
 *   const process = await container.start({ args, stdout: "piped" });
 *   const { stdout } = await process.output();
 *   return new TextDecoder().decode(stdout).trim();
 * }
 * ```
 *
 * @example Feeding one
 * ```ts
 * import type { Container } from "../../mod.ts";
 *
 * async function count(container: Container, text: string): Promise<number> {
 *   const process = await container.start({
 *     args: ["wc", "-c"],
 *     stdin: "piped",
 *     stdout: "piped",
 *   });
 *   const writer = process.stdin.getWriter();
 *   await writer.write(new TextEncoder().encode(text));
 *   await writer.close();
 *   return Number(await new Response(process.stdout).text());
 * }
 * ```
 */
export class Process implements AsyncDisposable {
  readonly #options: ProcessOptions;
  #isStarting = false;
  #running: Running | undefined;

  static {
    prepare = (process, config) => process.#prepare(config);
    release = (process) => process.#running?.streams.finish();
    whenClosed = async (process) => {
      const { status, streams } = process.#started("wait for it");
      await Promise.allSettled([status, streams.closed]);
    };
  }

  /**
   * Describes a process; nothing is started.
   *
   * @param options What to run and how.
   * @throws {UsageError} `UsageInvalid` for options that cannot be.
   */
  constructor(options: ProcessOptions) {
    checkOptions(options);
    this.#options = { ...options };
  }

  /** What it was made with. */
  get options(): ProcessOptions {
    return this.#options;
  }

  /**
   * Its process id as the host sees it; valid until its end.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   */
  get pid(): number {
    return this.#started("tell its pid").pid;
  }

  /**
   * Its input, when `stdin` is `"piped"`. Writes wait while the pipe is full,
   * and fail with `Deno.errors.BrokenPipe` when nobody inside reads any more.
   * Closing it is the end of input inside.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {UsageError} `UsageInvalid` when it is not piped.
   */
  get stdin(): WritableStream<Uint8Array> {
    const { streams } = this.#started("give its stdin");
    return (streams.stdin ?? this.#notPiped("stdin")).writable;
  }

  /**
   * Its output, when `stdout` is `"piped"`: a byte stream. While nobody reads,
   * the program waits as soon as the pipe is full (64 KiB). Cancelling it
   * closes the pipe.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {UsageError} `UsageInvalid` when it is not piped.
   */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { streams } = this.#started("give its stdout");
    return (streams.stdout ?? this.#notPiped("stdout")).readable;
  }

  /**
   * Its error output, when `stderr` is `"piped"`; as {@linkcode Process.stdout}.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {UsageError} `UsageInvalid` when it is not piped.
   */
  get stderr(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { streams } = this.#started("give its stderr");
    return (streams.stderr ?? this.#notPiped("stderr")).readable;
  }

  /**
   * Its terminal, when `tty` was asked for: what it shows and what is typed.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {UsageError} `UsageInvalid` when it has none.
   */
  get terminal(): TerminalStreams {
    return this.#terminal("give its terminal");
  }

  /**
   * How it ended, when it has.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {KernelError} The promise rejects with `SystemError` when something
   * else in this program took its status.
   */
  get status(): Promise<ProcessStatus> {
    return this.#started("wait for it").status;
  }

  /**
   * Waits for its end: {@linkcode Process.status} by the name of the original.
   *
   * @returns How it ended.
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   */
  async wait(): Promise<ProcessStatus> {
    return await this.status;
  }

  /**
   * Waits for its end and collects what it writes, both streams at once. All of
   * it is kept in memory.
   *
   * @returns How it ended, and its output.
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   * @throws {UsageError} `UsageInvalid` when neither stdout nor stderr is piped
   * and there is no terminal.
   * @throws {TypeError} When a stream is being read already.
   */
  async output(): Promise<ProcessOutput> {
    const { streams, status } = this.#started("collect its output");
    const { terminal, stdout: out, stderr } = streams;
    const stdout = terminal ?? out;
    if (!stdout && !stderr) this.#notPiped("stdout");
    const [ended, ...collected] = await Promise.all([
      status,
      collect(stdout?.readable),
      collect(stderr?.readable),
    ]);
    return { ...ended, stdout: collected[0], stderr: collected[1] };
  }

  /**
   * Sends a signal. Of a container's first process only those signals arrive
   * that it handles, and SIGKILL and SIGSTOP: it is process 1 in its pid
   * namespace, see pid_namespaces(7).
   *
   * @param signal Name or number, e.g. `"SIGTERM"`, which is meant when absent.
   * @throws {StateError} `ProcessNotExecuted` before it is started and after its end.
   * @throws {UsageError} `UsageInvalid` for an unknown signal.
   * @throws {KernelError} `SystemError` if the kernel refuses.
   */
  kill(signal: string | number = "SIGTERM"): void {
    const running = this.#started("signal it");
    const number = parseSignal(String(signal));
    if (number === undefined) {
      throw new UsageError(
        `Cannot send ${
          JSON.stringify(signal)
        }: there is no such signal; wanted a name such as "SIGTERM", or 1 to 64`,
      );
    }
    if (!running.signal(number)) {
      throw new StateError(
        "ProcessNotExecuted",
        `Cannot signal process ${running.pid}: it has ended`,
      );
    }
  }

  /**
   * Sets the size of its terminal, which tells the program by SIGWINCH.
   *
   * @param size Columns and rows in characters, at most 65535 each.
   * @throws {StateError} `ProcessNotExecuted` before it is started and after the
   * terminal's end.
   * @throws {UsageError} `UsageInvalid` without a terminal or for a wrong size.
   * @throws {KernelError} `SystemError` if the kernel refuses.
   */
  resize(size: TerminalSize): void {
    checkOptions({ args: [], tty: size });
    this.#terminal("resize its terminal").resize(size);
  }

  /**
   * This program does not end before it has, which is the rule.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   */
  ref(): void {
    this.#started("wait for it").setRef(true);
  }

  /**
   * This program may end while it runs, and while its streams are being read.
   *
   * @throws {StateError} `ProcessNotExecuted` before it is started.
   */
  unref(): void {
    this.#started("leave it alone").setRef(false);
  }

  /** Kills it (SIGKILL) if it runs, waits for its end, closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.signal(SIGKILL);
    await running.status;
    running.streams.finish();
    await poller.settled();
  }

  #started(attempt: string): Running {
    if (this.#running) return this.#running;
    throw new StateError(
      "ProcessNotExecuted",
      `Cannot ${attempt}: the process has not been started; hand it to Container.start()`,
    );
  }

  #terminal(attempt: string): TerminalStreams & ResizableTerminal {
    const { terminal } = this.#started(attempt).streams;
    if (terminal) return terminal;
    throw new UsageError(
      `Cannot ${attempt}: the process has none; start it with tty: true`,
    );
  }

  #notPiped(name: typeof STREAMS[number]): never {
    const hint = this.#running?.streams.terminal
      ? "the process has a terminal instead, see terminal"
      : `start the process with ${name}: "piped"`;
    throw new UsageError(`Cannot give ${name}: it is not piped; ${hint}`);
  }

  #prepare(config: Config): PreparedProcess {
    if (this.#isStarting || this.#running) {
      throw new UsageError(
        "Cannot start the process: it has been started before; make another",
      );
    }
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const size = terminalOf(this.#options, config);
    const stdio = new PreparedStdio(this.#options, size);
    this.#isStarting = true;
    return {
      request: requestOf(this.#options, size !== undefined),
      attachment: stdio.attachment,
      started: (child) => {
        this.#isStarting = false;
        this.#takeOver(child, stdio);
      },
      failed: () => {
        this.#isStarting = false;
        stdio.close();
      },
    };
  }

  #takeOver(child: StartedChild, stdio: PreparedStdio): void {
    const running = new Running(child, stdio);
    this.#running = running;
    const { signal } = this.#options;
    if (!signal) return;
    const kill = () => running.signal(SIGKILL);
    if (signal.aborted) return void kill();
    signal.addEventListener("abort", kill, { once: true });
    const forget = () => signal.removeEventListener("abort", kill);
    running.status.then(forget, forget);
  }
}

/** What of a terminal is not for everyone. */
interface ResizableTerminal {
  resize(size: TerminalSize): void;
}

/**
 * Prepares the start of a process: makes its pipes. One of `started` and
 * `failed` is to be called then, once.
 *
 * @param process The process.
 * @param config Configuration of its container.
 * @returns What to start it with.
 * @throws {UsageError} `UsageInvalid` if it has been started before.
 * @throws {KernelError} `SystemError` if there are no descriptors left.
 * @throws The reason of its signal, if that has aborted.
 *
 * @example
 * ```ts
 * import type { Config } from "../config/types.ts";
 * import { prepareProcess, type Process } from "./process.ts";
 *
 * function tryPipes(process: Process, config: Config): void {
 *   const prepared = prepareProcess(process, config);
 *   // It is not started after all: its pipes are closed.
 *   prepared.failed();
 * }
 * ```
 */
export function prepareProcess(
  process: Process,
  config: Config,
): PreparedProcess {
  return prepare(process, config);
}

/**
 * Everything in the container has ended: what the process wrote is taken into
 * its streams, and their descriptors are closed.
 *
 * @param process The process; nothing happens if it was never started.
 *
 * @example
 * ```ts
 * import { finishProcess, Process } from "./process.ts";
 *
 * // One that was never started has nothing to finish.
 * finishProcess(new Process({ args: ["true"] }));
 * ```
 */
export function finishProcess(process: Process): void {
  release(process);
}

/**
 * Waits until a process has ended and no descriptor of its streams is left open.
 *
 * @param process A process that was started.
 * @returns Nothing; it never rejects.
 * @throws {StateError} `ProcessNotExecuted` before it is started.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { Process, streamsClosed } from "./process.ts";
 *
 * await assertRejects(() => streamsClosed(new Process({ args: ["true"] })));
 * ```
 */
export function streamsClosed(process: Process): Promise<void> {
  return whenClosed(process);
}

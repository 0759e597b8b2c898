/**
 * The standard streams of one process: what goes inside, what stays here.
 *
 * @module
 */
import { closeAll, makeHalfPipe, reopen } from "../../ffi/descriptors.ts";
import { isTerminal, openNull } from "../../ffi/native.ts";
import {
  type Attachment,
  closeInnerEnds,
  type StdioEnd,
} from "../container/attach.ts";
import {
  type ProcessOptions,
  type Stdio,
  STREAMS,
  type TerminalSize,
} from "./process_options.ts";
import { Relay } from "./relay.ts";
import {
  Handle,
  InputStream,
  OutputStream,
  type ProcessStream,
} from "./streams.ts";
import { Terminal } from "./terminal.ts";

const NO_RELAY = { stdin: -1, stdout: -1, stderr: -1 } as const;
const INHERIT = {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
} as const;

/** One stream while the process is being started. */
interface Half {
  readonly inner: StdioEnd;
  /** Our end of a pipe; -1 without one. */
  readonly outer: number;
  /** Descriptor of our own on the terminal that it is relayed to or from. */
  readonly relayed?: number;
}

function halfOf(stdio: Stdio, descriptor: number): Half {
  if (stdio === "null") return { inner: { fd: openNull() }, outer: -1 };
  const direction = descriptor === 0 ? "in" : "out";
  const pipe = (): { inner: StdioEnd; outer: number } => {
    const { inner, outer } = makeHalfPipe(direction);
    return { inner: { fd: inner }, outer };
  };
  if (stdio === "piped") return pipe();
  const own = stdio === "inherit" ? descriptor : stdio;
  if (isTerminal(own)) {
    const relayed = reopen(own, direction);
    try {
      return { ...pipe(), relayed };
    } catch (error) {
      closeAll([relayed]);
      throw error;
    }
  }
  return stdio === "inherit"
    ? { inner: "inherit", outer: -1 }
    : { inner: { fd: own, isBorrowed: true }, outer: -1 };
}

function attachmentOf(
  halves: readonly (Half | undefined)[],
  size: TerminalSize | undefined,
): Attachment {
  const [stdin, stdout, stderr] = halves.map((half) => half?.inner);
  return {
    stdio: size ? INHERIT : {
      stdin: stdin ?? "inherit",
      stdout: stdout ?? "inherit",
      stderr: stderr ?? "inherit",
    },
    relay: NO_RELAY,
    ...(size && { terminalSize: size }),
  };
}

/** Streams of a process that is about to start. */
export class PreparedStdio {
  readonly #halves: Half[] = [];
  /** What the start is given. */
  readonly attachment: Attachment;

  /**
   * Makes the pipes.
   *
   * @param options What is asked for.
   * @param size Of the terminal, when there is to be one.
   * @throws {KernelError} `SystemError` if there are no descriptors left; none stays.
   */
  constructor(options: ProcessOptions, size: TerminalSize | undefined) {
    try {
      if (!size) {
        STREAMS.forEach((name, descriptor) =>
          this.#halves.push(halfOf(options[name] ?? "null", descriptor))
        );
      }
    } catch (error) {
      closeInnerEnds(attachmentOf(this.#halves, undefined));
      this.#closeOuterEnds();
      throw error;
    }
    this.attachment = attachmentOf(this.#halves, size);
  }

  /** The start has failed: closes all that it was given and what it was to leave. */
  close(): void {
    closeInnerEnds(this.attachment);
    this.#closeOuterEnds();
  }

  #closeOuterEnds(): void {
    closeAll(
      this.#halves.flatMap(({ outer, relayed = -1 }) => [outer, relayed]),
    );
  }

  /** The process runs: makes the streams. Takes over the outer end of its terminal. */
  open(master: number | undefined): ProcessStreams {
    closeInnerEnds(this.attachment);
    return new ProcessStreams(this.#halves, master);
  }
}

/** Streams of a process that runs. */
export class ProcessStreams implements ProcessStream {
  readonly #all: ProcessStream[] = [];
  readonly #relays: Relay[] = [];
  /** Its input, when piped. */
  readonly stdin: InputStream | undefined;
  /** Its output, when piped. */
  readonly stdout: OutputStream | undefined;
  /** Its error output, when piped. */
  readonly stderr: OutputStream | undefined;
  /** Its terminal, when it has one. */
  readonly terminal: Terminal | undefined;

  /** Makes the streams of what was prepared. */
  constructor(halves: readonly Half[], master: number | undefined) {
    if (master !== undefined) this.terminal = new Terminal(master);
    const [stdin, stdout, stderr] = halves;
    this.stdin = this.#piped(stdin, (handle) => new InputStream(handle));
    this.stdout = this.#piped(stdout, (handle) => new OutputStream(handle));
    this.stderr = this.#piped(stderr, (handle) => new OutputStream(handle));
    halves.forEach(({ relayed, outer }, descriptor) => {
      if (relayed === undefined) return;
      const direction = descriptor === 0 ? "in" : "out";
      this.#relays.push(new Relay(relayed, outer, direction));
    });
    const ends = [this.terminal, this.stdin, this.stdout, this.stderr];
    this.#all.push(
      ...ends.filter((stream) => stream !== undefined),
      ...this.#relays,
    );
  }

  #piped<T>(
    half: Half | undefined,
    make: (handle: Handle) => T,
  ): T | undefined {
    if (!half || half.outer < 0 || half.relayed !== undefined) return undefined;
    return make(new Handle(half.outer));
  }

  get closed(): Promise<void> {
    return Promise.all(this.#all.map(({ closed }) => closed)).then(() => {});
  }

  /** Waits until what is relayed to terminals has come to its end, if it has. */
  async flushed(): Promise<void> {
    const ending = this.#relays.filter(({ isEnding }) => isEnding);
    await Promise.all(ending.map(({ done }) => done));
  }

  setRef(isRef: boolean): void {
    for (const stream of this.#all) stream.setRef(isRef);
  }

  settle(): void {
    for (const stream of this.#all) stream.settle();
  }

  finish(): void {
    for (const stream of this.#all) stream.finish();
  }
}

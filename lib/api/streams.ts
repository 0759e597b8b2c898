/**
 * Web streams over the caller's ends of pipes and terminals.
 *
 * Descriptors are non-blocking and waited for by the poller, so that no thread
 * belongs to a stream. Nothing is read before somebody asks: a slow reader holds
 * the program up by its full pipe, and memory stays bounded.
 *
 * @module
 */
import {
  FAILURES,
  pendingBytes,
  pollState,
  readSome,
  writeSome,
} from "../../ffi/descriptors.ts";
import { poller, type Watch } from "../../ffi/poller.ts";

/** Bytes in a chunk at most. */
const CHUNK = 65536;
/** Chunks as large as this keep the buffer that they were read into. */
const WORTH_KEEPING = CHUNK / 4;
/** Bytes written without letting others have a turn. */
const TURN = 1 << 20;
/** More than a terminal holds back for a reader. */
const TERMINAL_REST = 1 << 18;
/** Ctrl-D: the end of input for a program that reads lines. */
const END_OF_INPUT = new Uint8Array([4]);

/** A descriptor of ours that one or two streams share. */
export class Handle {
  #fd: number;
  readonly #closing = Promise.withResolvers<void>();
  /** Settles when it is closed. */
  readonly closed: Promise<void> = this.#closing.promise;

  /** Takes over a non-blocking descriptor. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The descriptor; undefined once closed. */
  get fd(): number | undefined {
    return this.#fd < 0 ? undefined : this.#fd;
  }

  /** Closes it; again is fine. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    poller.close(fd);
    this.#closing.resolve();
  }
}

/** One wait at a time for a handle, which others can end. */
class Waiter {
  #watch: Watch | undefined;
  #wake: (() => void) | undefined;
  #isRef = true;

  /** Waits until the descriptor is ready, or for {@linkcode Waiter.wake}. */
  wait(fd: number, interest: "read" | "write"): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      const options = { ref: this.#isRef };
      this.#watch = poller.watch(fd, interest, () => this.wake(), options);
    });
  }

  wake(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  set isRef(isRef: boolean) {
    this.#isRef = isRef;
    if (isRef) this.#watch?.ref();
    else this.#watch?.unref();
  }
}

/** What both directions offer to their process. */
export interface ProcessStream {
  /** Settles when its descriptor is closed. */
  readonly closed: Promise<void>;
  /** Whether a pending read or write keeps the program running. */
  setRef(isRef: boolean): void;
  /** The process has ended: what nobody else inside uses is brought to its end. */
  settle(): void;
  /** All inside has ended: what was written stays readable, the descriptor is closed. */
  finish(): void;
}

let scratch = new Uint8Array(CHUNK);

/** Bytes that were read into the scratch buffer, in memory of their own. */
function takeScratch(length: number): Uint8Array<ArrayBuffer> {
  if (length < WORTH_KEEPING) return scratch.slice(0, length);
  const chunk = scratch.subarray(0, length);
  scratch = new Uint8Array(CHUNK);
  return chunk;
}

/** Output of a process, as a byte stream. */
export class OutputStream implements ProcessStream {
  readonly #handle: Handle;
  readonly #waiter = new Waiter();
  readonly #isTerminal: boolean;
  readonly #onEnd: () => void;
  #controller: ReadableByteStreamController | undefined;
  /** The stream. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;

  /**
   * Takes over the handle, which it closes at the end of the output.
   *
   * @param handle Of a pipe, or the outer end of a pty.
   * @param options `isTerminal`: its end is EIO; `onEnd` is called when it is closed.
   */
  constructor(
    handle: Handle,
    options: { readonly isTerminal?: boolean; readonly onEnd?: () => void } =
      {},
  ) {
    this.#handle = handle;
    this.#isTerminal = options.isTerminal ?? false;
    this.#onEnd = options.onEnd ?? (() => {});
    this.readable = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#close(),
    });
  }

  get closed(): Promise<void> {
    return this.#handle.closed;
  }

  /** Whether nothing more will come but what is in the stream already. */
  get isEnded(): boolean {
    return this.#handle.fd === undefined;
  }

  setRef(isRef: boolean): void {
    this.#waiter.isRef = isRef;
  }

  settle(): void {
    const { fd } = this.#handle;
    // While others hold the inner end, more may come.
    if (fd !== undefined && pollState(fd).ended) this.#drain(fd);
  }

  finish(): void {
    const { fd } = this.#handle;
    if (fd === undefined) return;
    this.#drain(fd);
    if (this.#handle.fd !== undefined && this.#controller) {
      this.#end(this.#controller);
    }
  }

  /**
   * Puts what is there into the stream, so that the descriptor is not needed
   * any more. No more than that: a terminal may be opened anew by what still
   * lives inside, and written to for ever.
   */
  #drain(fd: number): void {
    const controller = this.#controller;
    if (!controller) return;
    // One more than there is, to find the end.
    const limit = this.#isTerminal ? TERMINAL_REST : pendingBytes(fd) + 1;
    for (let left = limit; left > 0;) {
      const count = this.#transfer(controller);
      if (count <= 0) break;
      left -= count;
    }
    // A read that waits finds the end, or waits on.
    this.#waiter.wake();
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    for (;;) {
      const { fd } = this.#handle;
      if (fd === undefined || this.#transfer(controller) !== 0) return;
      await this.#waiter.wait(fd, "read");
      // Drained meanwhile: the request is answered.
      if (this.#handle.fd === undefined) return;
    }
  }

  /** Reads once: bytes delivered, 0 when there are none yet, -1 at the end. */
  #transfer(controller: ReadableByteStreamController): number {
    const { fd } = this.#handle;
    if (fd === undefined) return -1;
    const request = controller.byobRequest;
    const view = request?.view as Uint8Array<ArrayBuffer> | null | undefined;
    const count = readSome(fd, view ?? scratch);
    if (count > 0) {
      if (view) request?.respond(count);
      else controller.enqueue(takeScratch(count));
      return count;
    }
    if (count === -FAILURES.EAGAIN) return 0;
    if (count === 0 || (this.#isTerminal && count === -FAILURES.EIO)) {
      this.#end(controller);
    } else {
      this.#fail(controller, -count);
    }
    return -1;
  }

  #end(controller: ReadableByteStreamController): void {
    this.#close();
    controller.close();
    controller.byobRequest?.respond(0);
  }

  #fail(controller: ReadableByteStreamController, errno: number): void {
    this.#close();
    controller.error(FAILURES.error(errno, "read output of the container"));
  }

  #close(): void {
    this.#waiter.wake();
    this.#handle.close();
    this.#onEnd();
  }
}

/** Input of a process. */
export class InputStream implements ProcessStream {
  readonly #handle: Handle;
  readonly #waiter = new Waiter();
  readonly #isTerminal: boolean;
  #isClosing = false;
  /** The stream. */
  readonly writable: WritableStream<Uint8Array>;

  /**
   * Takes over the handle of a pipe, which it closes when the stream is; that
   * of a terminal stays open.
   *
   * @param handle Of a pipe, or the outer end of a pty.
   * @param options `isTerminal`: the end is sent as Ctrl-D.
   */
  constructor(handle: Handle, options: { readonly isTerminal?: boolean } = {}) {
    this.#handle = handle;
    this.#isTerminal = options.isTerminal ?? false;
    this.writable = new WritableStream({
      start: ({ signal }) => {
        // A write that waits for room holds up abort(), which comes after it.
        signal.addEventListener("abort", () => {
          this.#isClosing = true;
          this.#waiter.wake();
        });
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#finishWriting(),
      abort: () => this.#close(),
    });
  }

  get closed(): Promise<void> {
    return this.#handle.closed;
  }

  setRef(isRef: boolean): void {
    this.#waiter.isRef = isRef;
  }

  settle(): void {
    const { fd } = this.#handle;
    if (fd === undefined || this.#isTerminal) return;
    if (pollState(fd).failed) this.#close();
  }

  finish(): void {
    this.#close();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        "Cannot write to the container: a chunk must be a Uint8Array",
      );
    }
    let turn = 0;
    for (let done = 0; done < chunk.length && !this.#isClosing;) {
      const { fd } = this.#handle;
      const count = fd === undefined
        ? -FAILURES.EPIPE
        : writeSome(fd, chunk.subarray(done));
      if (count > 0) {
        done += count;
        turn += count;
      } else if (count < 0 && count !== -FAILURES.EAGAIN) {
        this.#fail(-count);
      }
      if (fd !== undefined && (count <= 0 || turn >= TURN)) {
        turn = 0;
        await this.#waiter.wait(fd, "write");
      }
    }
  }

  #fail(errno: number): never {
    if (errno !== FAILURES.EPIPE && errno !== FAILURES.EIO) {
      throw FAILURES.error(errno, "write to the container");
    }
    this.#close();
    throw new Deno.errors.BrokenPipe(
      "Cannot write to the container: nobody reads it any more (EPIPE)",
    );
  }

  async #finishWriting(): Promise<void> {
    if (!this.#isTerminal) return this.#close();
    if (this.#handle.fd !== undefined) await this.#write(END_OF_INPUT);
  }

  #close(): void {
    this.#waiter.wake();
    if (!this.#isTerminal) this.#handle.close();
  }
}

/**
 * The outer end of a process's terminal.
 *
 * @module
 */
import {
  closeAll,
  makeNonBlocking,
  openPtyPeer,
  resizeWindow,
} from "../../ffi/descriptors.ts";
import { StateError } from "../errors.ts";
import type { TerminalSize } from "./process_options.ts";
import {
  Handle,
  InputStream,
  OutputStream,
  type ProcessStream,
} from "./streams.ts";

/** The two directions of a terminal, as the program's user sees them. */
export interface TerminalStreams {
  /**
   * What the program shows. Its end is that of the last program on the
   * terminal. Cancelling it hangs up, as closing a terminal's window does.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What is typed; closing it sends Ctrl-D. */
  readonly writable: WritableStream<Uint8Array>;
}

/** A terminal whose outer end is ours. */
export class Terminal implements ProcessStream, TerminalStreams {
  readonly #handle: Handle;
  readonly #output: OutputStream;
  readonly #input: InputStream;
  /** Without it the terminal would be at its end whenever no program has it open, as between two logins. */
  #peer: number;

  /** Takes over the outer end of a pty. */
  constructor(master: number) {
    this.#handle = new Handle(makeNonBlocking(master));
    try {
      this.#peer = openPtyPeer(master);
    } catch (error) {
      this.#handle.close();
      throw error;
    }
    this.#output = new OutputStream(this.#handle, {
      isTerminal: true,
      onEnd: () => this.#closePeer(),
    });
    this.#input = new InputStream(this.#handle, { isTerminal: true });
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#output.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#input.writable;
  }

  get closed(): Promise<void> {
    return this.#handle.closed;
  }

  /** Sets its size. */
  resize(size: TerminalSize): void {
    const { fd } = this.#handle;
    if (fd === undefined) {
      throw new StateError(
        "ProcessNotExecuted",
        "Cannot resize the terminal: it is closed",
      );
    }
    resizeWindow(fd, size);
  }

  setRef(isRef: boolean): void {
    this.#output.setRef(isRef);
    this.#input.setRef(isRef);
  }

  settle(): void {
    this.#closePeer();
    this.#output.settle();
  }

  finish(): void {
    this.#closePeer();
    this.#output.finish();
    this.#input.finish();
  }

  #closePeer(): void {
    closeAll([this.#peer]);
    this.#peer = -1;
  }
}

/**
 * A terminal of this program and a pipe of the container's.
 *
 * @module
 */
import {
  Handle,
  InputStream,
  OutputStream,
  type ProcessStream,
} from "./streams.ts";

/** Passes bytes on between a terminal of this program and a process. */
export class Relay implements ProcessStream {
  readonly #from: OutputStream;
  readonly #to: InputStream;
  readonly #isInput: boolean;
  readonly #stop = new AbortController();
  /** Settles when nothing more is passed on. */
  readonly done: Promise<void>;

  /**
   * Begins.
   *
   * @param terminal Descriptor of our own on the terminal, taken over.
   * @param pipe Our end of the pipe, taken over.
   * @param direction `in`: what is typed goes to the process.
   */
  constructor(terminal: number, pipe: number, direction: "in" | "out") {
    this.#isInput = direction === "in";
    const own = new Handle(terminal);
    const other = new Handle(pipe);
    const [from, to] = this.#isInput ? [own, other] : [other, own];
    this.#from = new OutputStream(from);
    this.#to = new InputStream(to);
    // Nobody waits for what may be typed some day.
    this.#from.setRef(!this.#isInput);
    const { signal } = this.#stop;
    this.done = this.#from.readable.pipeTo(this.#to.writable, { signal })
      // The terminal is gone, or nobody reads the input: both sides are closed.
      .catch(() => this.#close());
  }

  get closed(): Promise<void> {
    return this.done;
  }

  /** Whether all that was written has been passed on, or never will be. */
  get isEnding(): boolean {
    return !this.#isInput && this.#from.isEnded;
  }

  setRef(isRef: boolean): void {
    this.#to.setRef(isRef);
    if (!this.#isInput) this.#from.setRef(isRef);
  }

  settle(): void {
    if (this.#isInput) this.#stop.abort();
    else this.#from.settle();
  }

  finish(): void {
    if (this.#isInput) this.#stop.abort();
    else this.#from.finish();
  }

  #close(): void {
    this.#from.finish();
    this.#to.finish();
  }
}

/**
 * Events as an async iterable.
 *
 * @module
 */

/** Where events come from, for as long as a stream is open. */
export interface EventSource {
  /** Stops the source; called once. */
  readonly stop: () => void;
  /** Somebody waits for an event: the program must not end meanwhile. */
  readonly ref?: () => void;
  /** Nobody waits: the program may end. */
  readonly unref?: () => void;
}

/** What a source does with its stream. */
export interface EventSink<T> {
  /** Gives an event to whoever waits, now or later. */
  readonly push: (event: T) => void;
  /** No more events will come; those that were not taken yet still can be. */
  readonly end: () => void;
  /** The source has failed; told when all events are taken. */
  readonly fail: (error: unknown) => void;
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A stream of events: `for await` takes them, and ends when the container has
 * ended. Leaving the loop, {@linkcode EventStream.cancel} or `await using` stops
 * it early; a stream that nobody takes from keeps no program running.
 *
 * Events that nobody takes are kept; those that tell the same are counted
 * together, so that there are never many.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EventStream } from "./event_stream.ts";
 *
 * const stream = new EventStream<number>(({ push, end }) => {
 *   push(1);
 *   end();
 *   return { stop: () => {} };
 * });
 * assertEquals(await Array.fromAsync(stream), [1]);
 * ```
 */
export class EventStream<T>
  implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  readonly #events: T[] = [];
  readonly #waiting: Waiting<T>[] = [];
  readonly #merge: (earlier: T, later: T) => T | undefined;
  #source: EventSource | undefined;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Opens a stream.
   *
   * @param start Starts the source.
   * @param merge Makes one event of two, where they tell the same.
   */
  constructor(
    start: (sink: EventSink<T>) => EventSource,
    merge: (earlier: T, later: T) => T | undefined = () => undefined,
  ) {
    this.#merge = merge;
    const source = start({
      push: (event) => this.#push(event),
      end: () => this.#close(),
      fail: (error) => {
        if (!this.#isOver) this.#failure = { error };
        this.#close();
      },
    });
    if (this.#isOver) source.stop();
    else this.#source = source;
    source.unref?.();
  }

  #push(event: T): void {
    if (this.#isOver) return;
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting.resolve({ done: false, value: event });
      if (this.#waiting.length === 0) this.#source?.unref?.();
      return;
    }
    for (let at = this.#events.length - 1; at >= 0; at--) {
      const earlier = this.#events[at];
      const merged = earlier && this.#merge(earlier, event);
      if (merged === undefined) continue;
      this.#events[at] = merged;
      return;
    }
    this.#events.push(event);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source?.stop();
    this.#source = undefined;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) reject(failure.error);
      else resolve({ done: true, value: undefined });
    }
  }

  /**
   * Takes the next event, waiting for it.
   *
   * @returns The event, or that there will be none.
   * @throws {KernelError} `SystemError` if the source has failed.
   */
  next(): Promise<IteratorResult<T, undefined>> {
    const event = this.#events.shift();
    if (event !== undefined) {
      return Promise.resolve({ done: false, value: event });
    }
    const failure = this.#failure;
    if (failure) {
      this.#failure = undefined;
      return Promise.reject(failure.error);
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#source?.ref?.();
    });
  }

  /** Stops the stream; events that were not taken are dropped. A second call does nothing. */
  cancel(): void {
    this.#events.length = 0;
    this.#failure = undefined;
    this.#close();
  }

  /** Stops the stream; called where a `for await` is left. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The stream itself: there is one sequence of events, whoever takes them. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Stops the stream. */
  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }
}

/**
 * Bounds on what one process does at once.
 *
 * Each start and each removal waits for the kernel on a thread of Deno's
 * blocking pool, which has 32 for everything: file reads would hang behind a
 * thousand of them. More than two for each core gain nothing either.
 *
 * @module
 */

/** A number of places, taken in the order of asking. */
export class Throttle {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** Makes it with `limit` places. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether what is being done is all there is to do. */
  get isAlone(): boolean {
    return this.#taken === 1 && this.#waiting.length === 0;
  }

  /** Does something when a place is free. */
  async run<T>(action: () => T | Promise<T>): Promise<T> {
    if (this.#taken < this.#limit) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await action();
    } finally {
      // The place goes straight to the next one, so nobody overtakes it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    }
  }
}

/** Most places of a throttle, whatever the number of cores. */
const MOST = 12;
const PLACES = Math.min(2 * navigator.hardwareConcurrency, MOST);

/** Starts and joins in flight. */
export const STARTS: Throttle = new Throttle(PLACES);

/** Removals in flight: they have places of their own, so that starts never wait for a kill. */
export const REMOVALS: Throttle = new Throttle(PLACES);

/** Creations in flight: many at once would check their configurations in one go. */
export const CREATIONS: Throttle = new Throttle(PLACES);

/**
 * Turns of the event loop: who works through many things without waiting for
 * one lets timers, streams and the ends of processes through from time to time.
 *
 * @module
 */
import { library } from "./library.ts";

/** How long the event loop may have no turn, in milliseconds. */
const LONGEST_MS = 5;

/** How often a longer pause between two calls is taken for one in which others had their turn. */
const PAUSES = 3;

/** Since when the event loop may have had no turn. */
let since = 0;
let last = 0;
let pauses = 0;

/** Notes that the event loop has just had a turn. */
export function noteTurn(): void {
  since = last = performance.now();
  pauses = 0;
}

async function takeTurn(): Promise<void> {
  // Quicker than a timer, which takes a millisecond at least.
  await library().nsi_abi_async();
  noteTurn();
}

/**
 * Gives the event loop a turn if it has had none for a while. A loop that only
 * ever awaits what is there at once would keep it from all others.
 *
 * A program that was idle before the call is not to wait for that. Nobody tells
 * idleness from work, so a few pauses in a row count as such.
 *
 * @returns Undefined when there is nothing to wait for.
 *
 * @example
 * ```ts ignore
 * const turn = turnWhenDue();
 * if (turn) await turn;
 * ```
 */
export function turnWhenDue(): Promise<void> | undefined {
  const now = performance.now();
  if (now - last >= LONGEST_MS && pauses++ < PAUSES) since = now;
  last = now;
  return now - since < LONGEST_MS ? undefined : takeTurn();
}

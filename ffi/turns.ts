/**
 * Turns of the event loop: who works through many things without waiting for
 * one lets timers, streams and the ends of processes through from time to time.
 *
 * @module
 */
import { library } from "./library.ts";

/** How long the event loop may have no turn, in milliseconds. */
const LONGEST_MS = 5;

let last = 0;

/** Notes that the event loop has just had a turn. */
export function noteTurn(): void {
  last = performance.now();
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
 * @returns Undefined when there is nothing to wait for.
 *
 * @example
 * ```ts ignore
 * const turn = turnWhenDue();
 * if (turn) await turn;
 * ```
 */
export function turnWhenDue(): Promise<void> | undefined {
  return performance.now() - last < LONGEST_MS ? undefined : takeTurn();
}

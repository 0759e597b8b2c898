/**
 * Waiting for time to pass. The first `setTimeout` of a process has Deno load
 * Node's timers, which takes eight milliseconds of a command that is over in
 * twenty; the timer of an `AbortSignal` is there anyway.
 *
 * @module
 */

/**
 * Calls back later, unless that is called off.
 *
 * @param ms Milliseconds.
 * @param call What is called.
 * @returns Calls it off; a process does not wait for it any more then.
 *
 * @example
 * ```ts
 * import { callLater } from "./pause.ts";
 *
 * const callOff = callLater(60_000, () => console.log("late"));
 * callOff();
 * ```
 */
export function callLater(ms: number, call: () => void): () => void {
  const signal = AbortSignal.timeout(Math.ceil(ms));
  signal.addEventListener("abort", call, { once: true });
  return () => signal.removeEventListener("abort", call);
}

/**
 * Waits.
 *
 * @param ms Milliseconds.
 *
 * @example
 * ```ts
 * import { sleep } from "./pause.ts";
 *
 * await sleep(1);
 * ```
 */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    callLater(ms, resolve);
  });
}

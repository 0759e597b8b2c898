/**
 * In place of `ffi/turns.ts` on the short way: nothing else happens in that
 * process which a turn of the event loop would be for.
 *
 * @module
 */

/** Never waits. */
export function turnWhenDue(): undefined {
  return undefined;
}

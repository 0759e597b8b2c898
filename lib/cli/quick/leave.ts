/**
 * Leaving the short way of a command: the whole program begins anew.
 *
 * @module
 */

let hasLeftIt = false;

/**
 * Ends the short way, even if what is thrown is caught.
 *
 * @throws {Error} Always.
 */
export function leaveQuickWay(): never {
  hasLeftIt = true;
  throw new Error("this is left to the whole program");
}

/** Whether anything has ended the short way. */
export function hasLeft(): boolean {
  return hasLeftIt;
}

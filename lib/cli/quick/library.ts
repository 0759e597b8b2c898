/**
 * In place of `ffi/library.ts` on the short way of commands that read a few
 * files: Deno reads those in less time than it takes to open the library.
 *
 * @module
 */
import { leaveQuickWay } from "./leave.ts";

/**
 * What needs the library is left to the whole program.
 *
 * @throws {Error} Always.
 */
export function library(): never {
  return leaveQuickWay();
}

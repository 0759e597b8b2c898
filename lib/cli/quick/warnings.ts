/**
 * In place of `lib/container/warnings.ts` on the short way.
 *
 * @module
 */
import { leaveQuickWay } from "./leave.ts";

/**
 * What goes wrong is told by the whole program.
 *
 * @throws {Error} Always.
 */
export function warn(): never {
  return leaveQuickWay();
}

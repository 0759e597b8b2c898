/**
 * Descriptors that others have handed to this program.
 *
 * @module
 */

/**
 * Whether a descriptor is open.
 *
 * @param fd Its number.
 * @returns Whether it is.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isOpenDescriptor } from "./descriptors.ts";
 *
 * assertEquals([isOpenDescriptor(0), isOpenDescriptor(-1)], [true, false]);
 * ```
 */
export function isOpenDescriptor(fd: number): boolean {
  if (!Number.isSafeInteger(fd) || fd < 0) return false;
  try {
    Deno.lstatSync(`/proc/self/fd/${fd}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

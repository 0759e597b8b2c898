/**
 * What went wrong beside an operation that succeeded.
 *
 * @module
 */

/** Type of the event that {@linkcode warn} dispatches on `globalThis`. */
export const WARNING_EVENT = "nsinit:warning";

/**
 * Tells of a failure that changes nothing any more, such as that of a poststop
 * hook: as an event, which the command line logs and a program may listen for.
 *
 * @param error What failed; the event's `detail`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { warn, WARNING_EVENT } from "./warnings.ts";
 *
 * let told = "";
 * addEventListener(WARNING_EVENT, (event) => {
 *   if (event instanceof CustomEvent) told = event.detail.message;
 * }, { once: true });
 * warn(new Error("hooks.poststop[0] failed"));
 * assertEquals(told, "hooks.poststop[0] failed");
 * ```
 */
export function warn(error: Error): void {
  dispatchEvent(new CustomEvent(WARNING_EVENT, { detail: error }));
}

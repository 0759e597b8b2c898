/**
 * Values that nobody can change any more, and so what is known of them stays true.
 *
 * @module
 */

/** Those that were looked through before. */
const known = new WeakSet<object>();

/**
 * Whether a value and all that it holds are frozen.
 *
 * @param value Plain data.
 * @returns False for anything that can still change.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isDeeplyFrozen } from "./frozen.ts";
 *
 * const inner = { a: 1 };
 * assertEquals(isDeeplyFrozen(Object.freeze({ inner })), false);
 * ```
 */
export function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (known.has(value)) return true;
  if (!Object.isFrozen(value)) return false;
  if (!Object.values(value).every(isDeeplyFrozen)) return false;
  known.add(value);
  return true;
}

/**
 * Freezes a value and all that it holds.
 *
 * @param value Plain data.
 * @returns The same value.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { deepFreeze } from "./frozen.ts";
 *
 * assert(Object.isFrozen(deepFreeze({ list: [1] }).list));
 * ```
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || known.has(value)) {
    return value;
  }
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  known.add(value);
  return value;
}

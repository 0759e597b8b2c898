/**
 * Copies that nobody can change.
 *
 * @module
 */

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (ArrayBuffer.isView(value)) return; // cannot be frozen
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}

/**
 * Copies plain data and freezes the copy, to every depth.
 *
 * @param value Plain data.
 * @returns The copy.
 * @throws {DOMException} `DataCloneError` for what is no data, e.g. a function.
 *
 * @example
 * ```ts
 * import { frozenCopy } from "./frozen.ts";
 *
 * if (!Object.isFrozen(frozenCopy({ list: [1] }).list)) throw new Error("changed");
 * ```
 */
export function frozenCopy<T>(value: T): T {
  const copy = structuredClone(value);
  freeze(copy);
  return copy;
}

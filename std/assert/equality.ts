import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./basic.ts";
import { equal } from "./equal.ts";
import { difference, format } from "./format.ts";

/**
 * Asserts that two values are equal in depth.
 *
 * @param actual The value found.
 * @param expected The value wanted.
 * @param msg Added to the message.
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${suffix(msg)}\n\n${difference(actual, expected)}`,
  );
}

/**
 * Asserts that two values differ in depth.
 *
 * @param actual The value found.
 * @param expected The value that must not be found.
 * @param msg Added to the message.
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${
      suffix(msg)
    }`,
  );
}

/**
 * Asserts that two values are the same, as `Object.is` tells.
 *
 * @param actual The value found.
 * @param expected The value wanted.
 * @param msg Added to the message.
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;

  const detail = format(actual) === format(expected)
    ? `Values have the same structure but are not reference-equal${
      suffix(msg)
    }\n\n${format(actual)}\n`
    : `Values are not strictly equal${suffix(msg)}\n\n${
      difference(actual, expected)
    }`;
  throw new AssertionError(detail);
}

/**
 * Asserts that a list contains all of the expected elements, in any order.
 *
 * @param actual The list.
 * @param expected The elements.
 * @param msg Added to the message.
 */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const missing = Array.from(expected).filter((wanted) =>
    !Array.from(actual).some((found) => equal(found, wanted))
  );

  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${
      suffix(msg)
    }\nmissing: ${format(missing)}`,
  );
}

/**
 * Asserts that an object has at least the properties of another, in depth.
 *
 * @param actual The object.
 * @param expected The part that it must have.
 * @param msg Added to the message.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as in the real package: takes interfaces, which have no index signature
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  return assertEquals<unknown>(
    restrict(actual, expected, new Map()),
    restrict(expected, expected, new Map()),
    msg,
  );
}

/** Copies the part of a value that has a counterpart in the pattern. */
function restrict(
  value: unknown,
  pattern: unknown,
  seen: Map<unknown, unknown>,
): unknown {
  if (!isContainer(value) || !isContainer(pattern)) return value;
  if (Array.isArray(value) !== Array.isArray(pattern)) return value;

  const known = seen.get(value);
  if (known !== undefined) return known;

  const copy: Record<PropertyKey, unknown> = Array.isArray(value)
    ? Object.assign([])
    : {};
  seen.set(value, copy);

  for (const key of Reflect.ownKeys(pattern)) {
    if (key === "length" && Array.isArray(value)) continue;
    if (key in value) copy[key] = restrict(value[key], pattern[key], seen);
  }

  return copy;
}

/** Things whose properties are their content. */
function isContainer(
  value: unknown,
): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null &&
    !(value instanceof Date || value instanceof RegExp ||
      value instanceof Map || value instanceof Set ||
      ArrayBuffer.isView(value) || value instanceof ArrayBuffer);
}

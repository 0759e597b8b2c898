import { AssertionError } from "./assertion_error.ts";
import { format } from "./format.ts";

/** A class, abstract or not, for {@linkcode assertInstanceOf}. */
// deno-lint-ignore no-explicit-any -- the parameters of a class do not matter here
export type AnyConstructor<T = unknown> = abstract new (...args: any[]) => T;

/** Makes the ending `: msg` or `.` of an assertion's message. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

/**
 * Asserts that the expression is true.
 *
 * @param expr What must hold.
 * @param msg Message when it does not.
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/**
 * Fails always.
 *
 * @param msg Why this place should not be reached.
 */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/**
 * Marks a place that the program cannot reach.
 *
 * @param msg Why it cannot.
 */
export function unreachable(msg?: string): never {
  throw new AssertionError(msg ?? "Unreachable.");
}

/**
 * Asserts that a value is neither `null` nor `undefined`.
 *
 * @param actual The value.
 * @param msg Added to the message.
 */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError(
      `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
    );
  }
}

/**
 * Asserts that a value is an instance of a class.
 *
 * @param actual The value.
 * @param expectedType The class.
 * @param msg Added to the message.
 */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;

  const found = typeof actual === "object" && actual !== null
    ? `an instance of "${actual.constructor?.name ?? "Object"}"`
    : `"${actual === null ? "null" : typeof actual}"`;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was ${found}${
      suffix(msg)
    }`,
  );
}

/**
 * Asserts that a text contains another.
 *
 * @param actual The whole.
 * @param expected The part.
 * @param msg Added to the message.
 */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`,
  );
}

/**
 * Asserts that a text matches a pattern.
 *
 * @param actual The text.
 * @param expected The pattern.
 * @param msg Added to the message.
 */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`,
  );
}

/**
 * Asserts that `actual > expected`.
 *
 * @param actual The value found.
 * @param expected The bound.
 * @param msg Added to the message.
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) throw unordered(actual, ">", expected, msg);
}

/**
 * Asserts that `actual >= expected`.
 *
 * @param actual The value found.
 * @param expected The bound.
 * @param msg Added to the message.
 */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) throw unordered(actual, ">=", expected, msg);
}

/**
 * Asserts that `actual < expected`.
 *
 * @param actual The value found.
 * @param expected The bound.
 * @param msg Added to the message.
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) throw unordered(actual, "<", expected, msg);
}

/**
 * Asserts that `actual <= expected`.
 *
 * @param actual The value found.
 * @param expected The bound.
 * @param msg Added to the message.
 */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) throw unordered(actual, "<=", expected, msg);
}

function unordered(
  actual: unknown,
  sign: string,
  expected: unknown,
  msg?: string,
): AssertionError {
  return new AssertionError(
    msg ?? `Expect ${format(actual)} ${sign} ${format(expected)}`,
  );
}

import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./basic.ts";

/** A class of errors, abstract or not. */
// deno-lint-ignore no-explicit-any -- the parameters of a class do not matter here
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

type Rest<E extends Error> = [
  errorClassOrMsg?: ErrorClass<E> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
];

/**
 * Asserts that a function throws.
 *
 * @param fn The function.
 * @param msg Added to the message.
 * @returns What was thrown.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Asserts that a function throws an error of a class.
 *
 * @param fn The function.
 * @param errorClass The class of the error.
 * @param msgIncludes A part of the error's message.
 * @param msg Added to the message.
 * @returns The error.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ...rest: Rest<E>
): E | unknown {
  let error: unknown;

  try {
    fn();
  } catch (thrown) {
    error = thrown;
    check(error, rest);
    return error;
  }

  throw new AssertionError(
    `Expected function to throw${suffix(messageOf(rest))}`,
  );
}

/**
 * Asserts that a function returns a promise that rejects.
 *
 * @param fn The function.
 * @param msg Added to the message.
 * @returns What it rejected with.
 */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/**
 * Asserts that a function returns a promise that rejects with an error of a
 * class.
 *
 * @param fn The function.
 * @param errorClass The class of the error.
 * @param msgIncludes A part of the error's message.
 * @param msg Added to the message.
 * @returns The error.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ...rest: Rest<E>
): Promise<E | unknown> {
  let promise: PromiseLike<unknown> | undefined;

  try {
    promise = fn();
    await promise;
  } catch (error) {
    if (promise === undefined) {
      throw new AssertionError(
        `Function throws when expected to reject${suffix(messageOf(rest))}`,
        { cause: error },
      );
    }
    check(error, rest);
    return error;
  }

  throw new AssertionError(
    `Expected function to reject${suffix(messageOf(rest))}`,
  );
}

function messageOf<E extends Error>(rest: Rest<E>): string | undefined {
  return typeof rest[0] === "string" ? rest[0] : rest[2];
}

/** Refuses an error of another class, or with another message. */
function check<E extends Error>(error: unknown, rest: Rest<E>): void {
  const [errorClass, msgIncludes] = rest;
  if (typeof errorClass !== "function") return;

  const end = suffix(messageOf(rest));

  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was thrown or rejected${end}`,
      { cause: error },
    );
  }
  if (!(error instanceof errorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${errorClass.name}", but was "${error.constructor.name}" ("${error.message}")${end}`,
      { cause: error },
    );
  }
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include "${msgIncludes}", but got "${error.message}"${end}`,
      { cause: error },
    );
  }
}

/**
 * Stand-in for `@std/assert`: the part of its API that the tests of nsinit use.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export {
  assert,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertStringIncludes,
  fail,
  unreachable,
} from "./basic.ts";
export {
  assertArrayIncludes,
  assertEquals,
  assertNotEquals,
  assertObjectMatch,
  assertStrictEquals,
} from "./equality.ts";
export { assertRejects, assertThrows } from "./failures.ts";

import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

class A {
  x = 1;
}
class B {
  x = 1;
}

/** Checks that each of some calls fails with an AssertionError. */
function allFail(...calls: (() => unknown)[]): void {
  for (const call of calls) {
    assertThrows(call, AssertionError, undefined, call.toString());
  }
}

Deno.test("equal() compares in depth", () => {
  const ring = (): Record<string, unknown> => {
    const value: Record<string, unknown> = { a: 1 };
    return Object.assign(value, { self: value });
  };
  const rows: [unknown, unknown, boolean][] = [
    [1, 1, true],
    [1, "1", false],
    [NaN, NaN, true],
    [0, -0, true],
    [null, undefined, false],
    [1n, 1n, true],
    [[1, [2]], [1, [2]], true],
    [[1], { 0: 1 }, false],
    [[1], [1, undefined], false],
    [{ a: undefined }, {}, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [Object.create(null), {}, true],
    [new A(), new B(), false],
    [new A(), new A(), true],
    [new Date(1), new Date(1), true],
    [new Date(1), new Date(2), false],
    [/a/g, /a/i, false],
    [new URL("a:b"), new URL("a:b"), true],
    [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1]), true],
    [new Set([1]), new Set([2]), false],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]]), true],
    [new Map([["k", 1]]), new Map([["k", 2]]), false],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer, false],
    [new Error("a"), new Error("a"), true],
    [new Error("a"), new Error("b"), false],
    [new Error("a"), new TypeError("a"), false],
    [ring(), ring(), true],
    [ring(), { ...ring(), a: 2 }, false],
  ];

  for (const [a, b, wanted] of rows) {
    assertStrictEquals(equal(a, b), wanted, Deno.inspect([a, b]));
    assertStrictEquals(equal(b, a), wanted, Deno.inspect([b, a]));
  }
});

Deno.test("assertEquals() shows the difference line by line", () => {
  const error = assertThrows(
    () => assertEquals({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] }, "note"),
    AssertionError,
    "Values are not equal: note",
  );

  assertStringIncludes(error.message, "\n-       2,\n+       3,\n");
  assertStringIncludes(error.message, "\n        1,\n");
});

Deno.test("assertEquals() shows the difference between texts by line", () => {
  const error = assertThrows(() => assertEquals("a\nb\nc", "a\nx\nc"), Error);

  assertStringIncludes(error.message, "    a\n-   b\n+   x\n    c");
});

Deno.test("simple assertions hold and fail", () => {
  assert(1);
  assertExists(0);
  assertNotEquals(1, 2);
  assertStrictEquals(NaN, NaN);
  assertStringIncludes("abc", "b");
  assertMatch("abc", /^a/);
  assertInstanceOf(new A(), A);
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2n, 2n);
  assertArrayIncludes([1, { a: 1 }, 3], [{ a: 1 }, 1]);

  allFail(
    () => assert(0),
    () => assertExists(undefined),
    () => assertNotEquals([1], [1]),
    () => assertStrictEquals<unknown>({}, {}),
    () => assertStrictEquals(1, 2),
    () => assertStringIncludes("abc", "d"),
    () => assertMatch("abc", /^b/),
    () => assertInstanceOf(new A(), B),
    () => assertInstanceOf(null, B),
    () => assertGreater(1, 1),
    () => assertGreaterOrEqual(1, 2),
    () => assertLess(1, 1),
    () => assertLessOrEqual(2, 1),
    () => assertArrayIncludes([1], [2]),
    () => fail("no"),
    () => unreachable(),
  );
});

Deno.test("assertObjectMatch() looks only at the expected part", () => {
  const actual = { a: 1, b: { c: [1, { d: 2, e: 3 }], f: new Date(0) } };

  assertObjectMatch(actual, { b: { c: [1, { d: 2 }] } });
  assertObjectMatch(actual, { b: { f: new Date(0) } });
  allFail(
    () => assertObjectMatch(actual, { a: 2 }),
    () => assertObjectMatch(actual, { z: undefined }),
    () => assertObjectMatch(actual, { b: { c: [1, { d: 3 }] } }),
    () => assertObjectMatch(actual, { b: { c: { 0: 1 } } }),
    () => assertObjectMatch(actual, { b: { f: new Date(1) } }),
  );
});

Deno.test("assertThrows() checks class and message and returns the error", () => {
  const error = new TypeError("bad thing");
  const raise = (): never => {
    throw error;
  };

  assertStrictEquals(assertThrows(raise), error);
  assertStrictEquals(assertThrows(raise, TypeError, "bad"), error);
  assertStrictEquals(assertThrows(raise, Error), error);
  allFail(
    () => assertThrows(() => 1),
    () => assertThrows(raise, RangeError),
    () => assertThrows(raise, TypeError, "good"),
  );
});

Deno.test("assertRejects() checks class and message and returns the error", async () => {
  const error = new TypeError("bad thing");
  const reject = (): Promise<never> => Promise.reject(error);

  assertStrictEquals(await assertRejects(reject), error);
  assertStrictEquals(await assertRejects(reject, TypeError, "bad"), error);

  await assertRejects(
    () => assertRejects(() => Promise.resolve()),
    AssertionError,
    "Expected function to reject",
  );
  await assertRejects(
    () => assertRejects(reject, RangeError),
    AssertionError,
    'Expected error to be instance of "RangeError", but was "TypeError"',
  );
  await assertRejects(
    () =>
      assertRejects(() => {
        throw error;
      }),
    AssertionError,
    "Function throws when expected to reject",
  );
});

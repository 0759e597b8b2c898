import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  FLAG,
  INTEGER,
  INTEGER64,
  list,
  NUMBER,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
  TEXTS,
} from "../../../../lib/config/input/shape.ts";
import { formatPath } from "../../../../lib/config/json_scan.ts";
import { Findings } from "../../../../lib/config/problems.ts";

/** What is made of a value, and every fault with its path. */
function read<T>(shape: Shape<T>, value: unknown): [T | undefined, string[]] {
  const findings = new Findings();
  const found = shape(value, ["it"], findings);
  const faults = findings.problems.map(({ path, message }) =>
    `${formatPath(path)}: ${message}`
  );
  return [found, faults];
}

Deno.test("simple shapes tell what they found and wanted", () => {
  const cases: [Shape<unknown>, unknown, string][] = [
    [TEXT, 5, "found the number 5, wanted a string"],
    [FLAG, "yes", 'found the string "yes", wanted true or false'],
    [NUMBER, NaN, "found the number NaN, wanted a number"],
    [INTEGER, 1.5, "found the number 1.5, wanted a whole number"],
    [
      INTEGER,
      2 ** 53,
      "found the number 9007199254740992, wanted a whole number",
    ],
    [INTEGER, 1n, "found the number 1, wanted a whole number"],
    [
      INTEGER64,
      null,
      "found null, wanted a whole number (a bigint above 2^53 - 1)",
    ],
    [list(TEXT), {}, "found an object, wanted a list"],
    [TEXTS, [], "found a list, wanted an object"],
    [record({}), () => {}, "found a function, wanted an object"],
  ];
  for (const [shape, value, fault] of cases) {
    assertEquals(read(shape, value), [undefined, [`it: ${fault}`]]);
  }
  assertEquals(read(INTEGER64, 2n ** 63n), [2n ** 63n, []]);
});

Deno.test("names are known, read in another spelling, or told with the nearest", () => {
  const shape = oneOf(
    ["RED", "BLUE"],
    "colour",
    (name) => name === "rot" ? "RED" : undefined,
  );
  assertEquals(read(shape, "BLUE"), ["BLUE", []]);
  assertEquals(read(shape, "rot"), ["RED", []]);
  assertEquals(read(shape, "BLU"), [undefined, [
    'it: unknown colour "BLU"; did you mean "BLUE"?',
  ]]);
  assertEquals(read(shape, 3), [undefined, [
    "it: found the number 3, wanted one of RED, BLUE",
  ]]);
});

Deno.test("a record tells every member that is missing, unknown or wrong", () => {
  const point = record<{ name: string; x: number; tags?: readonly string[] }>({
    name: required(TEXT),
    x: or(INTEGER, 7),
    tags: list(TEXT),
  });
  assertEquals(read(point, { x: "1", tag: [], tags: ["a", 2] })[1], [
    'it.tag: unknown key "tag"; did you mean "tags"?',
    "it.name: is missing",
    'it.x: found the string "1", wanted a whole number',
    "it.tags[1]: found the number 2, wanted a string",
  ]);
  assertEquals(read(point, { name: "a", tags: undefined }), [
    { name: "a", x: 7 },
    [],
  ]);
});

Deno.test("a hole of a list is a fault", () => {
  const holed = ["a", "b"];
  delete holed[0];
  assertEquals(read(list(TEXT), holed)[1], [
    "it[0]: found undefined, wanted a string",
  ]);
});

Deno.test("what needs no change is given back as it is", () => {
  const shape = list(record<{ name: string; x: number }>({
    name: required(oneOf(["a"], "name", () => "a")),
    x: or(INTEGER, 0),
  }));
  const whole = [{ name: "a", x: 1 }];
  assertStrictEquals(read(shape, whole)[0], whole);
  assertEquals(read(shape, [{ name: "A" }])[0], [{ name: "a", x: 0 }]);
});

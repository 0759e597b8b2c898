import { assertEquals, assertThrows } from "@std/assert";
import { type Schema, validate } from "../../support/json_schema.ts";

/** Schema, a value that it takes, one that it refuses. */
const CASES: readonly (readonly [Schema, unknown, unknown])[] = [
  [{ type: "string" }, "", 1],
  [{ type: ["string", "null"] }, null, false],
  [{ type: "integer" }, -3, 1.5],
  [{ type: "boolean" }, false, 0],
  [{ type: "array" }, [], {}],
  [{ type: "object" }, {}, []],
  [{ enum: ["a", null] }, null, "b"],
  [{ const: 3 }, 3, 4],
  [{ anyOf: [{ type: "string" }, { const: 1 }] }, 1, 2],
  [{ minimum: 2 }, 2, 1],
  [{ maximum: 2 }, 2, 3],
  [{ pattern: "^a+$" }, "aa", "ab"],
  [{ minItems: 1 }, [0], []],
  [{ maxProperties: 0 }, {}, { a: 1 }],
  [{ items: { type: "string" } }, ["a"], ["a", 1]],
  [{ required: ["a"] }, { a: null }, {}],
  [{ properties: { a: { const: 1 } } }, { a: 1, b: 2 }, { a: 2 }],
  [{ propertyNames: { const: "a" } }, { a: 1 }, { b: 1 }],
  [{ additionalProperties: { const: 1 } }, { a: 1 }, { a: 2 }],
  [
    { properties: { a: {} }, additionalProperties: false },
    { a: 1 },
    { b: 1 },
  ],
  [{ $ref: "#/$defs/A", $defs: { A: { const: 1 } } }, 1, 2],
];

for (const [schema, good, bad] of CASES) {
  Deno.test(`validate() knows ${Object.keys(schema)[0]}: ${JSON.stringify(schema)}`, () => {
    assertEquals(validate(schema, good), []);
    assertEquals(validate(schema, bad).length, 1);
  });
}

Deno.test("validate() refuses keywords that it does not know", () => {
  assertThrows(() => validate({ oneOf: [] }, 1), Error, "unknown keyword");
  assertThrows(() => validate({ type: "number" }, 1), Error, "unknown type");
  assertThrows(() => validate({ $ref: "#/$defs/A", $defs: {} }, 1));
});

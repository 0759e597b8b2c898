import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../../lib/config/json.ts";
import { findFaults } from "../../../lib/config/validate.ts";
import { type Schema, validate } from "../../support/json_schema.ts";
import {
  listKeys,
  makeText,
  readText,
  recordKeys,
  VARIANTS,
} from "../../support/schema_texts.ts";

const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(
    new URL("../../../schema/container.schema.json", import.meta.url),
  ),
);

/** Keys that the reader knows only to refuse them with a better sentence. */
const REFUSED = [
  "console",
  "environment",
  "intelRdt",
  "intel_rdt",
  "tty",
  "user",
  "working_dir",
];

/** The number of a namespace, which must agree with its name. */
const AGREEING = "namespaces[].value";

const variants = Array.from({ length: VARIANTS }, (_, variant) => variant);

function sorted(keys: Map<string, Set<string>>): [string, string[]][] {
  return [...keys].map(([path, set]): [string, string[]] => [
    path,
    [...set].sort(),
  ]).sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("the schema has the keys that the reader asks for, and no other", () => {
  const asked = recordKeys(() => {
    for (const variant of variants) readText(makeText({ variant }));
  });
  for (const key of REFUSED) assert(asked.get("")?.delete(key), key);
  assertEquals(sorted(asked), sorted(listKeys()));
});

Deno.test("what the reader only refuses, the schema refuses", () => {
  for (const key of REFUSED) {
    assertEquals(readText({ [key]: "x" }).problems.length, 1, key);
    assertEquals(validate(SCHEMA, { [key]: "x" }), [`/${key}: unknown`]);
  }
});

for (const variant of variants) {
  Deno.test(`examples of all keys are read and valid, alternative ${variant}`, () => {
    const text = makeText({ variant });
    assertEquals(readText(text).problems, []);
    assertEquals(validate(SCHEMA, text), []);
  });
}

Deno.test("every value of every enumeration is read", () => {
  const read = new Map<string, Set<JsonObject>>();
  for (const variant of variants) {
    const places = new Map<string, readonly unknown[]>();
    const collect = (path: string, shape: JsonObject): void => {
      const { enum: values } = shape;
      const shapes = read.get(path) ?? new Set();
      if (!Array.isArray(values) || shapes.has(shape)) return;
      places.set(path, values);
      read.set(path, shapes.add(shape));
    };
    makeText({ variant, onPath: collect });
    for (const [path, values] of places) {
      if (path === AGREEING) continue;
      for (const value of values) {
        const text = makeText({ variant, path, value });
        assertEquals(readText(text).problems, [], `${path} ${value}`);
      }
    }
  }
  assert(read.size > 20);
});

const PROBES: readonly unknown[] = [
  null,
  true,
  0,
  1,
  7,
  -1,
  -5,
  65,
  1000,
  70_000,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  1.5,
  "",
  "zz",
  "8:0 5",
  [],
  [1],
  ["zz"],
  [null],
  [[]],
  [{}],
  [{ zz: 1 }],
  {},
  { zz: 1 },
  { zz: "zz" },
];

/** Whether reader and checks take a text; more faults than before mean no. */
function isTaken(text: Record<string, unknown>, known: number): boolean {
  const { config, problems } = readText(text);
  return problems.length === 0 && findFaults(config).length <= known;
}

Deno.test("schema and reader agree on wrong values of every key", () => {
  const disagreements: string[] = [];
  const probed = new Map<string, Set<JsonObject>>();
  for (const variant of variants) {
    const paths = new Set<string>();
    const collect = (path: string, shape: JsonObject): void => {
      const shapes = probed.get(path) ?? new Set();
      if (!shapes.has(shape)) paths.add(path);
      probed.set(path, shapes.add(shape));
    };
    makeText({ variant, onPath: collect });
    const known = findFaults(readText(makeText({ variant })).config).length;
    for (const path of paths) {
      for (const value of PROBES) {
        const text = makeText({ variant, path, value });
        const place = `${path} = ${JSON.stringify(value)}`;
        const faults = validate(SCHEMA, text);
        // What the reader refuses, the schema does: it is never looser.
        if (faults.length === 0) {
          const [problem] = readText(text).problems;
          if (problem !== undefined && path !== AGREEING) {
            disagreements.push(`${place}: ${problem.message}`);
          }
          // What the schema refuses, the reader or a check does.
        } else if (isTaken(text, known)) {
          disagreements.push(`${place} is taken: ${faults}`);
        }
      }
    }
  }
  assertEquals([...new Set(disagreements)], []);
});

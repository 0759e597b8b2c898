import { assert } from "@std/assert";
import { parseConfig } from "../../../lib/config/parse.ts";
import { ConfigError } from "../../../lib/errors.ts";

/** Numbers from a fixed seed: the same run every time. */
function* randoms(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "null",
  "-1",
  "1e9",
  "true",
  '"namespaces"',
  '"NEWNS"',
  "\0",
  "//",
  "/*",
  "\\u0000",
  '"__proto__":',
  "99999999999999999999",
  "\u{1f600}",
];

Deno.test("parseConfig throws nothing but ConfigError, whatever the text", async () => {
  const samples = new URL("../../fixtures/samples/", import.meta.url);
  const names = [
    "v2.0.0-userns",
    "v1.4.0-minimal",
    "2014-04-24-3a5ecdb-mask-objects",
    "2014-02-seed",
  ];
  const random = randoms(2014);
  const below = (n: number): number => Math.floor(random.next().value * n);
  for (const name of names) {
    const text = await Deno.readTextFile(new URL(`${name}.json`, samples));
    for (let round = 0; round < 250; round++) {
      let mutant = text;
      for (let cuts = 1 + below(3); cuts > 0; cuts--) {
        const at = below(mutant.length);
        const piece = PIECES[below(PIECES.length)] ?? "";
        mutant = mutant.slice(0, at) + piece + mutant.slice(at + below(12));
      }
      try {
        await parseConfig(mutant, { permissive: round % 2 === 0 });
      } catch (error) {
        assert(error instanceof ConfigError, `${error}\n${mutant}`);
      }
    }
  }
});

Deno.test("parseConfig throws nothing but ConfigError, whatever the types", async () => {
  const sample = new URL(
    "../../fixtures/samples/v2.0.0-userns.json",
    import.meta.url,
  );
  const json = JSON.parse(await Deno.readTextFile(sample));
  const values = [
    null,
    true,
    -1,
    1.5,
    "",
    "x",
    [],
    [null],
    [[]],
    {},
    { a: 1 },
    [{}],
    1e20,
  ];
  for (
    const key of [...Object.keys(json), "seccomp", "sysctl", "labels", "Hooks"]
  ) {
    for (const value of values) {
      try {
        await parseConfig(JSON.stringify({ ...json, [key]: value }));
      } catch (error) {
        assert(error instanceof ConfigError, `${key}: ${error}`);
      }
    }
  }
});

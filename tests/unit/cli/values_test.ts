import { assertEquals, assertThrows } from "@std/assert";
import { parseSize, Values } from "../../../lib/cli/values.ts";

const SIZES: readonly [string, number | bigint | undefined][] = [
  ["0", 0],
  ["-1", -1],
  ["4096", 4096],
  ["1k", 1024],
  ["64m", 64 * 2 ** 20],
  ["64M", 64 * 2 ** 20],
  ["1GiB", 2 ** 30],
  ["1gb", 2 ** 30],
  ["2t", 2 ** 41],
  ["9223372036854775807", 9223372036854775807n],
  ["9223372036854775808", undefined],
  ["99999999999999t", undefined],
  ["1.5g", undefined],
  ["", undefined],
  ["m", undefined],
  ["1x", undefined],
  [" 1", undefined],
  ["1e3", undefined],
  ["0x10", undefined],
];

for (const [text, wanted] of SIZES) {
  Deno.test(`parseSize reads ${JSON.stringify(text)} as ${wanted}`, () => {
    assertEquals(parseSize(text), wanted);
  });
}

Deno.test("Values takes the environment before the default", () => {
  const options = [
    { name: "a", type: "text", env: "A", default: "d", doc: "" },
  ] as const;
  const none = new Map<string, string[]>();
  const at = (env: string | undefined): string | undefined =>
    new Values(options, none, () => env).text("a");
  assertEquals([at("e"), at(""), at(undefined)], ["e", "d", "d"]);
  const given = new Values(options, new Map([["a", ["g"]]]), () => "e");
  assertEquals([given.text("a"), given.has("a")], ["g", true]);
});

Deno.test("Values refuses names that nobody declared", () => {
  assertThrows(() => new Values([], new Map()).text("a"), TypeError);
});

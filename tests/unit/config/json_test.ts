import { assertEquals, assertRejects } from "@std/assert";
import { isJsonObject, parseJson } from "../../../lib/config/json.ts";
import { ConfigError } from "../../../lib/errors.ts";

/** Text, then message part, line and column of its first problem. */
const REFUSED: readonly [string, string, number, number][] = [
  ["", "end of the text", 1, 1],
  ["{", "wanted a key", 1, 2],
  ['{"a" 1}', 'wanted ":"', 1, 6],
  ['{"a": 1 "b": 2}', 'wanted ","', 1, 9],
  ["{a: 1}", "wanted a key in quotes", 1, 2],
  ['{\n  "a": nul\n}', "wanted a value", 2, 8],
  ['{"a": "b\nc"}', "string without an end", 1, 7],
  ['{"a": "\\x"}', "bad escape", 1, 7],
  ["[1] 2", "after the end", 1, 5],
  ["/* open", "comment without an end", 1, 1],
  ["[01]", "wanted", 1, 3],
  ["[,]", "wanted a value", 1, 2],
  ['{"a": 1, "b": 2,\n "a": 3}', "given twice", 2, 2],
  ['{"a": {"b": 1, "\\u0062": 2}}', "given twice", 1, 16],
  ['{"a": "x\\u0000"}', "NUL", 1, 2],
  ['// c\n{"a": 1, "a": 2}', "given twice", 2, 10],
];

Deno.test("parseJson refuses bad text with a position", async () => {
  for (const [text, message, line, column] of REFUSED) {
    const error = await assertRejects(() => parseJson(text, "f"), ConfigError);
    const [problem] = error.problems;
    assertEquals(
      [error.code, problem?.line, problem?.column],
      ["ConfigInvalid", line, column],
      text,
    );
    assertEquals(problem?.message.includes(message), true, problem?.message);
  }
});

Deno.test("parseJson accepts comments, trailing commas and a byte order mark", async () => {
  const text = '\uFEFF// a "quote\n{"a": [1, /* , */ 2,], "b": "// no",}\n';
  assertEquals(await parseJson(text, "f"), { a: [1, 2], b: "// no" });
});

Deno.test("parseJson keeps numbers of 64 bits, also beside comments", async () => {
  const text = "[18446744073709551615, -9007199254740993, 9007199254740991]";
  const wanted = [18446744073709551615n, -9007199254740993n, 9007199254740991];
  assertEquals(await parseJson(text, "f"), wanted);
  assertEquals(await parseJson(`${text} // big`, "f"), wanted);
});

Deno.test("parseJson leaves fractions and endless digits to be refused as numbers", async () => {
  assertEquals(await parseJson("[1.5]", "f"), [1.5]);
  const [value] = await parseJson(`[${"9".repeat(100_000)}]`, "f") as number[];
  assertEquals(value, Infinity);
});

Deno.test("parseJson bounds depth, items and length", async () => {
  const deep = (n: number): string => "[".repeat(n) + "]".repeat(n);
  assertEquals(Array.isArray(await parseJson(deep(64), "f")), true);
  const bombs = [
    deep(65),
    deep(200_000),
    "[".repeat(200_000),
    '{"a":'.repeat(70) + "1" + "}".repeat(70),
    `[${"0,".repeat(20_000)}0]`,
    " ".repeat(16 * 1024 * 1024 + 1),
    `${deep(65)} // comment`,
  ];
  for (const text of bombs) {
    await assertRejects(() => parseJson(text, "f"), ConfigError);
  }
});

Deno.test("parseJson treats __proto__ as a key like any other", async () => {
  const value = await parseJson('{"__proto__": {"polluted": 1}}', "f");
  assertEquals(isJsonObject(value) && Object.keys(value), ["__proto__"]);
  assertEquals(Reflect.get({}, "polluted"), undefined);
});

Deno.test("parseJson counts colons inside strings as text", async () => {
  assertEquals(await parseJson('{"a:b": "c:\\":d"}', "f"), { "a:b": 'c:":d' });
});

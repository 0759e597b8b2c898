import { assert, assertEquals, assertThrows } from "@std/assert";
import { parse } from "@std/jsonc";

Deno.test("parse() reads what JSON.parse reads", () => {
  const texts = [
    "null",
    " true ",
    "-1.5e3",
    '"a\\u00e4\\n\\"\\\\"',
    "[]",
    "{}",
    '[1,[2,{"a":[]}],"b"]',
    '{"a":{"b":null},"a":2}',
    '\t{\r\n"//":"/* not a comment */"}',
  ];

  for (const text of texts) {
    assertEquals(parse(text), JSON.parse(text), text);
  }
});

Deno.test("parse() accepts comments and trailing commas", () => {
  assertEquals(parse("// a\n[1, /* b */ 2, // c\n]"), [1, 2]);
  assertEquals(parse('{"a": 1,}/**/'), { a: 1 });
  assertEquals(parse('/*/ a */{"b"/*:*/:/*,*/3 /* c */,}//'), { b: 3 });
});

Deno.test("parse() keeps __proto__ an ordinary key", () => {
  const value = parse('{"__proto__": {"polluted": true}}');

  assertEquals(Object.keys(value ?? {}), ["__proto__"]);
  assert(!("polluted" in {}));
});

Deno.test("parse() says where the text is wrong", () => {
  const rows: [string, string][] = [
    ["", "Unexpected end of JSONC input"],
    ["// only", "Unexpected end of JSONC input"],
    ["[1", "Unexpected end of JSONC input"],
    ['{"a"', "Unexpected end of JSONC input"],
    ["/* open", "Unexpected end of JSONC input"],
    ["[1] /* open", "Unexpected end of JSONC input"],
    ["[,]", "Unexpected token , in JSONC at position 1"],
    ["[1,,]", "Unexpected token , in JSONC at position 3"],
    ["{,}", "Unexpected token , in JSONC at position 1"],
    ["[1 2]", "Unexpected token 2 in JSONC at position 3"],
    ["1/**/2", "Unexpected token 2 in JSONC at position 5"],
    ["{a: 1}", "Unexpected token a in JSONC at position 1"],
    ['{"a" 1}', "Unexpected token 1 in JSONC at position 5"],
    ["[01]", "Unexpected token 01 in JSONC at position 1"],
    ["nul", "Unexpected token nul in JSONC at position 0"],
    ["[1}", "Unexpected token } in JSONC at position 2"],
    ["] ", "Unexpected token ] in JSONC at position 0"],
    ['["a\nb"]', 'Unexpected token "a\nb" in JSONC at position 1'],
    ['["a', 'Unexpected token "a in JSONC at position 1'],
  ];

  for (const [text, message] of rows) {
    const error = assertThrows(() => parse(text), SyntaxError, undefined, text);
    assertEquals(error.message, message, text);
  }
});

Deno.test("parse() shortens a long token in its error", () => {
  const error = assertThrows(() => parse("x".repeat(99)), SyntaxError);

  assertEquals(
    error.message,
    `Unexpected token ${"x".repeat(30)}... in JSONC at position 0`,
  );
});

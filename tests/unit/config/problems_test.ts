import { assertEquals } from "@std/assert";
import {
  Findings,
  formatProblems,
  locateFindings,
  quote,
  toPosition,
} from "../../../lib/config/problems.ts";

Deno.test("locateFindings sorts by position and falls back to the nearest parent", () => {
  const text = '{\n  "b": {"c": 1},\n  "A": 2\n}';
  const at = "value";
  const located = locateFindings(text, [
    { path: ["a"], message: "second", at: "key" },
    { path: ["b", "missing"], message: "first", at },
  ]);
  assertEquals(located, [
    { path: "b.missing", message: "first", line: 2, column: 8 },
    { path: "a", message: "second", line: 3, column: 3 },
  ]);
});

Deno.test("formatProblems lists at most 50 and tells how many more", () => {
  const problems = Array.from({ length: 60 }, (_, index) => ({
    path: `a[${index}]`,
    message: "bad",
  }));
  const lines = formatProblems("f", problems).split("\n");
  assertEquals([lines.length, lines.at(-1)], [51, "and 10 more"]);
});

Deno.test("Findings turns unknown names into warnings when permissive", () => {
  const strict = new Findings();
  strict.unknown(["a"], "key", "a", ["b"]);
  const permissive = new Findings({ permissive: true });
  permissive.unknown(["a"], "key", "a", ["b"]);
  permissive.problem(["a"], "still wrong");
  assertEquals([strict.problems.length, strict.warnings.length], [1, 0]);
  assertEquals([permissive.problems.length, permissive.warnings.length], [
    1,
    1,
  ]);
});

Deno.test("quote bounds and escapes what was found", () => {
  assertEquals(quote("\u001b[31m"), '"\\u001b[31m"');
  assertEquals(quote("x".repeat(1000)).length, 65);
});

Deno.test("toPosition counts lines and columns from 1", () => {
  assertEquals(toPosition("", 0), { line: 1, column: 1 });
  assertEquals(toPosition("a\r\nb", 3), { line: 2, column: 1 });
});

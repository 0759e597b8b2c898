import { assertEquals } from "@std/assert";
import { formatPath, scanJson } from "../../../lib/config/json_scan.ts";

Deno.test("scanJson visits every member and item with its offsets", () => {
  const seen: [string, number, number][] = [];
  scanJson('{"a": [1, {"b": 2}]}', (path, key, value) => {
    seen.push([formatPath(path), key, value]);
  });
  assertEquals(seen, [
    ["a", 1, 6],
    ["a[0]", 7, 7],
    ["a[1]", 10, 10],
    ["a[1].b", 11, 16],
  ]);
});

Deno.test("scanJson blanks comments and trailing commas in place", () => {
  const text = '{ // one\n "a": [1,], /* two\n */ "b": "//",\n}';
  const { strict } = scanJson(text);
  assertEquals(strict.length, text.length);
  assertEquals(strict.split("\n").length, text.split("\n").length);
  assertEquals(JSON.parse(strict), { a: [1], b: "//" });
});

Deno.test("scanJson tells every duplicate key", () => {
  const { duplicates } = scanJson('{"a":1,"a":2,"b":{"c":1,"c":2},"a":3}');
  assertEquals(duplicates.map(({ path }) => formatPath(path)), [
    "a",
    "b.c",
    "a",
  ]);
});

Deno.test("formatPath quotes and bounds keys that are not plain words", () => {
  assertEquals(formatPath([]), "");
  assertEquals(formatPath(["sysctl", "net.x"]), 'sysctl["net.x"]');
  assertEquals(formatPath(["a\nb"]), '["a\\nb"]');
  assertEquals(formatPath(["x".repeat(500)]).length < 80, true);
});

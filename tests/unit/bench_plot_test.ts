import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { drawFigures, escapeXml } from "../../bench/plot.ts";
import { putReport } from "../../bench/publish.ts";
import { type Figure, lineOf } from "../../bench/results.ts";

const FIGURE: Figure = {
  id: "x",
  title: "Starts & exits",
  unit: "ms",
  lines: [
    lineOf("API", [1, 2, 3]),
    lineOf("crun", [10, 20, 30]),
    { label: "CLI (compiled)", note: "not made" },
  ],
};

Deno.test("text is safe inside a picture", () => {
  assertEquals(escapeXml(`<a b="c">&`), "&lt;a b=&quot;c&quot;&gt;&amp;");
});

Deno.test("bars are as long as their medians, the longest fills the width", () => {
  const svg = drawFigures([FIGURE]);
  const widths = [...svg.matchAll(/width="([\d.]+)" height="14"/g)]
    .map((match) => Number(match[1]));
  assertEquals(widths.length, 2);
  assertEquals(Math.round((widths[1] ?? 0) / (widths[0] ?? 1)), 10);
  assertStringIncludes(svg, "Starts &amp; exits");
  assertStringIncludes(svg, "20.0 ms");
  assert(!svg.includes("CLI (compiled)"));
});

Deno.test("figures stand below each other", () => {
  const height = (svg: string): number =>
    Number(/ height="(\d+)" role/.exec(svg)?.[1]);
  assertEquals(
    height(drawFigures([FIGURE, FIGURE])),
    2 * height(drawFigures([FIGURE])),
  );
});

Deno.test("a figure without samples is no fault", () => {
  const svg = drawFigures([{ ...FIGURE, lines: [] }]);
  assert(!svg.includes("NaN") && !svg.includes("Infinity"));
});

Deno.test("a report takes the place of the one before", async () => {
  const page = await Deno.readTextFile(
    new URL("../../bench/README.md", import.meta.url),
  );
  const [first, second] = ["the first report", "the second report"];
  const once = putReport(page, first);
  const twice = putReport(once, second);
  assertStringIncludes(once, first);
  assertStringIncludes(twice, second);
  assert(!twice.includes(first));
  assertEquals(putReport(twice, first), once);
});

Deno.test("a page without marks is refused", () => {
  assertThrows(() => putReport("# Bench\n", "text"), Error, "without");
});

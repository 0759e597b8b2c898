import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lineOf, type Results, withBefore } from "../../bench/results.ts";
import {
  figureTable,
  formatNumber,
  layOut,
  report,
  targetTable,
} from "../../bench/table.ts";
import { judge, type Target, TARGETS } from "../../bench/targets.ts";

const TARGET: Target = { key: "x", what: "x", must: 2, aim: 1 };

Deno.test("a value reaches the aim, what must hold, or neither", () => {
  assertEquals(judge(TARGET, 1), "aim");
  assertEquals(judge(TARGET, 2), "must");
  assertEquals(judge(TARGET, 2.01), "misses");
  assertEquals(judge(TARGET, undefined), "not measured");
  assertEquals(judge(TARGET, NaN), "not measured");
  assertEquals(judge({ key: "x", what: "x" }, 1), "no target");
});

Deno.test("where more is better the limits are lower bounds", () => {
  const target: Target = { ...TARGET, must: 2, aim: 3, atLeast: true };
  assertEquals(judge(target, 3), "aim");
  assertEquals(judge(target, 2.5), "must");
  assertEquals(judge(target, 1.9), "misses");
});

Deno.test("every target has a key of its own, and its aim is not easier than what must hold", () => {
  assertEquals(new Set(TARGETS.map(({ key }) => key)).size, TARGETS.length);
  for (const { must = 0, aim = must, atLeast = false } of TARGETS) {
    assert(atLeast ? aim >= must : aim <= must);
  }
});

Deno.test("numbers have the digits that mean something", () => {
  assertEquals(
    [0.123, 12.345, 1234.5, NaN, undefined].map(formatNumber),
    ["0.12", "12.3", "1235", "-", "-"],
  );
});

Deno.test("tables are aligned", () => {
  assertEquals(layOut(["what", "ms"], [["a", "1.00"], ["long name", "2"]]), [
    "| what      |   ms |",
    "| --------- | ---: |",
    "| a         | 1.00 |",
    "| long name |    2 |",
  ]);
});

Deno.test("a value that is lost to a peer stands in the table", () => {
  const [line = ""] = targetTable([{ key: "cli/crun", value: 9.5 }])
    .filter((each) => each.includes("CLI attached exec / crun  "));
  assertStringIncludes(line, "9.50");
  assertStringIncludes(line, "NO");
});

Deno.test("a value that was not measured is told", () => {
  const lines = targetTable([]);
  assertEquals(lines.length, TARGETS.length + 2);
  for (const line of lines.slice(2)) assertStringIncludes(line, " - ");
});

Deno.test("a contender that is not there says why", () => {
  const lines = figureTable({
    id: "x",
    title: "Starts",
    unit: "ms",
    lines: [
      lineOf("API", [1, 2, 3], { cpu: 4 }),
      { label: "CLI", note: "not made" },
    ],
  });
  assertEquals(lines[0], "**Starts**");
  assertStringIncludes(lines[4] ?? "", "| API");
  assertStringIncludes(lines[4] ?? "", "4 |");
  assertStringIncludes(lines[5] ?? "", "| CLI: not made |");
});

Deno.test("a report tells when, where and what failed", () => {
  const results: Results = {
    setting: {
      date: "2015-06-22T10:20:30.000Z",
      machine: "a machine",
      cgroups: "version 2",
      loadBefore: 0.25,
      versions: { deno: "2", crun: "1" },
    },
    seconds: 61.4,
    failures: ["api: broken"],
    figures: [],
    checks: [],
  };
  const text = report(results);
  for (
    const part of [
      "2015-06-22 10:20 UTC, 61 s",
      "a machine",
      "deno 2, crun 1",
      "0.25",
      "FAILED: api: broken",
    ]
  ) assertStringIncludes(text, part);
});

function runOf(version: string, value: number): Results {
  return {
    setting: {
      date: "2015-06-22T10:20:30.000Z",
      machine: "a machine",
      cgroups: "version 2",
      loadBefore: 0,
      versions: { nsinit: version },
    },
    seconds: 1,
    failures: [],
    figures: [],
    checks: [{ key: "api/crun", value }],
  };
}

Deno.test("what holds must hold in the run before as well", () => {
  const verdictOf = (first: number, second: number): string => {
    const text = report(withBefore(runOf("1+", second), runOf("1", first)));
    assertStringIncludes(text, "- Run before: 2015-06-22 10:20 UTC");
    const [line = ""] = text.split("\n")
      .filter((each) => each.startsWith("| API start→exit / spawned crun, b"));
    const [, , now, before, , , verdict] = line.split("|")
      .map((cell) => cell.trim());
    assertEquals([now, before], [second, first].map(formatNumber));
    return verdict ?? "";
  };
  assertEquals(verdictOf(0.2, 0.2), "yes, and the aim");
  assertEquals(verdictOf(0.35, 0.2), "yes");
  assertEquals(verdictOf(0.2, 0.5), "NO");
  assertEquals(verdictOf(0.5, 0.2), "NO");
});

Deno.test("a run of another version is not the run before", () => {
  const text = report(withBefore(runOf("2", 0.2), runOf("1", 0.9)));
  assert(!text.includes("un before"));
  const [line = ""] = text.split("\n")
    .filter((each) => each.startsWith("| API start→exit / spawned crun, b"));
  assertStringIncludes(line, "yes, and the aim");
});

Deno.test("a value without a target is judged in no run", () => {
  assert(TARGETS.some(({ must }) => must === undefined));
  const measured = TARGETS.map(({ key }) => ({ key, value: 1 }));
  for (const before of [undefined, measured]) {
    const verdicts = targetTable(measured, before).slice(2)
      .map((line) => line.split("|").at(-2)?.trim());
    assertEquals(
      verdicts.map((verdict) => verdict === ""),
      TARGETS.map(({ must }) => must === undefined),
    );
  }
});

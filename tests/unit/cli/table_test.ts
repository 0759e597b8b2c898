import { assert, assertEquals } from "@std/assert";
import { formatTable, paintText } from "../../../lib/cli/table.ts";
import { cutText, textWidth } from "../../../lib/cli/text_width.ts";

const HEADER = ["ID", "STATUS", "DIRECTORY"];
const ROWS = [
  ["demo", "running", "/srv/containers/of/somebody/demo"],
  ["a-container-with-a-long-name", "paused", "/srv"],
];

Deno.test("formatTable aligns columns and ends no line in blanks", () => {
  assertEquals(
    formatTable(["A", "B"], [["1", ""], ["333", "4"]]),
    "A    B\n1\n333  4",
  );
});

Deno.test("formatTable cuts the last column first", () => {
  const lines = formatTable(HEADER, ROWS, { width: 60 }).split("\n");
  assertEquals(Math.max(...lines.map((line) => line.length)), 60);
  assertEquals(
    lines[1],
    "demo                          running  /srv/containers/of/s\u2026",
  );
  assert(lines[2]?.startsWith("a-container-with-a-long-name  "));
});

Deno.test("formatTable cuts the widest columns when the last is narrow", () => {
  const lines = formatTable(HEADER, ROWS, { width: 40 }).split("\n");
  assertEquals(Math.max(...lines.map((line) => line.length)), 40);
  assert(lines[2]?.startsWith("a-container-with-a-l\u2026  paused"), lines[2]);
});

Deno.test("formatTable fits a list into 40 columns", () => {
  const header = ["ID", "PID", "STATUS", "CREATED", "DIRECTORY"];
  const row = ["demo-with-a-long-name", "12345", "checkpointed"]
    .concat("2026-01-02T03:04:05.678Z", "/srv/containers/demo");
  const [heading, line] = formatTable(header, [row], { width: 40 }).split("\n");
  assertEquals([heading?.length, line?.length], [40, 40]);
  assertEquals(
    line,
    "demo-w\u2026  12345  checkp\u2026  2026-0\u2026  /srv/\u2026",
  );
});

Deno.test("formatTable leaves something to read on the narrowest terminal", () => {
  for (const width of [1, 10, 20]) {
    const lines = formatTable(HEADER, ROWS, { width }).split("\n");
    assert(lines[1]?.startsWith("demo      running  /srv/co\u2026"), lines[1]);
  }
});

Deno.test("formatTable counts the columns of wide and of no characters", () => {
  assertEquals([textWidth("\u5bb9\u5668"), textWidth("e\u0301")], [4, 1]);
  assertEquals(cutText("\u5bb9\u5668\u5bb9", 4), "\u5bb9\u2026");
  assertEquals(cutText("abcd", 4), "abcd");
  assertEquals(
    formatTable(["A", "B"], [["\u5bb9", "1"], ["x", "2"]]),
    "A   B\n\u5bb9  1\nx   2",
  );
});

Deno.test("formatTable colours cells without moving columns", () => {
  const style = {
    colour: true,
    paint: (heading: string) => heading === "B" ? "green" as const : undefined,
  };
  assertEquals(
    formatTable(["A", "B"], [["1", "2"]], style),
    "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n1  \x1b[32m2\x1b[0m",
  );
  assertEquals(paintText("a", undefined), "a");
});

Deno.test("formatTable escapes what a cell would do to the terminal", () => {
  const text = formatTable(["A"], [["\x1b[2J"]], { colour: true, width: 40 });
  assertEquals(text.split("\n")[1], "\\u001b[2J");
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { compactBytes, placeColumns } from "../../../../lib/cli/top/columns.ts";
import { FIRST_VIEW, type View } from "../../../../lib/cli/top/control.ts";
import type { Row } from "../../../../lib/cli/top/model.ts";
import {
  drawScreen,
  drawTable,
  type Screen,
} from "../../../../lib/cli/top/screen.ts";
import { sparkline } from "../../../../lib/cli/top/sparkline.ts";
import { displayWidth, fit, plainText } from "../../../../lib/cli/top/text.ts";

const MIB = 1048576;

function row(id: string, changes: Partial<Row> = {}): Row {
  return {
    summary: {
      id,
      pid: 7,
      status: "running",
      directory: "/srv",
      created: "2026-01-01T00:00:00Z",
    },
    startTime: "1",
    command: "sleep 1000",
    history: [0, 50, 100],
    cpu: 42.25,
    memory: 60 * MIB,
    memoryLimit: 64 * MIB,
    tasks: 3,
    tasksLimit: 100,
    ioRead: 1536,
    ioWritten: 0,
    received: 10,
    sent: 2048,
    ...changes,
  };
}

function paused(id: string): Row {
  const { summary, ...rest } = row(id);
  return { ...rest, summary: { ...summary, status: "paused" } };
}

const SCREEN: Screen = {
  columns: 80,
  rows: 8,
  isColour: false,
  isUnicode: true,
};

/** Without what changes attributes. */
function plain(line: string): string {
  return line.replaceAll(new RegExp("\x1b\\[[0-9;]*m", "g"), "");
}

function draw(
  rows: readonly Row[],
  view: Partial<View> = {},
  screen: Partial<Screen> = {},
): string[] {
  const all = { ...SCREEN, ...screen };
  return drawScreen(rows, rows, { ...FIRST_VIEW, ...view }, all, "12:00:00");
}

Deno.test("drawScreen shows every figure in 80 columns", () => {
  const lines = draw([row("demo"), paused("other")]).map(plain);
  assertEquals(lines.map((line) => line.trimEnd()), [
    "nsinit top  12:00:00  1 running, 1 paused; by cpu",
    "cpu 84.5 %  memory 120M  pids 6  read 3K/s  written 0/s  recv 20/s  sent 4K/s",
    "ID         CPU% CPU       MEM LIMIT    PIDS READ/s WRITE/s RECV/s SENT/s STATUS",
    "demo       42.3      ▄█   60M   64M   3/100   1.5K       0     10     2K running",
    "other      42.3      ▄█   60M   64M   3/100   1.5K       0     10     2K paused",
    "",
    "",
    "q quit  h help  arrows choose  p pause  k end  c m t i n d sort",
  ]);
});

Deno.test("drawScreen fits every size", () => {
  const rows = Array.from({ length: 30 }, (_, at) => row(`container-${at}`));
  const long = row("x".repeat(300), { command: "日本".repeat(99) });
  for (
    const question of [undefined, {
      verb: "kill",
      id: "x".repeat(300),
      startTime: "1",
    }] as const
  ) {
    for (let columns = 1; columns < 160; columns += 7) {
      for (let height = 1; height < 12; height++) {
        const view = question ? { question } : {};
        const size = { columns, rows: height };
        const lines = draw([...rows, long], view, size).map(plain);
        assertEquals(lines.length, height);
        const widest = Math.max(...lines.map(displayWidth));
        assert(widest <= columns, `${columns}x${height}: ${widest}`);
      }
    }
  }
});

Deno.test("drawScreen keeps what a container says in its place", () => {
  const command = "\x1b[2J\r\n\x9b31m\u202e\u200b\u0301";
  const message = "Cannot pause \x1b]0;x\x07";
  const lines = draw([row("demo", { command })], { message }, { columns: 200 });
  for (const line of lines.map(plain)) {
    assert(!/[\p{Cc}\p{Cf}\p{M}]/u.test(line), JSON.stringify(line));
  }
  assertEquals(lines.length, SCREEN.rows);
});

Deno.test("drawScreen uses colour only where it is wanted", () => {
  const rows = [row("demo"), paused("other")];
  const codes = (isColour: boolean): string[] =>
    draw(rows, {}, { isColour }).flatMap((line) =>
      [...line.matchAll(new RegExp("\x1b\\[([0-9;]+)m", "g"))]
        .map(([, code = ""]) => code)
    ).filter((code) => code !== "0");
  assertEquals(codes(false), ["1", "7"]);
  // Memory near its limit is red, what is paused yellow.
  assertEquals(codes(true), ["1", "7", "31", "33"]);
});

Deno.test("drawScreen keeps the chosen container in sight", () => {
  const rows = Array.from({ length: 30 }, (_, at) => row(`c${at}`));
  const lines = draw(rows, { chosen: "c29" });
  const body = lines.slice(3, -1).map(plain).map((line) => line.split(" ")[0]);
  assertEquals(body, ["c26", "c27", "c28", "c29"]);
  assert(lines.at(-2)?.startsWith("\x1b[7m"));
  const ids = draw(rows, { chosen: "c1" }).slice(3, -1).map((line) =>
    plain(line).split(" ")[0]
  );
  assertEquals(ids, ["c0", "c1", "c2", "c3"]);
});

Deno.test("drawScreen asks before it kills, also on the smallest screen", () => {
  const question = { verb: "kill", id: "demo", startTime: "1" } as const;
  assertMatch(
    plain(draw([row("demo")], { question }, { rows: 1 })[0] ?? ""),
    /^Kill demo \(SIGKILL\)\? y or n/,
  );
  const gentle = { ...question, verb: "terminate" } as const;
  assertMatch(
    plain(draw([row("demo")], { question: gentle }).at(-1) ?? ""),
    /^End demo \(SIGTERM\)\? y or n/,
  );
});

Deno.test("drawScreen explains keys, and says when there is nothing", () => {
  const help = draw([row("demo")], { showsHelp: true }, { rows: 20 });
  assert(
    help.map(plain).some((line) => line.startsWith("  q           leave")),
  );
  assertEquals(
    plain(help.at(-1) ?? "").trim(),
    "any key goes back to the table",
  );
  assertMatch(draw([])[3] ?? "", /^No container runs/);
});

Deno.test("drawTable is plain text of its natural width", () => {
  const { cpu: _, ...young } = row("b");
  assertEquals(
    drawTable([row("demo"), young], Infinity),
    `ID         CPU%   MEM LIMIT    PIDS READ/s WRITE/s RECV/s SENT/s STATUS       COMMAND
demo       42.3   60M   64M   3/100   1.5K       0     10     2K running      sleep 1000
b             -   60M   64M   3/100   1.5K       0     10     2K running      sleep 1000`,
  );
});

Deno.test("placeColumns shows whole ids before commands", () => {
  const titles = (id: string, columns: number): string[] =>
    placeColumns([row(id)], columns, true).map(({ title }) => title);
  assertEquals(titles("demo", 92).at(-1), "COMMAND");
  assertEquals(titles("x".repeat(40), 92).includes("COMMAND"), false);
  const [id] = placeColumns([row("x".repeat(40))], 200, true);
  assertEquals(id?.width, 40);
});

Deno.test("tasks and their limit share a cell where they fit", () => {
  const cell = (tasks: number, tasksLimit: number): string => {
    const line = drawTable([row("demo", { tasks, tasksLimit })], Infinity);
    return line.split("\n")[1]?.split(/ +/)[4] ?? "";
  };
  assertEquals([cell(12, 4096), cell(1234, 4096)], ["12/4096", "1234"]);
});

Deno.test("compactBytes takes four characters at most", () => {
  const cases: [number | undefined, string][] = [
    [undefined, "-"],
    [0, "0"],
    [999, "999"],
    [1000, "1K"],
    [10_188, "9.9K"],
    [10_240, "10K"],
    [2 ** 60, "1E"],
  ];
  for (const [bytes, text] of cases) assertEquals(compactBytes(bytes), text);
  for (let bytes = 1; bytes < 2 ** 62; bytes *= 1.37) {
    assert(compactBytes(bytes).length <= 4, compactBytes(bytes));
  }
});

Deno.test("sparkline shows the newest on the right, and what is there at all", () => {
  const bars = (values: number[], width: number, isUnicode = true): string =>
    sparkline(values, width, { full: 100, isUnicode });
  assertEquals(bars([0, 0.1, 25, 50, 75, 100], 8), "   ▁▂▄▆█");
  assertEquals(bars([100, 0, 100], 2), " █");
  assertEquals(bars([100, 200], 2), "▄█");
  assertEquals(bars([0, 50, 100], 3, false), " =@");
  assertEquals(bars([1, 2], 0), "");
});

Deno.test("texts are cut by the places that they take", () => {
  assertEquals(displayWidth("日本a"), 5);
  assertEquals(fit("日本", 3), "日 ");
  assertEquals(fit("日本", 5, "right"), " 日本");
  assertEquals(fit("abc", 0), "");
  assertEquals(plainText("a\u0301\u200d\ue000\t"), "a???\\u0009");
});

import { assertEquals } from "@std/assert";
import type { Stats } from "../../../../lib/stats/types.ts";
import {
  FIRST_VIEW,
  react,
  type View,
} from "../../../../lib/cli/top/control.ts";
import { KeyReader } from "../../../../lib/cli/top/keys.ts";
import { type Row, Sampler, sortRows } from "../../../../lib/cli/top/model.ts";

type Status = Row["summary"]["status"];

function summary(id: string, status: Status = "running"): Row["summary"] {
  return { id, pid: 7, status, directory: "", created: "" };
}

function row(id: string, status: Status = "running"): Row {
  return {
    summary: summary(id, status),
    startTime: "9",
    command: "",
    history: [],
  };
}

const ROWS = [row("a"), row("b"), row("c", "stopped")];

/** Presses keys one after the other. */
function press(...keys: readonly string[]): ReturnType<typeof react> {
  let view: View = FIRST_VIEW;
  let last: ReturnType<typeof react> = { view };
  for (const key of keys) {
    last = react(view, key, ROWS);
    view = last.view;
  }
  return last;
}

Deno.test("keys of a terminal are read, however they are cut", () => {
  const bytes = new TextEncoder().encode("q\x1b[A\x1bOB\x1b[5~\x1b[1;5Cä\x03");
  const keys = ["q", "up", "down", "page-up", "ä", "\x03"];
  assertEquals(new KeyReader().take(bytes), keys);
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at - 1] === 0x1b && at === 1) continue;
    const reader = new KeyReader();
    const parts = [bytes.subarray(0, at), bytes.subarray(at)];
    assertEquals(parts.flatMap((part) => reader.take(part)), keys, `${at}`);
  }
});

Deno.test("an escape alone is a key, and a broken sequence is none", () => {
  const take = (text: string): string[] =>
    new KeyReader().take(new TextEncoder().encode(text));
  assertEquals(take("\x1b"), ["escape"]);
  assertEquals(take(`\x1b[${"0".repeat(40)}`).length, 41);
});

Deno.test("arrows choose, and stay within the table", () => {
  assertEquals(press("down").view.chosen, "a");
  assertEquals(press("down", "down", "up").view.chosen, "a");
  assertEquals(press("up").view.chosen, "c");
  assertEquals(press("end", "down").view.chosen, "c");
  assertEquals(press("end", "page-up").view.chosen, "a");
  assertEquals(press("home", "escape").view.chosen, undefined);
  assertEquals(react(FIRST_VIEW, "down", []).view.chosen, undefined);
});

Deno.test("keys sort, reverse and show all", () => {
  const sorts = ["c", "m", "t", "i", "n", "d"].map((key) =>
    press(key).view.sort
  );
  assertEquals(sorts, ["cpu", "memory", "tasks", "io", "network", "id"]);
  assertEquals(press("r").view.isReversed, true);
  assertEquals(press("r", "m").view.isReversed, false);
  assertEquals(press("a").view.showsAll, true);
  assertEquals(press("?", "x").view.showsHelp, false);
});

Deno.test("nothing ends without a yes", () => {
  for (const [key, verb] of [["k", "terminate"], ["K", "kill"]] as const) {
    const deed = { verb, id: "b", startTime: "9" };
    const asked = press("down", "down", key);
    assertEquals([asked.deed, asked.view.question], [undefined, deed]);
    assertEquals(press("down", "down", key, "y").deed, deed);
    for (const other of ["n", "k", "K", "q", "\r", " ", "escape", "down"]) {
      const { deed, view, end } = press("down", "down", key, other);
      assertEquals([deed, view.question, end], [
        undefined,
        undefined,
        undefined,
      ]);
    }
  }
});

Deno.test("what is done concerns a chosen container that runs", () => {
  for (const key of ["p", "k", "K"]) {
    assertEquals(press(key).view.message, "Choose a container with the arrows");
    assertEquals(press("end", key).view.message, "c does not run");
    assertEquals(press("end", key).view.question, undefined);
  }
  const toggle = { verb: "toggle", id: "a", startTime: "9" } as const;
  assertEquals(press("down", "p").deed, toggle);
});

Deno.test("q, Ctrl-C and Ctrl-Z leave, the last two from everywhere", () => {
  assertEquals(press("q").end, "quit");
  assertEquals(press("down", "k", "\x03").end, "quit");
  assertEquals(press("h", "\x03").end, "quit");
  assertEquals(press("\x1a").end, "suspend");
});

function stats(time: number, changes: Partial<Stats> = {}): Stats {
  const usage = { total: time * 500_000, user: 0, kernel: 0 };
  return { time, cpu: { usage }, ...changes };
}

function sample(sampler: Sampler, id: string, at: Stats, startTime = "1"): Row {
  const reading = { summary: summary(id), startTime, command: "", stats: at };
  const [row] = sampler.rows([reading]);
  if (!row) throw new Error("no row");
  return row;
}

Deno.test("rates are differences over time", () => {
  const sampler = new Sampler();
  const [lo, eth0] = ["lo", "eth0"].map((name) => ({
    name,
    rxBytes: 0,
    rxPackets: 0,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  }));
  if (!lo || !eth0) throw new Error("no interfaces");
  const first = sample(sampler, "a", stats(1000, { interfaces: [lo, eth0] }));
  assertEquals([first.cpu, first.received, first.history], [
    undefined,
    undefined,
    [],
  ]);
  const second = sample(
    sampler,
    "a",
    stats(3000, {
      interfaces: [{ ...lo, rxBytes: 999 }, { ...eth0, rxBytes: 4096n }],
    }),
  );
  assertEquals([second.cpu, second.received, second.sent], [50, 2048, 0]);
  assertEquals(second.history, [50]);
});

Deno.test("rates begin anew with another process, and never go below 0", () => {
  const sampler = new Sampler();
  sample(sampler, "a", stats(1000));
  assertEquals(sample(sampler, "a", stats(2000), "2").cpu, undefined);
  const back = { cpu: { usage: { total: 0, user: 0, kernel: 0 } } };
  assertEquals(sample(sampler, "a", stats(3000, back), "2").cpu, 0);
  assertEquals(sample(sampler, "a", stats(3000), "2").cpu, undefined);
});

Deno.test("the largest number that stands for no limit is none", () => {
  const usage = { usage: 1, failcnt: 0, limit: 9223372036854771712n };
  const memory = { usage, cache: 0, rss: 0, raw: {} };
  const row = sample(new Sampler(), "a", stats(1, { memory }));
  assertEquals([row.memory, row.memoryLimit], [1, undefined]);
});

Deno.test("sortRows puts the largest first, and the unknown last", () => {
  const rows: Row[] = [
    row("c"),
    { ...row("b"), cpu: 1, ioWritten: 5, ioRead: 0 },
    { ...row("a"), cpu: 1, memory: 2, tasks: 1, received: 0, sent: 1 },
  ];
  const ids = (...args: [Parameters<typeof sortRows>[1], boolean]): string =>
    sortRows(rows, ...args).map(({ summary }) => summary.id).join("");
  assertEquals(ids("cpu", false), "abc");
  assertEquals(ids("cpu", true), "cba");
  assertEquals(ids("io", false), "bac");
  assertEquals(ids("network", false), "abc");
  assertEquals(ids("memory", false), "abc");
  assertEquals(ids("id", true), "cba");
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Bench } from "../../bench/bench.ts";
import { TextLineStream } from "../../bench/lines.ts";
import { readCounts } from "../../bench/sections/work.ts";
import { checkRatio, linesOf, takeTurns } from "../../bench/turns.ts";

function makeBench(signal = new AbortController().signal): Bench {
  return {
    dir: "/nowhere",
    rootfs: "/nowhere/rootfs",
    parent: "/bench",
    hierarchies: [],
    isQuick: false,
    programs: new Map(),
    signal,
  };
}

Deno.test("each variant runs once in each turn, and its values stay in pairs", async () => {
  let clock = 0;
  const seen: string[] = [];
  const variant = (name: string, factor: number) => ({
    names: [name, `${name} twice`],
    run: () => {
      seen.push(name);
      const ms = factor * Math.ceil(++clock / 2);
      return Promise.resolve([ms, 2 * ms]);
    },
  });
  const variants = [variant("ours", 1), variant("theirs", 4)];
  const samples = await takeTurns(makeBench(), variants, { turns: 10 });

  assertEquals(samples.get("ours")?.length, 10);
  for (let at = 0; at < seen.length; at += 2) {
    assert(seen[at] !== seen[at + 1], "a variant runs twice in a turn");
  }
  assertEquals(checkRatio("x", samples, "ours", "theirs"), [
    { key: "x", value: 0.25 },
  ]);
  assertEquals(
    linesOf(variants, samples).map(({ label }) => label),
    ["ours", "ours twice", "theirs", "theirs twice"],
  );
});

Deno.test("without the other there is nothing to compare", () => {
  assertEquals(checkRatio("x", new Map([["ours", [1]]]), "ours", "crun"), []);
});

Deno.test("an interrupted run takes no further turn", async () => {
  const stop = new AbortController();
  let runs = 0;
  const variant = {
    names: ["ours"],
    run: () => {
      if (++runs === 5) stop.abort(new Error("interrupted"));
      return Promise.resolve([1]);
    },
  };
  const turns = takeTurns(makeBench(stop.signal), [variant], { turns: 100 });
  await assertRejects(() => turns, Error, "interrupted");
  assertEquals(runs, 5);
});

Deno.test("lines are cut wherever their pieces end", async () => {
  const lines = await Array.fromAsync(
    ReadableStream.from(["on", "e\ntwo\nth", "ree\nrest"])
      .pipeThrough(new TextLineStream()),
  );
  assertEquals(lines, ["one", "two", "three"]);
});

Deno.test("what a program finds inside is read by its place", () => {
  const counts = readCounts("25\n9\n15\n1\n2\n00000000a80425fb\n1024\n1\n");
  assertEquals(counts["mounts"], 25);
  assertEquals(counts["capabilities"], 14);
  assertEquals(counts["open files"], 1024);
  assertEquals(counts["interfaces"], 1);
});

/**
 * 1,000 containers that one program waits for.
 *
 * @module
 */
import type { Bench } from "../bench.ts";
import { type Found, lineOf } from "../results.ts";
import { Agent } from "../spawn_agent.ts";
import { median } from "../statistics.ts";
import type { WaitsFound } from "../waits.ts";

const COUNT = 1000;
const QUICK_COUNT = 100;

/** Measures in a program of its own. */
export async function waitsSection(bench: Bench): Promise<Found> {
  const count = bench.isQuick ? QUICK_COUNT : COUNT;
  await using agent = new Agent(bench, { kind: "waits", count });
  const found = await agent.answer<WaitsFound>();
  const note = bench.isQuick ? { note: `${count} waits` } : {};
  const perContainer = ([before, meanwhile]: readonly [number, number]) =>
    (meanwhile - before) / 1024 / count;
  return {
    figures: [{
      id: "waits",
      title: `Other work of a program that waits for ${
        count.toLocaleString("en")
      } containers`,
      unit: "ms",
      lines: [
        lineOf("file read, no container", found.reads[0]),
        lineOf("file read meanwhile", found.reads[1]),
        lineOf("timer's delay, no container", found.lags[0]),
        lineOf("timer's delay meanwhile", found.lags[1]),
        lineOf("all killed, until all ends were known", [found.endsMs]),
      ],
    }],
    checks: [
      { key: "heap", value: perContainer(found.heap), ...note },
      { key: "rss", value: perContainer(found.rss), ...note },
      { key: "threads", value: found.threads[1] - found.threads[0], ...note },
      { key: "read", value: median(found.reads[1]), ...note },
      { key: "lag", value: median(found.lags[1]), ...note },
    ],
  };
}

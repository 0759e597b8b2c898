/**
 * `nsinit stats`: prints what a container uses.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { ID_OPTION } from "../id_option.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { formatJson } from "../output.ts";
import { type Target, withTarget } from "../target.ts";
import { terminalStyle } from "../terminal.ts";

const INTERVALS = { min: 100, max: 86_400_000 } as const;
const DEFAULT_INTERVAL = "1s";

function intervalOf({ values }: Invocation): number | undefined {
  if (values.flag("stream")) {
    if (values.has("format") && values.text("format") !== "json") {
      throw new UsageError(
        "--stream prints JSON: leave --format table out; " +
          "nsinit top shows a live table",
      );
    }
    const text = values.text("interval") ?? DEFAULT_INTERVAL;
    return parseDuration("interval", text, INTERVALS);
  }
  if (values.has("interval")) {
    throw new UsageError("--interval has a meaning with --stream only");
  }
  return undefined;
}

async function stream(
  { output }: Invocation,
  { stateRoot, id }: Target,
  intervalMs: number,
): Promise<void> {
  const [{ watchStats }, { loadRunning }, { statsToJson }] = await Promise.all([
    import("../../container/stats_stream.ts"),
    import("../../container/inspect.ts"),
    import("../stats_json.ts"),
  ]);
  const state = await loadRunning(stateRoot, id);
  for await (const stats of watchStats(state, intervalMs)) {
    await output.result(formatJson(statsToJson(id, stats), 0));
    if (!output.hasReader) return;
  }
}

async function once(
  { values, output }: Invocation,
  { stateRoot, id }: Target,
): Promise<void> {
  const { statsOf } = await import("../../container/stats.ts");
  const stats = await statsOf(stateRoot, id);
  if (values.text("format") === "json") {
    const { statsToJson } = await import("../stats_json.ts");
    await output.result(formatJson(statsToJson(id, stats)));
  } else {
    const { formatStats } = await import("../stats_table.ts");
    await output.result(formatStats(stats, terminalStyle()));
  }
}

async function stats(invocation: Invocation): Promise<number> {
  const interval = intervalOf(invocation);
  await withTarget(
    invocation,
    0,
    (target) =>
      interval === undefined
        ? once(invocation, target)
        : stream(invocation, target, interval),
  );
  return 0;
}

/** Declaration of `stats`. */
export const COMMAND: Command = {
  name: "stats",
  summary:
    "Print what a container uses: cpu, memory, processes, devices, network",
  usage: "[flags] [ID]",
  details: [
    "JSON has the keys of nsinit 2, and further ones; times are in " +
    "nanoseconds, sizes in bytes. A stream ends when the container does.",
  ],
  options: [
    ID_OPTION,
    FORMAT_OPTION,
    {
      name: "stream",
      type: "boolean",
      doc: "go on until the container ends, one JSON object a line",
    },
    {
      name: "interval",
      type: "text",
      metavar: "TIME",
      doc: `time between two lines of --stream (default ${DEFAULT_INTERVAL})`,
    },
  ],
  usesDirectory: true,
  examples: [
    { doc: "as data", line: "nsinit stats --format json demo" },
    {
      doc: "memory in use, every ten seconds",
      line: "nsinit stats --stream --interval 10s | " +
        "jq .CgroupStats.memory_stats.rss",
    },
  ],
  action: stats,
};

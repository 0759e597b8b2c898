/**
 * `events`: prints what a container uses, and that it ran out of memory.
 *
 * @module
 */
import { parseDuration } from "../../cli/duration.ts";
import { formatJson } from "../../cli/output.ts";
import { watchOom } from "../../container/memory_events.ts";
import { collectStats } from "../../container/stats.ts";
import { watchStats } from "../../container/stats_stream.ts";
import type { StoredState } from "../../container/store_types.ts";
import { HostError, StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import type { Log } from "../log.ts";
import { loadOci, ociStatusOf } from "../state.ts";
import { oomEvent, statsEvent, type StatsJson } from "../stats_json.ts";

const INTERVALS = { min: 1, max: 24 * 3_600_000 };

function print(log: Log, event: StatsJson): void {
  log.result(formatJson(event, 0));
}

async function printStats(
  state: StoredState,
  intervalMs: number,
  log: Log,
): Promise<void> {
  for await (const stats of watchStats(state, intervalMs)) {
    print(log, statsEvent(state.id, stats));
    if (!log.hasReader) return;
  }
}

/** One without a memory group tells nothing of memory. */
async function printOoms(state: StoredState, log: Log): Promise<void> {
  try {
    for await (const { count } of watchOom(state)) {
      for (let told = 0; told < count; told++) print(log, oomEvent(state.id));
    }
  } catch (error) {
    const isExpected = error instanceof HostError ||
      error instanceof StateError; // no such group; ended since
    if (!isExpected) throw error;
  }
}

async function events(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [id], values, log } = invocation;
  const intervalMs = parseDuration(
    "interval",
    values.text("interval") ?? "",
    INTERVALS,
  );
  const state = await loadOci(stateRoot, id);
  if (ociStatusOf(state) === "stopped") {
    throw new StateError(
      "ContainerNotRunning",
      `container not running: container with id ${state.id} is not running`,
      { context: { id: state.id } },
    );
  }
  if (values.flag("stats")) {
    print(log, statsEvent(state.id, collectStats(state)));
    return 0;
  }
  const ooms = printOoms(state, log);
  await printStats(state, intervalMs, log);
  if (log.hasReader) await ooms;
  return 0;
}

/** Declaration of `events`. */
export const COMMAND: OciCommand = {
  name: "events",
  summary: "Print statistics of a container, and each want of memory, as JSON",
  usage: "[options] ID",
  options: [
    {
      name: "interval",
      type: "text",
      metavar: "DURATION",
      default: "5s",
      doc: "time between two lines of statistics (default 5s)",
    },
    {
      name: "stats",
      type: "boolean",
      doc: "print the statistics once and return",
    },
  ],
  arity: [1, 1],
  action: events,
};

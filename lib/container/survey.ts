/**
 * One look at many containers.
 *
 * @module
 */
import type { Stats } from "../stats/types.ts";
import { loadState } from "./inspect.ts";
import { type ContainerSummary, summarize } from "./list.ts";
import { isRunning } from "./phase.ts";
import { readQuickly } from "./group_files.ts";
import { collectStats, type FileNames } from "./stats.ts";
import { listIds, readState, stateDirectory } from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** One container at one moment. */
export interface ContainerReading {
  /** Which it is, and what it does. */
  readonly summary: ContainerSummary;
  /** Tells a first process from a later one with the same id. */
  readonly startTime: string;
  /** Beginning of the first process's command line, which that may have changed to anything; empty without a process. */
  readonly command: string;
  /** What it uses of cpu, memory, tasks, devices and network, and no more; absent when it does not run. */
  readonly stats?: Stats;
}

/** What one look has found. */
export interface Survey {
  /** The containers, sorted by id. */
  readonly readings: readonly ContainerReading[];
  /** What could not be read; other containers are told of all the same. */
  readonly problems: readonly unknown[];
}

/** Longest part of a command line that is kept, in characters. */
const MAX_COMMAND = 256;
/** So many are read before something else gets its turn. */
const BATCH = 64;

/** Files that tell it: a look at a thousand containers reads no others. */
const FILES: FileNames = {
  1: new Set([
    "cpuacct.usage",
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
    "pids.current",
    "pids.max",
    "blkio.bfq.io_service_bytes_recursive",
    "blkio.throttle.io_service_bytes_recursive",
    "blkio.throttle.io_service_bytes",
  ]),
  2: new Set([
    "cpu.stat",
    "memory.current",
    "memory.max",
    "pids.current",
    "pids.max",
    "io.stat",
  ]),
};

function commandOf(pid: number): string {
  try {
    const text = readQuickly(`/proc/${pid}/cmdline`) ?? "";
    return text.slice(0, MAX_COMMAND).replace(/\0+$/, "").replaceAll("\0", " ");
  } catch {
    return ""; // it has ended since, or made its command line endless
  }
}

function readingOf(state: StoredState): ContainerReading {
  const { startTime } = state;
  const summary = summarize(state);
  if (summary.pid === 0) return { summary, startTime, command: "" };
  try {
    const stats = collectStats(state, FILES);
    return { summary, startTime, command: commandOf(state.pid), stats };
  } catch (error) {
    if (isRunning(state)) throw error;
    return { summary: summarize(state), startTime, command: "" };
  }
}

/**
 * Looks at containers: what they do and what they use. Changes nothing; what
 * killed owners left is shown as stopped.
 *
 * @param stateRoot State root.
 * @param only Ids of those that are looked at; all unless given.
 * @returns What was found; containers that are gone are left out.
 * @throws {StateError} `InvalidIdFormat` for a bad id.
 *
 * @example
 * ```ts ignore
 * const { readings } = await surveyContainers("/run/nsinit");
 * for (const { summary, stats } of readings) console.log(summary.id, stats?.pids?.current);
 * ```
 */
export async function surveyContainers(
  stateRoot: string,
  only?: readonly string[],
): Promise<Survey> {
  const readings: ContainerReading[] = [];
  const problems: unknown[] = [];
  const ids = only?.toSorted() ?? await listIds(stateRoot);
  for (const [at, id] of ids.entries()) {
    if (at % BATCH === BATCH - 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    try {
      const state = await readState(stateDirectory(stateRoot, id));
      if (state) readings.push(readingOf(state));
    } catch (error) {
      problems.push(error);
    }
  }
  return { readings, problems };
}

/**
 * Loads the state of a container if it is still the same run.
 *
 * @param stateRoot State root.
 * @param id Its id.
 * @param startTime Start time of its first process.
 * @returns Its state; undefined when another has the id by now, or none.
 * @throws {StateError} `ContainerNotExists` if there is none.
 *
 * @example
 * ```ts ignore
 * const state = await loadSameRun("/run/nsinit", "demo", reading.startTime);
 * ```
 */
export async function loadSameRun(
  stateRoot: string,
  id: string,
  startTime: string,
): Promise<StoredState | undefined> {
  const state = await loadState(stateRoot, id);
  return isRunning(state) && state.startTime === startTime ? state : undefined;
}

/**
 * From readings of containers to the rows of `top`. Pure.
 *
 * @module
 */
import type { ContainerSummary } from "../../container/list.ts";
import type { ContainerReading } from "../../container/survey.ts";
import type { Stats } from "../../stats/types.ts";
import { blockTraffic } from "../stats_table.ts";

/** One line of the table. Rates are absent until a container was read twice. */
export interface Row {
  /** Which container, and what it does. */
  readonly summary: ContainerSummary;
  /** Tells a first process from a later one with the same id. */
  readonly startTime: string;
  /** Command line of the first process: foreign text. */
  readonly command: string;
  /** CPU time, in percent of one CPU. */
  readonly cpu?: number;
  /** CPU percentages so far, the newest last. */
  readonly history: readonly number[];
  /** Bytes of memory. */
  readonly memory?: number;
  /** Limit in bytes; absent when there is none. */
  readonly memoryLimit?: number;
  /** Processes and threads. */
  readonly tasks?: number;
  /** Limit; absent when there is none. */
  readonly tasksLimit?: number;
  /** Bytes read from block devices, a second. */
  readonly ioRead?: number;
  /** Bytes written to block devices, a second. */
  readonly ioWritten?: number;
  /** Bytes received by its interfaces but loopback, a second. */
  readonly received?: number;
  /** Bytes sent. */
  readonly sent?: number;
}

/** What the rows may be sorted by. */
export type SortKey = "cpu" | "memory" | "tasks" | "io" | "network" | "id";

const HISTORY = 60;
/** Limits from here on are none: version 1 writes the largest number of pages. */
const NO_LIMIT = 2 ** 60;

interface Totals {
  readonly time: number;
  readonly cpu?: number;
  readonly ioRead?: number;
  readonly ioWritten?: number;
  readonly received?: number;
  readonly sent?: number;
}

interface Known {
  readonly startTime: string;
  readonly totals: Totals;
  readonly history: readonly number[];
}

function totalsOf({ time, cpu, blkio, interfaces }: Stats): Totals {
  const traffic = blkio && blockTraffic(blkio);
  const outside = interfaces?.filter(({ name }) => name !== "lo");
  const sum = (of: (each: NonNullable<typeof outside>[number]) => number) =>
    outside?.reduce((all, each) => all + of(each), 0);
  return defined({
    time,
    cpu: cpu?.usage && Number(cpu.usage.total),
    ioRead: traffic?.read,
    ioWritten: traffic?.written,
    received: sum(({ rxBytes }) => Number(rxBytes)),
    sent: sum(({ txBytes }) => Number(txBytes)),
  });
}

/** Leaves out members that are undefined. */
function defined<T extends object>(
  members: { readonly [Name in keyof T]: T[Name] | undefined },
): T {
  const entries = Object.entries(members).filter(([, each]) =>
    each !== undefined
  );
  return Object.fromEntries(entries) as T;
}

/** How much more in a second; a counter that went back began anew. */
function rate(
  now: Totals,
  before: Totals | undefined,
  name: Exclude<keyof Totals, "time">,
): number | undefined {
  const [to, from] = [now[name], before?.[name]];
  const seconds = before ? (now.time - before.time) / 1000 : 0;
  if (to === undefined || from === undefined || seconds <= 0) return undefined;
  return Math.max(to - from, 0) / seconds;
}

function limitOf(limit: number | bigint | undefined): number | undefined {
  return limit === undefined || Number(limit) >= NO_LIMIT
    ? undefined
    : Number(limit);
}

/**
 * Makes rows of readings, and remembers them for the rates of the next.
 *
 * @example
 * ```ts ignore
 * const sampler = new Sampler();
 * sampler.rows(await survey(stateRoot));
 * ```
 */
export class Sampler {
  #known: ReadonlyMap<string, Known> = new Map();

  /**
   * Makes the rows of one look at all containers.
   *
   * @param readings One for each container.
   * @returns The rows, in the same order.
   */
  rows(readings: readonly ContainerReading[]): Row[] {
    const known = new Map<string, Known>();
    const rows = readings.map((reading) => {
      const { summary: { id }, startTime, stats } = reading;
      const before = this.#known.get(id);
      const same = before?.startTime === startTime ? before : undefined;
      if (!stats) return rowOf(reading, {}, []);
      const totals = totalsOf(stats);
      const cpuTime = rate(totals, same?.totals, "cpu");
      const cpu = cpuTime === undefined ? undefined : cpuTime / 1e7;
      const history = [
        ...same?.history ?? [],
        ...(cpu === undefined ? [] : [cpu]),
      ].slice(-HISTORY);
      known.set(id, { startTime, totals, history });
      const rates = {
        cpu,
        ioRead: rate(totals, same?.totals, "ioRead"),
        ioWritten: rate(totals, same?.totals, "ioWritten"),
        received: rate(totals, same?.totals, "received"),
        sent: rate(totals, same?.totals, "sent"),
      };
      return rowOf(reading, rates, history);
    });
    this.#known = known;
    return rows;
  }
}

type Rates = { readonly [Name in keyof Row]?: number | undefined };

function rowOf(
  { summary, startTime, command, stats }: ContainerReading,
  rates: Rates,
  history: readonly number[],
): Row {
  const { memory, pids } = stats ?? {};
  return defined<Row>({
    summary,
    startTime,
    command,
    history,
    cpu: rates.cpu,
    memory: memory && Number(memory.usage.usage),
    memoryLimit: limitOf(memory?.usage.limit),
    tasks: pids && Number(pids.current),
    tasksLimit: limitOf(pids?.limit),
    ioRead: rates.ioRead,
    ioWritten: rates.ioWritten,
    received: rates.received,
    sent: rates.sent,
  });
}

const VALUES: Readonly<Record<Exclude<SortKey, "id">, (row: Row) => number>> = {
  cpu: ({ cpu = -1 }) => cpu,
  memory: ({ memory = -1 }) => memory,
  tasks: ({ tasks = -1 }) => tasks,
  io: ({ ioRead = -1, ioWritten = 0 }) => ioRead + ioWritten,
  network: ({ received = -1, sent = 0 }) => received + sent,
};

/**
 * Sorts rows: the largest first, ids by the alphabet; equal ones by id.
 *
 * @param rows The rows; left as they are.
 * @param key What counts.
 * @param isReversed The other way round.
 * @returns The sorted rows.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sortRows } from "./model.ts";
 *
 * assertEquals(sortRows([], "cpu", false), []);
 * ```
 */
export function sortRows(
  rows: readonly Row[],
  key: SortKey,
  isReversed: boolean,
): Row[] {
  const byId = (a: Row, b: Row): number =>
    a.summary.id < b.summary.id ? -1 : a.summary.id > b.summary.id ? 1 : 0;
  const compare = key === "id"
    ? byId
    : (a: Row, b: Row): number => VALUES[key](b) - VALUES[key](a) || byId(a, b);
  const sorted = rows.toSorted(compare);
  return isReversed ? sorted.reverse() : sorted;
}

/** Whether a container has processes. */
export function isLive({ summary: { status } }: Row): boolean {
  return status === "running" || status === "pausing" || status === "paused";
}

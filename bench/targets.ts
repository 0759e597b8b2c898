/**
 * What has to be reached, and what is aimed at.
 *
 * @module
 */

/** A target. */
export interface Target {
  /** Key of the values that it judges. */
  readonly key: string;
  /** What is measured. */
  readonly what: string;
  /** Unit of the value; a ratio without one. */
  readonly unit?: string;
  /** Whether more is better. */
  readonly atLeast?: boolean;
  /** The value that has to hold. */
  readonly must?: number;
  /** The value that is aimed at. */
  readonly aim?: number;
}

/** All targets, in the order of the table. */
export const TARGETS: readonly Target[] = [
  {
    key: "api/crun",
    what: "API start→exit / spawned crun, back to back",
    must: 0.40,
    aim: 0.30,
  },
  {
    key: "api/crun:gaps",
    what: "the same, 100 ms gaps",
    must: 0.25,
    aim: 0.18,
  },
  {
    key: "api/runc",
    what: "API start→exit / spawned runc, back to back",
    must: 0.15,
    aim: 0.10,
  },
  {
    key: "api/floor",
    what: "API start→exit / C floor by its own clock, back to back",
    must: 1.25,
    aim: 1.05,
  },
  {
    key: "api/floor:gaps",
    what: "the same, 100 ms gaps",
  },
  {
    key: "api-whole/crun",
    what: "API create→destroyed / spawned crun, back to back",
  },
  {
    key: "api-bare/crun",
    what: "API start→exit / spawned crun, no-libc payload, back to back",
  },
  {
    key: "api-bare/floor",
    what: "API start→exit / C floor, no-libc payload, back to back",
  },
  {
    key: "warm/crun",
    what: "API prepared container, start→exit / spawned crun, 100 ms gaps",
  },
  {
    key: "warm/floor",
    what: "the same / C floor by its own clock",
  },
  {
    key: "exec/crun",
    what: "API exec into a container / spawned crun exec",
    must: 0.25,
    aim: 0.12,
  },
  {
    key: "exec/crun:gaps",
    what: "the same, 100 ms gaps",
  },
  {
    key: "exec/runc",
    what: "API exec into a container / spawned runc exec",
  },
  {
    key: "cli/deno",
    what: "CLI attached exec / empty `deno run` that exits",
    must: 1.5,
    aim: 1.25,
  },
  {
    key: "cli/crun",
    what: "CLI attached exec / crun",
    must: 1.7,
    aim: 1.25,
  },
  {
    key: "cli/runc",
    what: "CLI attached exec / runc",
    must: 1.0,
    aim: 0.85,
  },
  {
    key: "cli/crun:gaps",
    what: "CLI attached exec / crun, 100 ms gaps",
  },
  {
    key: "cli/runc:gaps",
    what: "CLI attached exec / runc, 100 ms gaps",
  },
  {
    key: "monitor",
    what: "resident memory of an attached CLI command meanwhile",
    unit: "KB",
    must: 256,
    aim: 100,
  },
  {
    key: "heap",
    what: "Deno memory per live, awaited container: heap after a collection",
    unit: "KB",
    must: 8,
    aim: 3,
  },
  {
    key: "rss",
    what: "the same: resident set, with garbage that V8 keeps",
    unit: "KB",
  },
  {
    key: "kernel/crun",
    what: "kernel memory per live container / crun",
    must: 1.15,
    aim: 1.0,
  },
  {
    key: "rate/crun",
    what: "containers per second, 4 in flight / crun",
    atLeast: true,
    must: 2.3,
    aim: 2.8,
  },
  {
    key: "rate/runc",
    what: "containers per second, 4 in flight / runc",
    atLeast: true,
    must: 6,
    aim: 8.5,
  },
  {
    key: "rate/floor",
    what: "containers per second, 4 in flight / C floor in processes",
    atLeast: true,
    must: 0.85,
    aim: 1.0,
  },
  {
    key: "live",
    what: "start with 500 live containers / with none",
    must: 1.3,
    aim: 1.1,
  },
  {
    key: "live:crun",
    what: "the same of crun",
  },
  {
    key: "mounts",
    what: "start with 2,000 more host mounts / with none more",
    must: 1.5,
    aim: 1.2,
  },
  {
    key: "mounts:crun",
    what: "the same of crun",
  },
  {
    key: "threads",
    what: "1,000 waits: threads added",
    must: 2,
    aim: 1,
  },
  {
    key: "read",
    what: "1,000 waits: async file read meanwhile, median",
    unit: "ms",
    must: 5,
    aim: 1,
  },
  {
    key: "lag",
    what: "1,000 waits: delay of a timer meanwhile, median",
    unit: "ms",
  },
];

/** How a value stands to its target. */
export type Verdict = "aim" | "must" | "misses" | "no target" | "not measured";

/**
 * Judges a value. Pure.
 *
 * @param target The target.
 * @param value The value; undefined or NaN when it was not measured.
 * @returns Whether it reaches what is aimed at, what must hold, or neither.
 */
export function judge(target: Target, value: number | undefined): Verdict {
  const { must, aim, atLeast = false } = target;
  if (value === undefined || Number.isNaN(value)) return "not measured";
  if (must === undefined) return "no target";
  const holds = (limit: number): boolean =>
    atLeast ? value >= limit : value <= limit;
  if (aim !== undefined && holds(aim)) return "aim";
  return holds(must) ? "must" : "misses";
}

/**
 * Waiting for many containers at once: memory and threads of the program that
 * waits, and whether its other work goes on.
 *
 * @module
 */
import { join } from "@std/path";
import { Factory } from "../mod.ts";
import { type Bench, samplesOf, stateRoot } from "./bench.ts";
import { endAll, type Live, liveUpTo } from "./live.ts";

/** What was found; times in milliseconds, memory in bytes. */
export interface WaitsFound {
  /** How many containers were waited for. */
  readonly count: number;
  /** Threads before and meanwhile. */
  readonly threads: readonly [before: number, meanwhile: number];
  /** JavaScript heap and what it holds outside, after collections. */
  readonly heap: readonly [before: number, meanwhile: number];
  /** Resident set. */
  readonly rss: readonly [before: number, meanwhile: number];
  /** How long small files took to read, with none and with all waited for. */
  readonly reads: readonly [before: number[], meanwhile: number[]];
  /** How much later than asked timers fired, likewise. */
  readonly lags: readonly [before: number[], meanwhile: number[]];
  /** From killing all at once until all ends were known. */
  readonly endsMs: number;
}

const SAMPLES = 200;
const TIMER_MS = 2;
/** As much garbage as there will be, so that only what stays is counted. */
const WARM_UP = 200;
/** Idle threads of Deno's pool end after 10 s. */
const SETTLE_MS = 12_000;
const LOOK_MS = 250;

declare const gc: () => void;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function countThreads(): number {
  return [...Deno.readDirSync("/proc/self/task")].length;
}

/** The smallest number of threads, when those that idle have ended. */
async function settledThreads(): Promise<number> {
  const begin = performance.now();
  let least = countThreads();
  while (performance.now() - begin < SETTLE_MS) {
    await sleep(LOOK_MS);
    least = Math.min(least, countThreads());
  }
  return least;
}

async function memory(): Promise<{ heap: number; rss: number }> {
  for (let round = 0; round < 3; round++) {
    gc();
    await sleep(20);
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heap: heapUsed + external, rss };
}

async function watchOthers(
  bench: Bench,
): Promise<{ reads: number[]; lags: number[] }> {
  const file = join(bench.rootfs, "etc/passwd");
  const reads: number[] = [];
  const lags: number[] = [];
  for (let i = samplesOf(bench, SAMPLES); i > 0; i--) {
    const begin = performance.now();
    await sleep(TIMER_MS);
    const fired = performance.now();
    await Deno.readFile(file);
    lags.push(fired - begin - TIMER_MS);
    reads.push(performance.now() - fired);
  }
  return { reads, lags };
}

/** Kills the first processes of all at once; gives how long their ends took. */
async function killAll(live: readonly Live[]): Promise<number> {
  const ends = Promise.all(live.map(({ process }) => process.status));
  const begin = performance.now();
  for (const { process } of live) process.kill("SIGKILL");
  await ends;
  return performance.now() - begin;
}

/**
 * Measures in this process, which should have done nothing else.
 *
 * @param bench The run.
 * @param count How many containers.
 * @returns What was found.
 */
export async function waitForMany(
  bench: Bench,
  count: number,
): Promise<WaitsFound> {
  const factory = new Factory(stateRoot(bench, "waits"));
  const live: Live[] = [];
  try {
    await liveUpTo(bench, factory, live, samplesOf(bench, WARM_UP));
    await endAll(live);
    const threadsBefore = await settledThreads();
    const othersBefore = await watchOthers(bench);
    const before = await memory();
    await liveUpTo(bench, factory, live, count);
    for (const { process } of live) void process.status;
    const others = await watchOthers(bench);
    const threads = await settledThreads();
    const meanwhile = await memory();
    return {
      count,
      threads: [threadsBefore, threads],
      heap: [before.heap, meanwhile.heap],
      rss: [before.rss, meanwhile.rss],
      reads: [othersBefore.reads, others.reads],
      lags: [othersBefore.lags, others.lags],
      endsMs: await killAll(live),
    };
  } finally {
    await endAll(live);
  }
}

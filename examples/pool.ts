/**
 * Runs jobs in containers that are ready when they are asked for: each is used
 * for one job and destroyed, and another takes its place meanwhile.
 *
 *     deno run -A examples/pool.ts [FLAGS] COMMAND [ARG...]
 *
 *     --rootfs DIR     root file system; only read. The host's programs unless given
 *     --jobs N         how often the command is run, 100 unless given
 *     --size N         how many containers are kept ready, 8 unless given
 *     --workers N      how many jobs run at once, 2 unless given
 *     --root DIR       where states are kept
 *
 * Prints how many jobs ended well, how many that is per second, and how long a
 * job took from being asked for to its output.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import {
  defaultConfig,
  Factory,
  hostRootConfig,
  type WarmPool,
} from "../mod.ts";

const FAILED = 125;

const { values: flags, positionals: args } = parseArgs({
  allowPositionals: true,
  options: {
    rootfs: { type: "string" },
    jobs: { type: "string", default: "100" },
    size: { type: "string", default: "8" },
    workers: { type: "string", default: "2" },
    root: { type: "string" },
  },
});
if (args.length === 0) {
  console.error("usage: pool.ts [FLAGS] COMMAND [ARG...]");
  Deno.exit(2);
}

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort("interrupted"));
Deno.addSignalListener("SIGTERM", () => stop.abort("interrupted"));

let left = Number(flags.jobs);
let good = 0;
const times: number[] = [];
const start = performance.now();
try {
  await runAll();
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(`pool: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = FAILED;
  }
}
report();

async function runAll(): Promise<void> {
  const config = flags.rootfs
    ? { ...defaultConfig(await Deno.realPath(flags.rootfs)), overlay: {} }
    : hostRootConfig();
  const factory = new Factory(flags.root);
  const prefix = `pool-${Deno.pid}`;
  await using pool = await factory.warm(Number(flags.size), config, { prefix });
  const workers = Array.from(
    { length: Number(flags.workers) },
    () => work(pool),
  );
  // All have ended before the pool is closed, whatever has failed.
  const failed = (await Promise.allSettled(workers))
    .find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
}

async function work(pool: WarmPool): Promise<void> {
  while (left > 0 && !stop.signal.aborted) {
    left--;
    const asked = performance.now();
    await using container = await pool.take();
    const { signal } = stop;
    const job = await container.start({ args, stdout: "piped", signal });
    const { success } = await job.output();
    times.push(performance.now() - asked);
    if (success) good++;
  }
}

function report(): void {
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1] ?? 0;
  console.log(`jobs     ${good} of ${times.length} ended well`);
  console.log(`rate     ${(times.length / seconds).toFixed(1)} per second`);
  console.log(`latency  ${median.toFixed(1)} ms (median)`);
  if (stop.signal.aborted) console.log(`stopped  ${stop.signal.reason}`);
}

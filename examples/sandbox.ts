/**
 * Runs a script that nobody trusts: with the host's programs and without its
 * files, without a network, with limits of memory, CPU, tasks, time and output.
 *
 *     deno run -A examples/sandbox.ts [FLAGS] SCRIPT [ARG...]
 *
 *     --memory MIB     memory and swap together, 256 unless given
 *     --cpus N         share of CPUs, e.g. 0.5; 1 unless given
 *     --pids N         processes and threads at once, 64 unless given
 *     --seconds N      time, 10 unless given
 *     --root DIR       where states are kept
 *
 * The script is run as `nobody` by its `#!` line. Ends with its status; with
 * 124 if it was stopped, with 125 if it could not be run.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { type Container, Factory, hostRootConfig, type Stats } from "../mod.ts";

const OUTPUT_BYTES = 1 << 20;
const STOPPED = 124;
const FAILED = 125;
/** Why the container of a script that ran out of memory is killed. */
const OUT_OF_MEMORY = "out of memory";

const { values: flags, positionals: [script, ...args] } = parseArgs({
  allowPositionals: true,
  options: {
    memory: { type: "string", default: "256" },
    cpus: { type: "string", default: "1" },
    pids: { type: "string", default: "64" },
    seconds: { type: "string", default: "10" },
    root: { type: "string" },
  },
});
if (script === undefined) {
  console.error("usage: sandbox.ts [FLAGS] SCRIPT [ARG...]");
  Deno.exit(2);
}

// The first reason to stop it counts.
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort("interrupted"));
Deno.addSignalListener("SIGTERM", () => stop.abort("interrupted"));

const path = await Deno.realPath(script);
const base = hostRootConfig({ paths: [path] });
const memory = Number(flags.memory) * 2 ** 20;
const config = {
  ...base,
  cgroups: {
    ...base.cgroups,
    memory,
    memorySwap: memory,
    cpuPeriod: 100_000,
    cpuQuota: Math.round(Number(flags.cpus) * 100_000),
    pidsLimit: Number(flags.pids) + 1, // the holder is one
  },
};

try {
  Deno.exitCode = await run();
} catch (error) {
  console.error(`sandbox: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = stop.signal.aborted ? STOPPED : FAILED;
}

async function run(): Promise<number> {
  const factory = new Factory(flags.root);
  const id = `sandbox-${Deno.pid}`;
  await using container = await factory.create(id, config);

  // As the script is not the first process, the container outlives it, and
  // tells exactly what it has used.
  await container.start({ args: ["sleep", "infinity"] });
  const watching = stopWhenOutOfMemory(container);

  const process = await container.start({
    args: [path, ...args],
    stdout: "piped",
    stderr: "piped",
    signal: stop.signal,
  });
  const timer = setTimeout(
    () => stop.abort("out of time"),
    Number(flags.seconds) * 1000,
  );
  Deno.unrefTimer(timer);
  const stdout = firstBytes(process.stdout);
  const stderr = firstBytes(process.stderr);

  const status = await process.status;
  clearTimeout(timer);
  const stats = await container.stats();
  // Also what it left in the background, which may hold the pipes open.
  await container.destroy({ force: true });
  await watching;

  console.log(`exit    ${status.signal ?? status.code}`);
  console.log(`stopped ${stop.signal.reason ?? "no"}`);
  console.log(`limits  ${limitsHit(stats).join(", ") || "kept"}`);
  console.log(`stdout  ${await stdout}`);
  console.log(`stderr  ${await stderr}`);
  return stop.signal.aborted ? STOPPED : status.code;
}

/** Follows the container to its end; out of memory once is enough. */
async function stopWhenOutOfMemory(container: Container): Promise<void> {
  for await (const { type } of container.events()) {
    if (type === "oom") stop.abort(OUT_OF_MEMORY);
  }
}

function isOutOfMemory(): boolean {
  return stop.signal.reason === OUT_OF_MEMORY;
}

/** Which limits have made themselves felt, as the kernel has counted. */
function limitsHit({ cpu, memory, pids }: Stats): string[] {
  const counts = {
    "cpu held back": cpu?.throttling?.throttledPeriods,
    // On version 1 the news come before the kernel has killed and counted.
    "memory used up": memory?.oomKills || Number(isOutOfMemory()),
    "tasks refused": pids?.failcnt,
  };
  return Object.entries(counts)
    .filter(([, count]) => Number(count ?? 0) > 0)
    .map(([what, count]) => `${what} (${count})`);
}

/** Text of a stream, which is closed when there is too much of it. */
async function firstBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = OUTPUT_BYTES;
  for await (const chunk of stream) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.length;
    if (left < 0) return `${text}... (cut off)`;
  }
  return text.trimEnd();
}

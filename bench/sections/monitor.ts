/**
 * What stays in memory for an attached command while its container runs.
 *
 * @module
 */
import { type Bench, pause, WAITING } from "../bench.ts";
import {
  type Contender,
  EMPTY,
  FLOOR,
  makeContenders,
  OWN,
} from "../contenders.ts";
import { memoryOf, pidsIn, type ProcessMemory } from "../processes.ts";
import type { Check, Found, Line } from "../results.ts";
import { lineOf } from "../results.ts";
import { median } from "../statistics.ts";

const ROUNDS = 3;
const LOOK_MS = 20;
const LIMIT_MS = 20_000;
/** Long enough for the one who started it to come to rest. */
const SETTLE_MS = 500;
const LABEL = "monitor";

/** The name of a contender's groups: see makeContenders. */
function groupOf({ command }: Contender): string {
  const own = command.indexOf("--data-path");
  const bundle = command[(own < 0 ? command.indexOf("--bundle") : own) + 1];
  return bundle?.split("bundle-").at(-1) ?? "";
}

/** Waits until the container runs its own program. */
async function untilRuns(bench: Bench, contender: Contender): Promise<void> {
  const begin = performance.now();
  while (performance.now() - begin < LIMIT_MS) {
    await pause(bench, LOOK_MS);
    const pids = await pidsIn(bench, groupOf(contender));
    for (const pid of pids) {
      const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
      if (name.trim() === "bare") return;
    }
  }
  throw new Error(`${contender.name} did not start a container`);
}

async function measure(
  bench: Bench,
  contender: Contender,
): Promise<ProcessMemory> {
  const [program, ...args] = contender.command;
  const child = new Deno.Command(program, {
    args,
    signal: bench.signal,
    stdin: "null",
    stdout: "null",
  }).spawn();
  try {
    await untilRuns(bench, contender);
    await pause(bench, SETTLE_MS);
    return await memoryOf(child.pid);
  } finally {
    const pids = await pidsIn(bench, groupOf(contender));
    for (const pid of pids) if (pid !== child.pid) Deno.kill(pid, "SIGKILL");
    await child.status;
  }
}

/** Measures the command line as it is distributed, and the peers. */
export async function monitorSection(bench: Bench): Promise<Found> {
  const lines: Line[] = [];
  const checks: Check[] = [];
  for (const contender of await makeContenders(bench, LABEL, WAITING)) {
    const { name, missing: note } = contender;
    if (name === EMPTY || name === FLOOR) continue;
    if (note !== undefined) {
      lines.push({ label: name, note });
      continue;
    }
    const found: ProcessMemory[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      found.push(await measure(bench, contender));
    }
    const middle = (key: keyof ProcessMemory): number =>
      median(found.map((memory) => memory[key]));
    lines.push(lineOf(name, found.map(({ rss }) => rss), {
      pss: middle("pss"),
      "private dirty": middle("dirty"),
      threads: middle("threads"),
    }));
    const isOwn = OWN.some((own) => own.name === name);
    if (isOwn && checks.length === 0) {
      checks.push({ key: "monitor", value: middle("rss"), note: name });
    }
  }
  const title = "Memory of an attached command while its container runs";
  return {
    figures: [{ id: "monitor", title, unit: "KB", lines }],
    checks,
  };
}

/**
 * Parts of the bench that need a process, or a mount namespace, of their own.
 *
 * Gets its options as JSON in its only argument and answers with lines of JSON.
 *
 * @module
 */
import { Factory } from "../mod.ts";
import { say } from "../tasks/process.ts";
import { type Bench, inside, PAYLOADS } from "./bench.ts";
import { addMounts } from "./mounts.ts";
import { runByApi } from "./sections/api.ts";
import { waitForMany } from "./waits.ts";

/** What an agent is to do, beside the run's own options. */
export type Job =
  | {
    /** Starts a container for each line that it reads. */
    readonly kind: "starts";
    /** How many mounts it adds to its mount namespace before. */
    readonly mounts: number;
  }
  | {
    /** Waits for many containers at once. */
    readonly kind: "waits";
    /** How many. */
    readonly count: number;
  };

/** Options of an agent. */
export type AgentOptions =
  & Omit<Bench, "programs" | "signal">
  & { readonly job: Job };

async function serveStarts(bench: Bench, mounts: number): Promise<void> {
  addMounts(inside(bench, `mounts-${mounts}`), mounts);
  const factory = new Factory(inside(bench, "agents"));
  const args = PAYLOADS["busybox true"] ?? [];
  say(JSON.stringify({ ready: true }));
  const buffer = new Uint8Array(64);
  while (await Deno.stdin.read(buffer)) {
    say(JSON.stringify(await runByApi(bench, factory, args)));
  }
}

if (import.meta.main) {
  const { job, ...rest }: AgentOptions = JSON.parse(Deno.args[0] ?? "");
  const bench: Bench = {
    ...rest,
    programs: new Map(),
    // The one who started it ends it, by closing its input or by a signal.
    signal: new AbortController().signal,
  };
  if (job.kind === "starts") await serveStarts(bench, job.mounts);
  else say(JSON.stringify(await waitForMany(bench, job.count)));
  Deno.exit(0);
}

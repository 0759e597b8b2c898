/**
 * Parts of the bench that need a process, or a mount namespace, of their own.
 *
 * Gets its options as JSON in its only argument and answers with lines of JSON.
 *
 * @module
 */
import { Factory } from "../mod.ts";
import { say } from "../tasks/process.ts";
import {
  type Bench,
  inside,
  PAYLOADS,
  stateRoot,
  timeProgram,
} from "./bench.ts";
import type { CommandLine } from "./contenders.ts";
import { TextLineStream } from "./lines.ts";
import { addMounts } from "./mounts.ts";
import { runByApi } from "./sections/api.ts";
import { waitForMany } from "./waits.ts";

/** What an agent is to do, beside the run's own options. */
export type Job =
  | {
    /** Starts a container for each {@linkcode StartRequest} that it reads. */
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

/** One start: by a command line, or by the library when there is none. */
export interface StartRequest {
  /** Program and arguments. */
  readonly command?: CommandLine;
}

/** Options of an agent. */
export type AgentOptions =
  & Omit<Bench, "programs" | "signal">
  & { readonly job: Job };

async function serveStarts(bench: Bench, mounts: number): Promise<void> {
  addMounts(inside(bench, `mounts-${mounts}`), mounts);
  const factory = new Factory(stateRoot(bench, "agents"));
  const args = PAYLOADS["busybox true"] ?? [];
  say(JSON.stringify({ ready: true }));
  const requests = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of requests) {
    const { command }: StartRequest = JSON.parse(line);
    const ms = command
      ? await timeProgram(bench, command)
      : (await runByApi(bench, factory, args)).exit;
    say(JSON.stringify(ms));
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

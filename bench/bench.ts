/**
 * What every section of the bench works with.
 *
 * @module
 */
import { basename, join } from "@std/path";
import type { CgroupHierarchy } from "../lib/host/types.ts";
import type { Place } from "./config.ts";

/** A run of the bench. */
export interface Bench {
  /** Directory of everything that it writes while it runs. */
  readonly dir: string;
  /** Root file system of all containers. */
  readonly rootfs: string;
  /** Parent of all cgroups, from the root of each hierarchy. */
  readonly parent: string;
  /** The hierarchies. */
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Few samples, for development. */
  readonly isQuick: boolean;
  /** Programs that are there, by name. */
  readonly programs: ReadonlyMap<string, string>;
  /** Fires when the run is to end early. */
  readonly signal: AbortSignal;
}

/** Payloads, by how figures call them. */
export const PAYLOADS: Readonly<Record<string, readonly string[]>> = {
  "no-libc true": ["/bin/bare"],
  "busybox true": ["/bin/true"],
};

/** A program that waits until it is killed. */
export const WAITING: readonly string[] = ["/bin/bare", "wait"];

/** Time between starts, as containers are really started. */
export const GAP_MS = 100;

let count = 0;

/** An id that no other container of this run has. */
export function freshId(prefix: string): string {
  return `${prefix}-${Deno.pid}-${++count}`;
}

/**
 * Names where a container is.
 *
 * @param bench The run.
 * @param name Name of its groups; its id when empty.
 * @returns Root file system and cgroups.
 */
export function placeOf({ rootfs, parent }: Bench, name = ""): Place {
  return { rootfs, parent, name };
}

/**
 * Picks the number of samples.
 *
 * @param bench The run.
 * @param full How many a full run takes.
 * @returns It, or a few in quick mode.
 */
export function samplesOf({ isQuick }: Bench, full: number): number {
  return isQuick ? Math.max(3, Math.round(full / 10)) : full;
}

/** Waits; throws the reason when the run is to end early. */
export async function pause(bench: Bench, ms: number): Promise<void> {
  bench.signal.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, ms));
  bench.signal.throwIfAborted();
}

/**
 * Runs a program that has to succeed.
 *
 * @param bench The run.
 * @param command Program and arguments.
 * @returns What it wrote to its standard output.
 * @throws {Error} If it fails.
 */
export async function succeed(
  { signal }: Bench,
  [program, ...args]: readonly [string, ...string[]],
): Promise<string> {
  signal.throwIfAborted();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    signal,
    stdin: "null",
  }).output();
  signal.throwIfAborted();
  if (code === 0) return new TextDecoder().decode(stdout);
  const said = new TextDecoder().decode(stderr).trim();
  throw new Error(`${basename(program)} ended with status ${code}: ${said}`);
}

/**
 * Times a program from before it is started until its end is known.
 *
 * @param bench The run.
 * @param command Program and arguments; it has to succeed.
 * @returns Milliseconds.
 * @throws {Error} If it fails.
 */
export async function timeProgram(
  { signal }: Bench,
  [program, ...args]: readonly [string, ...string[]],
): Promise<number> {
  signal.throwIfAborted();
  const begin = performance.now();
  const { code } = await new Deno.Command(program, {
    args,
    signal,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn().status;
  const ms = performance.now() - begin;
  signal.throwIfAborted();
  if (code === 0) return ms;
  throw new Error(`${basename(program)} ended with status ${code}`);
}

/** A directory below that of the run. */
export function inside({ dir }: Bench, ...names: string[]): string {
  return join(dir, ...names);
}

/** Name of the directory of all states, below that of the run. */
export const STATES = "run";

/**
 * Where a contender has its states: in memory, as `/run` is.
 *
 * @param bench The run.
 * @param name The contender.
 * @returns The directory, which it makes itself.
 */
export function stateRoot(bench: Bench, name: string): string {
  return inside(bench, STATES, name);
}

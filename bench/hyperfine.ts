/**
 * Whole processes, timed by hyperfine in shuffled rounds.
 *
 * hyperfine runs one command wholly before the next, so drift of the machine
 * would read as a difference: so each round gives every contender a few runs,
 * in an order of its own, and contenders are compared within rounds.
 *
 * @module
 */
import { type Bench, GAP_MS, inside, samplesOf, succeed } from "./bench.ts";
import type { CommandLine, Contender } from "./contenders.ts";
import { shuffled } from "./statistics.ts";

/** What the rounds found of one contender, in milliseconds. */
export interface Timed {
  /** One list of samples for each round. */
  readonly rounds: readonly (readonly number[])[];
  /** Mean of user and system time of each round. */
  readonly cpu: readonly number[];
}

interface HyperfineResult {
  readonly times: readonly number[];
  readonly user: number;
  readonly system: number;
}

/** How often contenders are run. */
export interface RoundOptions {
  /** Rounds of a full run of the bench. */
  readonly rounds: number;
  /** Runs of each contender within a round. */
  readonly runs: number;
  /** Whether the machine rests before each run. */
  readonly hasGaps?: boolean;
}

/**
 * Times contenders against each other.
 *
 * @param bench The run.
 * @param contenders Those that are there.
 * @param options How often.
 * @returns What was found, by name.
 */
export async function timeInRounds(
  bench: Bench,
  contenders: readonly Contender[],
  options: RoundOptions,
): Promise<ReadonlyMap<string, Timed>> {
  const found = new Map(
    contenders.map(({ name }) => [name, { rounds: [], cpu: [] } as {
      rounds: number[][];
      cpu: number[];
    }]),
  );
  const rounds = samplesOf(bench, options.rounds);
  for (let round = 0; round < rounds; round++) {
    for (const { name, command } of shuffled(contenders)) {
      const { times, user, system } = await runOnce(
        bench,
        command,
        options,
      );
      found.get(name)?.rounds.push(times.map((seconds) => seconds * 1000));
      found.get(name)?.cpu.push((user + system) * 1000);
    }
  }
  return found;
}

async function runOnce(
  bench: Bench,
  command: CommandLine,
  { runs, hasGaps = false }: RoundOptions,
): Promise<HyperfineResult> {
  const file = inside(bench, "hyperfine.json");
  const gap = ["--prepare", `sleep ${GAP_MS / 1000}`];
  await succeed(bench, [
    bench.programs.get("hyperfine") ?? "hyperfine",
    "--shell=none",
    "--style=none",
    "--warmup=1",
    `--runs=${runs}`,
    ...hasGaps ? gap : [],
    `--export-json=${file}`,
    command.map(quote).join(" "),
  ]);
  const { results } = JSON.parse(await Deno.readTextFile(file));
  return results[0];
}

/** For hyperfine's own splitting into words. */
function quote(word: string): string {
  return /^[\w./=:+,-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Variants that take turns: each once within an iteration, in an order of its
 * own, so that their samples can be compared pair by pair.
 *
 * @module
 */
import { type Bench, GAP_MS, pause, samplesOf } from "./bench.ts";
import { type Check, type Line, lineOf } from "./results.ts";
import { pairedRatio, shuffled } from "./statistics.ts";

/** Something that is timed. */
export interface Variant {
  /** Names of the values that a run gives. */
  readonly names: readonly string[];
  /** Does it once; gives its values in the order of the names. */
  readonly run: () => Promise<readonly number[]>;
}

/** How turns are taken. */
export interface TurnOptions {
  /** Iterations of a full run. */
  readonly turns: number;
  /** Whether the machine rests before each. */
  readonly hasGaps?: boolean;
}

/** Samples by name, one for each iteration. */
export type Samples = ReadonlyMap<string, readonly number[]>;

const WARM_UP = 3;

/**
 * Takes samples of all variants.
 *
 * @param bench The run.
 * @param variants The variants.
 * @param options How many, and whether there are gaps.
 * @returns The samples.
 */
export async function takeTurns(
  bench: Bench,
  variants: readonly Variant[],
  { turns, hasGaps = false }: TurnOptions,
): Promise<Samples> {
  const samples = new Map<string, number[]>();
  const count = samplesOf(bench, turns);
  for (let turn = -WARM_UP; turn < count; turn++) {
    for (const { names, run } of shuffled(variants)) {
      bench.signal.throwIfAborted();
      if (hasGaps) await pause(bench, GAP_MS);
      const values = await run();
      if (turn < 0) continue;
      names.forEach((name, index) => {
        const list = samples.get(name) ?? [];
        list.push(values[index] ?? NaN);
        samples.set(name, list);
      });
    }
  }
  return samples;
}

/**
 * Makes the lines of a figure, in the order of the variants.
 *
 * @param variants The variants.
 * @param samples Their samples.
 * @returns The lines.
 */
export function linesOf(
  variants: readonly Variant[],
  samples: Samples,
): Line[] {
  return variants.flatMap(({ names }) =>
    names.map((name) => lineOf(name, samples.get(name) ?? []))
  );
}

/**
 * Compares two of them.
 *
 * @param key Key of the target.
 * @param samples The samples.
 * @param ours Name of ours.
 * @param theirs Name of the other.
 * @returns The value; none when one of them was not there.
 */
export function checkRatio(
  key: string,
  samples: Samples,
  ours: string,
  theirs: string,
): Check[] {
  const [a, b] = [samples.get(ours), samples.get(theirs)];
  return a && b ? [{ key, value: pairedRatio(a, b) }] : [];
}

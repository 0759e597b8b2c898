/**
 * Figures out of samples. Pure.
 *
 * @module
 */

/** What a list of samples comes to; all in the samples' unit. */
export interface Summary {
  /** How many samples. */
  readonly n: number;
  /** Half are below it. */
  readonly median: number;
  /** The smallest: the one that other work disturbed least. */
  readonly min: number;
  /** Nine tenths are below it. */
  readonly p90: number;
}

/**
 * Finds the value below which a part of the samples lies, by interpolation
 * between neighbours.
 *
 * @param samples The samples, in any order.
 * @param part From 0 (smallest) to 1 (largest).
 * @returns The value; NaN without samples.
 */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Finds the median.
 *
 * @param samples The samples, in any order.
 * @returns It; NaN without samples.
 */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/**
 * Sums samples up.
 *
 * @param samples The samples, in any order.
 * @returns What they come to.
 */
export function summarize(samples: readonly number[]): Summary {
  return {
    n: samples.length,
    median: median(samples),
    min: quantile(samples, 0),
    p90: quantile(samples, 0.9),
  };
}

/**
 * Compares samples that were taken in turn: drift of the machine is in both
 * members of a pair, so it leaves the ratio alone.
 *
 * @param ours One sample or list of samples for each turn.
 * @param theirs The same turns of the other.
 * @returns The median of the turns' ratios; NaN without turns.
 */
export function pairedRatio(
  ours: readonly (number | readonly number[])[],
  theirs: readonly (number | readonly number[])[],
): number {
  const turns = Math.min(ours.length, theirs.length);
  const ratios = Array.from(
    { length: turns },
    (_, turn) => middle(ours[turn]) / middle(theirs[turn]),
  );
  return median(ratios);
}

function middle(turn: number | readonly number[] | undefined): number {
  if (turn === undefined) return NaN;
  return typeof turn === "number" ? turn : median(turn);
}

/**
 * Puts a list into another order.
 *
 * @param list The list, which stays as it is.
 * @param random Gives numbers from 0 up to 1.
 * @returns A copy in which every order is equally likely.
 */
export function shuffled<T>(
  list: readonly T[],
  random: () => number = Math.random,
): T[] {
  const result = [...list];
  for (let end = result.length - 1; end > 0; end--) {
    const at = Math.floor(random() * (end + 1));
    [result[end], result[at]] = [result[at] as T, result[end] as T];
  }
  return result;
}

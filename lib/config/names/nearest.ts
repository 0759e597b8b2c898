/**
 * Finding the name that someone probably meant.
 *
 * @module
 */

/** Longer names are not compared: the table below grows with the square. */
const MAX_LENGTH = 64;
/** Shorter first words are like too many others. */
const MIN_WORD = 4;

/** Optimal string alignment distance: insert, delete, replace, swap neighbours. */
function distance(a: string, b: string): number {
  const width = b.length + 1;
  const table = new Uint8Array((a.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) table[i * width] = i;
  for (let j = 0; j <= b.length; j++) table[j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + cost,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      table[i * width + j] = best;
    }
  }
  return at(a.length, b.length);
}

/**
 * Finds the name nearest to a misspelt one.
 *
 * Pure. Case, `-` and `_` do not count; up to a third of the letters may differ.
 * Where no name is near, the first word of one may be.
 *
 * @param found The unknown name.
 * @param names The known names.
 * @returns The nearest known name; `undefined` when none is near.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nearestName } from "./nearest.ts";
 *
 * assertEquals(nearestName("hostnmae", ["hostname", "mounts"]), "hostname");
 * assertEquals(nearestName("memry", ["memory-limit", "mounts"]), "memory-limit");
 * ```
 */
export function nearestName(
  found: string,
  names: readonly string[],
): string | undefined {
  if (found.length > MAX_LENGTH || fold(found) === "") return undefined;
  return nearestOf(fold(found), names, fold) ??
    nearestOf(fold(found), names, firstWord);
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, "");
}

/** `memory` of `memory-limit`; nothing when there is no other. */
function firstWord(name: string): string {
  const cut = name.search(/[-_ ]/);
  return cut < MIN_WORD ? "" : fold(name.slice(0, cut));
}

function nearestOf(
  wanted: string,
  names: readonly string[],
  key: (name: string) => string,
): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const known = key(name).slice(0, MAX_LENGTH);
    const current = known === "" ? Infinity : distance(wanted, known);
    if (current < least) [best, least] = [name, current];
  }
  return best;
}

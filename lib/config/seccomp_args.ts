/**
 * Conditions on one argument of a system call, in the form that libseccomp
 * takes: at most one for each argument.
 *
 * All conditions of a rule must hold. Several on one argument describe a set of
 * numbers; the set is cut into pieces that one condition each describes, and
 * the rule becomes one rule for each piece.
 *
 * @module
 */
import type { SeccompArg } from "./types.ts";

const MAX = 2n ** 64n - 1n;
/** More rules than this are not made of one. */
const MAX_ALTERNATIVES = 128;

/** Numbers from the first to the second, both included. */
type Interval = readonly [low: bigint, high: bigint];

/** The bits that are compared, and what they must be. */
interface Bits {
  readonly mask: bigint;
  readonly value: bigint;
}

function below(value: bigint): Interval[] {
  return value < 0n ? [] : [[0n, value]];
}

function above(value: bigint): Interval[] {
  return value > MAX ? [] : [[value, MAX]];
}

/** The numbers that a comparison accepts; all of them for one of bits. */
function acceptedBy({ op, value }: SeccompArg): Interval[] {
  const number = BigInt(value);
  switch (op) {
    case "SCMP_CMP_EQ":
      return [[number, number]];
    case "SCMP_CMP_NE":
      return [...below(number - 1n), ...above(number + 1n)];
    case "SCMP_CMP_LT":
      return below(number - 1n);
    case "SCMP_CMP_LE":
      return below(number);
    case "SCMP_CMP_GE":
      return above(number);
    case "SCMP_CMP_GT":
      return above(number + 1n);
    case "SCMP_CMP_MASKED_EQ":
      return [[0n, MAX]];
  }
}

function intersect(left: Interval[], right: Interval[]): Interval[] {
  return left.flatMap(([low, high]) =>
    right.flatMap(([from, to]): Interval[] => {
      const first = low > from ? low : from;
      const last = high < to ? high : to;
      return first <= last ? [[first, last]] : [];
    })
  );
}

/** What all comparisons of bits ask for together; undefined when they contradict each other. */
function joinBits(args: readonly SeccompArg[]): Bits | undefined {
  let all: Bits = { mask: 0n, value: 0n };
  for (const arg of args) {
    if (arg.op !== "SCMP_CMP_MASKED_EQ") continue;
    const next = { mask: BigInt(arg.value), value: BigInt(arg.valueTwo) };
    const common = all.mask & next.mask;
    const isContradiction = (next.value & ~next.mask) !== 0n ||
      (all.value & common) !== (next.value & common);
    if (isContradiction) return undefined;
    all = { mask: all.mask | next.mask, value: all.value | next.value };
  }
  return all;
}

/** Cuts an interval into aligned blocks whose size is a power of two. */
function blocksOf([low, high]: Interval): Bits[] {
  const blocks: Bits[] = [];
  for (let at = low; at <= high;) {
    let size = at === 0n ? MAX + 1n : at & -at;
    while (at + size - 1n > high) size >>= 1n;
    blocks.push({ mask: MAX & ~(size - 1n), value: at });
    at += size;
  }
  return blocks;
}

function comparison(
  index: number,
  op: SeccompArg["op"],
  value: bigint,
  valueTwo = 0n,
): SeccompArg {
  return { index, op, value, valueTwo };
}

function describeInterval(index: number, [low, high]: Interval): SeccompArg[] {
  if (low === high) return [comparison(index, "SCMP_CMP_EQ", low)];
  if (low === 0n) return [comparison(index, "SCMP_CMP_LE", high)];
  if (high === MAX) return [comparison(index, "SCMP_CMP_GE", low)];
  return blocksOf([low, high]).map(({ mask, value }) =>
    comparison(index, "SCMP_CMP_MASKED_EQ", mask, value)
  );
}

/** Alternatives for the conditions on one argument; none when they can never hold together. */
function alternativesOf(args: readonly SeccompArg[]): SeccompArg[] {
  const index = args[0]?.index ?? 0;
  const bits = joinBits(args);
  const accepted = args.map(acceptedBy).reduce(intersect);
  if (bits === undefined) return [];
  if (args.length === 1) return accepted.length > 0 ? [...args] : [];
  if (bits.mask === 0n) {
    return accepted.flatMap((interval) => describeInterval(index, interval));
  }
  return accepted.flatMap(blocksOf).flatMap((block): SeccompArg[] => {
    const common = block.mask & bits.mask;
    if ((block.value & common) !== (bits.value & common)) return [];
    const mask = block.mask | bits.mask;
    const value = block.value | bits.value;
    return [comparison(index, "SCMP_CMP_MASKED_EQ", mask, value)];
  });
}

/**
 * Turns the conditions of a rule into alternatives. Pure.
 *
 * @param args The conditions; all must hold.
 * @returns Lists with at most one condition for each argument: the conditions
 * hold when those of one list do. Empty when they can never hold; `undefined`
 * when there would be more than 128 lists.
 *
 * @example From 4 to 7
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitConditions } from "./seccomp_args.ts";
 *
 * const from = { index: 0, op: "SCMP_CMP_GE", value: 4, valueTwo: 0 } as const;
 * const to = { index: 0, op: "SCMP_CMP_LT", value: 8, valueTwo: 0 } as const;
 * assertEquals(splitConditions([from, to]), [[
 *   { index: 0, op: "SCMP_CMP_MASKED_EQ", value: 2n ** 64n - 4n, valueTwo: 4n },
 * ]]);
 * assertEquals(splitConditions([{ ...from, value: 9 }, to]), []);
 * ```
 */
export function splitConditions(
  args: readonly SeccompArg[],
): SeccompArg[][] | undefined {
  const byIndex = Map.groupBy(args, ({ index }) => index);
  let lists: SeccompArg[][] = [[]];
  for (const group of byIndex.values()) {
    const alternatives = alternativesOf(group);
    lists = lists.flatMap((list) => alternatives.map((arg) => [...list, arg]));
    if (lists.length > MAX_ALTERNATIVES) return undefined;
  }
  return lists;
}

const HIGH_MASK = 0xffffffff_00000000n;

/** The upper half of what a condition compares. */
function upperHalf({ op, value, valueTwo }: SeccompArg): string {
  const isMasked = op === "SCMP_CMP_MASKED_EQ";
  const mask = isMasked ? BigInt(value) & HIGH_MASK : HIGH_MASK;
  return `${mask}:${BigInt(isMasked ? valueTwo : value) & mask}`;
}

/**
 * Tells whether libseccomp can join the lists of conditions of one system call. Pure.
 *
 * Up to 2.5.4 it never ends where two lists share a condition other than
 * equality and differ in the upper half of a later argument.
 *
 * @param lists Lists with at most one condition for each argument.
 * @returns False when they must not be given to it.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { canJoinConditions } from "./seccomp_args.ts";
 *
 * const shared = { index: 0, op: "SCMP_CMP_GE", value: 4, valueTwo: 0 } as const;
 * const low = { index: 1, op: "SCMP_CMP_EQ", value: 1, valueTwo: 0 } as const;
 * assert(canJoinConditions([[shared, low], [shared, { ...low, value: 2 }]]));
 * assert(!canJoinConditions([[shared, low], [shared, { ...low, value: 2 ** 40 }]]));
 * ```
 */
export function canJoinConditions(
  lists: readonly (readonly SeccompArg[])[],
): boolean {
  const halves = new Map<string, string>();
  return lists.every((list) =>
    list.every((arg) => {
      if (arg.op === "SCMP_CMP_EQ" || arg.op === "SCMP_CMP_MASKED_EQ") {
        return true;
      }
      return list.filter(({ index }) => index > arg.index).every((later) => {
        const key = `${arg.index} ${arg.op} ${arg.value} ${later.index}`;
        const half = upperHalf(later);
        const known = halves.get(key) ?? half;
        halves.set(key, known);
        return known === half;
      });
    })
  );
}

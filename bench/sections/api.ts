/**
 * The library in a program that is already running, against spawned peers and
 * the floor; variants in turn within each iteration.
 *
 * @module
 */
import { Factory } from "../../mod.ts";
import {
  type Bench,
  freshId,
  GAP_MS,
  inside,
  pause,
  PAYLOADS,
  placeOf,
  samplesOf,
  timeProgram,
} from "../bench.ts";
import { benchConfig } from "../config.ts";
import { FLOOR, makeContenders, PEERS } from "../contenders.ts";
import { runFloor } from "../floor.ts";
import { type Check, type Figure, type Found, lineOf } from "../results.ts";
import { pairedRatio, shuffled } from "../statistics.ts";

const ITERATIONS = 100;
const ITERATIONS_WITH_GAPS = 30;
const WARM_UP = 3;

/** Times of one start, in milliseconds. */
export interface StartTimes {
  /** From before the container is created until its end is known. */
  readonly exit: number;
  /** Until it is destroyed. */
  readonly whole: number;
}

/**
 * Runs one container through the library.
 *
 * @param bench The run.
 * @param factory Where its state is.
 * @param args Program and arguments inside.
 * @returns How long it took.
 * @throws {Error} If the program fails.
 */
export async function runByApi(
  bench: Bench,
  factory: Factory,
  args: readonly string[],
): Promise<StartTimes> {
  const config = benchConfig(placeOf(bench), args);
  const id = freshId("api");
  const begin = performance.now();
  const container = await factory.create(id, config);
  const process = await container.start({ args });
  const { success } = await process.status;
  const exit = performance.now() - begin;
  await container.destroy();
  const whole = performance.now() - begin;
  if (!success) throw new Error(`${args.join(" ")} failed in a container`);
  return { exit, whole };
}

const API = "API, start→exit";
const API_WHOLE = "API, create→destroyed";
const OWN_CLOCK = `${FLOOR}, its own clock`;
const SPAWNED = `${FLOOR}, spawned`;

type Samples = Map<string, number[]>;

/** Takes one sample of each variant, in an order of its own. */
async function iterate(
  variants: readonly (() => Promise<[string, number][]>)[],
  before: () => Promise<void>,
  samples: Samples,
): Promise<void> {
  for (const variant of shuffled(variants)) {
    await before();
    for (const [name, ms] of await variant()) {
      const list = samples.get(name);
      if (list) list.push(ms);
      else samples.set(name, [ms]);
    }
  }
}

async function makeVariants(
  bench: Bench,
  label: string,
  args: readonly string[],
): Promise<(() => Promise<[string, number][]>)[]> {
  const factory = new Factory(inside(bench, "api"));
  const contenders = await makeContenders(bench, label, args);
  const peers = contenders.filter(({ name, missing }) =>
    missing === undefined && PEERS.some((peer) => peer === name)
  );
  return [
    async () => {
      const { exit, whole } = await runByApi(bench, factory, args);
      return [[API, exit], [API_WHOLE, whole]];
    },
    async () => {
      const begin = performance.now();
      const { exit } = await runFloor(bench, `floor-${label}`, args);
      return [[OWN_CLOCK, exit], [SPAWNED, performance.now() - begin]];
    },
    ...peers.map(
      ({ name, command }) => async (): Promise<[string, number][]> => [
        [name, await timeProgram(bench, command)],
      ],
    ),
  ];
}

/** Measures all payloads, back to back and with gaps. */
export async function apiSection(bench: Bench): Promise<Found> {
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const [payload, args] of Object.entries(PAYLOADS)) {
    const label = payload.split(" ")[0] ?? "";
    const variants = await makeVariants(bench, label, args);
    for (const hasGaps of [false, true]) {
      const samples: Samples = new Map();
      const rest = hasGaps
        ? (): Promise<void> => pause(bench, GAP_MS)
        : (): Promise<void> => Promise.resolve();
      for (let i = 0; i < WARM_UP; i++) {
        await iterate(variants, rest, new Map());
      }
      const full = hasGaps ? ITERATIONS_WITH_GAPS : ITERATIONS;
      for (let i = samplesOf(bench, full); i > 0; i--) {
        await iterate(variants, rest, samples);
      }
      figures.push({
        id: `api:${label}${hasGaps ? ":gaps" : ""}`,
        title: `In one program of Deno, start to exit, ${payload}, ${
          hasGaps ? "100 ms gaps" : "back to back"
        }`,
        unit: "ms",
        lines: [...samples].map(([name, list]) => lineOf(name, list)),
      });
      checks.push(...compare(samples, label, hasGaps));
    }
  }
  return { figures, checks };
}

function compare(samples: Samples, label: string, hasGaps: boolean): Check[] {
  const suffix = hasGaps ? ":gaps" : "";
  const pairs: [string, string, string][] = label === "busybox"
    ? [
      ["api/crun", API, "crun"],
      ["api/runc", API, "runc"],
      ["api/floor", API, OWN_CLOCK],
      ["api-whole/crun", API_WHOLE, "crun"],
    ]
    : [["api-bare/crun", API, "crun"], ["api-bare/floor", API, OWN_CLOCK]];
  return pairs.flatMap(([key, ours, theirs]) => {
    const [a, b] = [samples.get(ours), samples.get(theirs)];
    if (!a || !b) return [];
    return [{ key: `${key}${suffix}`, value: pairedRatio(a, b) }];
  });
}

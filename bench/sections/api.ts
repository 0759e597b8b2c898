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
  PAYLOADS,
  placeOf,
  stateRoot,
  timeProgram,
} from "../bench.ts";
import { benchConfig } from "../config.ts";
import { FLOOR, makeContenders, PEERS } from "../contenders.ts";
import { runFloor } from "../floor.ts";
import type { Check, Figure, Found } from "../results.ts";
import {
  checkRatio,
  linesOf,
  type Samples,
  takeTurns,
  type Variant,
} from "../turns.ts";

const ITERATIONS = 100;
const ITERATIONS_WITH_GAPS = 30;

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

async function makeVariants(
  bench: Bench,
  label: string,
  args: readonly string[],
): Promise<Variant[]> {
  const factory = new Factory(stateRoot(bench, "api"));
  const contenders = await makeContenders(bench, label, args);
  const peers = contenders.filter(({ name, missing }) =>
    missing === undefined && PEERS.some((peer) => peer === name)
  );
  return [
    {
      names: [API, API_WHOLE],
      run: async () => {
        const { exit, whole } = await runByApi(bench, factory, args);
        return [exit, whole];
      },
    },
    {
      names: [OWN_CLOCK, SPAWNED],
      run: async () => {
        const begin = performance.now();
        const { exit } = await runFloor(bench, `floor-${label}`, args);
        return [exit, performance.now() - begin];
      },
    },
    ...peers.map(({ name, command }) => ({
      names: [name],
      run: async (): Promise<number[]> => [await timeProgram(bench, command)],
    })),
  ];
}

/** Measures all payloads, back to back and with gaps. */
export async function apiSection(bench: Bench): Promise<Found> {
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const [payload, args] of Object.entries(PAYLOADS)) {
    const label = payload.startsWith("busybox") ? "busybox" : "bare";
    const variants = await makeVariants(bench, label, args);
    for (const hasGaps of [false, true]) {
      const samples = await takeTurns(bench, variants, {
        turns: hasGaps ? ITERATIONS_WITH_GAPS : ITERATIONS,
        hasGaps,
      });
      const suffix = hasGaps ? ":gaps" : "";
      figures.push({
        id: `api:${label}${suffix}`,
        title: `In one program of Deno, start to exit, ${payload}, ${
          hasGaps ? "100 ms gaps" : "back to back"
        }`,
        unit: "ms",
        lines: linesOf(variants, samples),
      });
      checks.push(...compare(samples, label, suffix));
    }
  }
  return { figures, checks };
}

function compare(samples: Samples, label: string, suffix: string): Check[] {
  const name = label === "busybox" ? "api" : "api-bare";
  return [
    ...PEERS.flatMap((peer) =>
      checkRatio(`${name}/${peer}${suffix}`, samples, API, peer)
    ),
    ...checkRatio(`${name}/floor${suffix}`, samples, API, OWN_CLOCK),
    ...checkRatio(`${name}-whole/crun${suffix}`, samples, API_WHOLE, "crun"),
  ];
}

/**
 * Containers that were prepared before they are asked for. With gaps only: the
 * pool makes new ones meanwhile, which would be charged to the next in turn.
 *
 * @module
 */
import { Factory, type WarmPool } from "../../mod.ts";
import {
  type Bench,
  PAYLOADS,
  placeOf,
  stateRoot,
  timeProgram,
} from "../bench.ts";
import { benchConfig } from "../config.ts";
import { FLOOR, makeContenders, PEERS } from "../contenders.ts";
import { runFloor } from "../floor.ts";
import type { Check, Figure, Found } from "../results.ts";
import { checkRatio, linesOf, takeTurns, type Variant } from "../turns.ts";
import { runByApi } from "./api.ts";

const SIZE = 4;
const TURNS = 30;
const WARM = "API, prepared";
const COLD = "API";

/** Takes one that is ready and runs it, until its end is known. */
async function runWarm(
  pool: WarmPool,
  args: readonly string[],
): Promise<number> {
  const begin = performance.now();
  await using container = await pool.take();
  const process = await container.start({ args });
  const { success } = await process.status;
  if (!success) throw new Error(`${args.join(" ")} failed in a container`);
  return performance.now() - begin;
}

async function makeVariants(
  bench: Bench,
  factory: Factory,
  pool: WarmPool,
  label: string,
  args: readonly string[],
): Promise<Variant[]> {
  const contenders = await makeContenders(bench, `warm-${label}`, args);
  const peers = contenders.filter(({ name, missing }) =>
    name === PEERS[0] && missing === undefined
  );
  return [
    { names: [WARM], run: async () => [await runWarm(pool, args)] },
    {
      names: [COLD],
      run: async () => [(await runByApi(bench, factory, args)).exit],
    },
    {
      names: [FLOOR],
      run: async () => [(await runFloor(bench, `floor-${label}`, args)).exit],
    },
    ...peers.map(({ name, command }) => ({
      names: [name],
      run: async (): Promise<number[]> => [await timeProgram(bench, command)],
    })),
  ];
}

/** Measures both payloads. */
export async function warmSection(bench: Bench): Promise<Found> {
  const factory = new Factory(stateRoot(bench, "api"));
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const [payload, args] of Object.entries(PAYLOADS)) {
    const isMain = payload.startsWith("busybox");
    const label = isMain ? "busybox" : "bare";
    await using pool = await factory.warm(
      SIZE,
      benchConfig(placeOf(bench), args),
    );
    const variants = await makeVariants(bench, factory, pool, label, args);
    const samples = await takeTurns(bench, variants, {
      turns: TURNS,
      hasGaps: true,
    });
    figures.push({
      id: `warm:${label}`,
      title: `A prepared container, start to exit, ${payload}, 100 ms gaps`,
      unit: "ms",
      lines: linesOf(variants, samples),
    });
    if (!isMain) continue;
    checks.push(
      ...checkRatio("warm/crun", samples, WARM, "crun"),
      ...checkRatio("warm/floor", samples, WARM, FLOOR),
      ...checkRatio("warm/cold", samples, WARM, COLD),
    );
  }
  return { figures, checks };
}

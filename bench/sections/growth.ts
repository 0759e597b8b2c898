/**
 * What a start costs when many containers live.
 *
 * @module
 */
import { Factory } from "../../mod.ts";
import { type Bench, PAYLOADS, stateRoot, timeProgram } from "../bench.ts";
import { makeContenders, PEERS } from "../contenders.ts";
import { endAll, type Live, liveUpTo } from "../live.ts";
import { type Check, type Figure, type Found, lineOf } from "../results.ts";
import { median } from "../statistics.ts";
import { takeTurns, type Variant } from "../turns.ts";
import { runByApi } from "./api.ts";

/** Last none again: what was slower for another reason shows. */
const STAGES = [0, 100, 500, 0];
const TURNS = 25;
const API = "API";

function stageName(stage: number): string {
  const again = stage === STAGES.length - 1 ? " again" : "";
  return `${STAGES[stage]} live${again}`;
}

async function makeVariants(bench: Bench): Promise<Variant[]> {
  const args = PAYLOADS["busybox true"] ?? [];
  const factory = new Factory(stateRoot(bench, "api"));
  const contenders = await makeContenders(bench, "growth", args);
  const peers = contenders.filter(({ name, missing }) =>
    missing === undefined && name === PEERS[0]
  );
  return [
    {
      names: [API],
      run: async () => [(await runByApi(bench, factory, args)).exit],
    },
    ...peers.map(({ name, command }) => ({
      names: [name],
      run: async (): Promise<number[]> => [await timeProgram(bench, command)],
    })),
  ];
}

/** Measures with none, 100 and 500 live containers, and with none again. */
export async function growthSection(bench: Bench): Promise<Found> {
  const factory = new Factory(stateRoot(bench, "live"));
  const variants = await makeVariants(bench);
  const found = new Map(
    variants.flatMap(({ names }) =>
      names.map((name) => [name, [] as (readonly number[])[]])
    ),
  );
  const live: Live[] = [];
  try {
    for (const count of STAGES) {
      if (count < live.length) await endAll(live);
      await liveUpTo(bench, factory, live, count);
      const samples = await takeTurns(bench, variants, { turns: TURNS });
      for (const [name, list] of samples) found.get(name)?.push(list);
    }
  } finally {
    await endAll(live);
  }
  return { figures: [figureOf(found)], checks: checksOf(found) };
}

type Stages = ReadonlyMap<string, readonly (readonly number[])[]>;

function figureOf(found: Stages): Figure {
  return {
    id: "growth:live",
    title: "A start beside live containers, busybox true",
    unit: "ms",
    lines: [...found].flatMap(([name, stages]) =>
      stages.map((samples, stage) =>
        lineOf(`${name}, ${stageName(stage)}`, samples)
      )
    ),
  };
}

/** Stages do not take turns: 500 stand against those before and after. */
function checksOf(found: Stages): Check[] {
  return [...found].map(([name, [first = [], , many = [], last = []]]) => ({
    key: name === API ? "live" : `live:${name}`,
    value: median(many) / median([...first, ...last]),
  }));
}

/**
 * Processor time of one start: of the program that starts and of everything
 * that it has waited for. What the kernel tidies up later is not in it.
 *
 * @module
 */
import { Factory } from "../../mod.ts";
import {
  type Bench,
  PAYLOADS,
  samplesOf,
  stateRoot,
  timeProgram,
} from "../bench.ts";
import { EMPTY, makeContenders, OWN } from "../contenders.ts";
import { processorTime } from "../processes.ts";
import { type Found, lineOf } from "../results.ts";
import { pairedRatio, shuffled } from "../statistics.ts";
import { runByApi } from "./api.ts";

const ROUNDS = 5;
const STARTS = 20;
const API = "API, create→destroyed";

/** Measures the library, the floor and the peers, without libc in the payload. */
export async function processorSection(bench: Bench): Promise<Found> {
  const args = PAYLOADS["no-libc true"] ?? [];
  const factory = new Factory(stateRoot(bench, "api"));
  const contenders = await makeContenders(bench, "cpu", args);
  const variants: [string, () => Promise<unknown>][] = [
    [API, () => runByApi(bench, factory, args)],
    ...contenders.filter(({ name, missing }) =>
      missing === undefined && name !== EMPTY &&
      !OWN.some((own) => own.name === name)
    ).map(({ name, command }): [string, () => Promise<unknown>] => [
      name,
      () => timeProgram(bench, command),
    ]),
  ];
  const samples = new Map(variants.map(([name]) => [name, [] as number[]]));
  const starts = samplesOf(bench, STARTS);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, run] of shuffled(variants)) {
      const before = processorTime();
      for (let start = 0; start < starts; start++) await run();
      const each = (processorTime() - before) / starts;
      if (round >= 0) samples.get(name)?.push(each);
    }
  }
  const [ours = [], ...others] = samples.values();
  const names = [...samples.keys()].slice(1);
  return {
    figures: [{
      id: "cpu",
      title: "Processor time per start, no-libc true, back to back",
      unit: "ms",
      lines: [...samples].map(([name, list]) => lineOf(name, list)),
    }],
    checks: others.map((theirs, index) => ({
      key: `cpu/${names[index]}`,
      value: pairedRatio(ours, theirs),
    })),
  };
}

/**
 * Containers per second with 1, 2 and 4 in flight.
 *
 * @module
 */
import { Factory } from "../../mod.ts";
import { type Bench, PAYLOADS, stateRoot, timeProgram } from "../bench.ts";
import { FLOOR, makeContenders, PEERS } from "../contenders.ts";
import { type Check, type Figure, type Found, lineOf } from "../results.ts";
import { median, pairedRatio, shuffled } from "../statistics.ts";
import { runByApi } from "./api.ts";

const IN_FLIGHT = [1, 2, 4];
const ROUNDS = 3;
const ROUND_MS = 1500;
const QUICK_ROUND_MS = 400;
const PAYLOAD = "busybox true";

/** A contender, once for each place in flight. */
interface Racer {
  readonly name: string;
  readonly run: (place: number) => Promise<unknown>;
}

async function makeRacers(bench: Bench): Promise<Racer[]> {
  const args = PAYLOADS[PAYLOAD] ?? [];
  const factory = new Factory(stateRoot(bench, "api"));
  const places = await Promise.all(
    Array.from(
      { length: Math.max(...IN_FLIGHT) },
      (_, place) => makeContenders(bench, `rate${place}`, args),
    ),
  );
  const others = [FLOOR, ...PEERS].flatMap((name): Racer[] => {
    const commands = places.map((contenders) =>
      contenders.find((each) => each.name === name && !each.missing)
    );
    if (commands.includes(undefined)) return [];
    return [{
      name,
      run: async (place) => {
        const command = commands[place]?.command;
        if (command) await timeProgram(bench, command);
      },
    }];
  });
  return [
    { name: "API", run: () => runByApi(bench, factory, args) },
    ...others,
  ];
}

/** Idle and all processor time of the machine so far, in ticks. */
async function readTicks(): Promise<{ idle: number; all: number }> {
  const [line = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
  const ticks = line.split(/\s+/).slice(1).map(Number);
  return { idle: ticks[3] ?? 0, all: ticks.reduce((sum, n) => sum + n, 0) };
}

/** Lets one contender race; gives containers per second and how busy the machine was. */
async function race(
  bench: Bench,
  { run }: Racer,
  inFlight: number,
): Promise<{ rate: number; busy: number }> {
  const limit = bench.isQuick ? QUICK_ROUND_MS : ROUND_MS;
  const before = await readTicks();
  const begin = performance.now();
  let count = 0;
  const work = async (place: number): Promise<void> => {
    while (performance.now() - begin < limit) {
      await run(place);
      count++;
    }
  };
  await Promise.all(
    Array.from({ length: inFlight }, (_, place) => work(place)),
  );
  const seconds = (performance.now() - begin) / 1000;
  const after = await readTicks();
  const idle = (after.idle - before.idle) / (after.all - before.all);
  return { rate: count / seconds, busy: 100 * (1 - idle) };
}

/** Measures all contenders. */
export async function throughputSection(bench: Bench): Promise<Found> {
  const racers = await makeRacers(bench);
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const inFlight of IN_FLIGHT) {
    const rates = new Map<string, number[]>();
    const busy = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const racer of shuffled(racers)) {
        const found = await race(bench, racer, inFlight);
        rates.set(racer.name, [...rates.get(racer.name) ?? [], found.rate]);
        busy.set(racer.name, [...busy.get(racer.name) ?? [], found.busy]);
      }
    }
    figures.push({
      id: `rate:${inFlight}`,
      title: `Containers per second, ${inFlight} in flight, ${PAYLOAD}`,
      unit: "1/s",
      lines: racers.map(({ name }) =>
        lineOf(name, rates.get(name) ?? [], {
          "busy %": median(busy.get(name) ?? []),
        })
      ),
    });
    if (inFlight === 4) checks.push(...compare(rates));
  }
  return { figures, checks };
}

function compare(rates: ReadonlyMap<string, readonly number[]>): Check[] {
  const pairs = [["floor", FLOOR], ...PEERS.map((peer) => [peer, peer])];
  return pairs.flatMap(([key, name = ""]) => {
    const [ours, theirs] = [rates.get("API"), rates.get(name)];
    if (!ours || !theirs) return [];
    return [{ key: `rate/${key}`, value: pairedRatio(ours, theirs) }];
  });
}

/**
 * Whole processes: the command line against the floor, the peers and an empty
 * program of Deno; start to exit, and the processor time of it.
 *
 * @module
 */
import { type Bench, PAYLOADS } from "../bench.ts";
import { EMPTY, makeContenders, OWN, PEERS } from "../contenders.ts";
import { type Timed, timeInRounds } from "../hyperfine.ts";
import { type Check, type Figure, type Found, lineOf } from "../results.ts";
import { median, pairedRatio } from "../statistics.ts";

/** Measures all payloads, back to back and with gaps. */
export async function processSection(bench: Bench): Promise<Found> {
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const [payload, args] of Object.entries(PAYLOADS)) {
    const label = payload.startsWith("busybox") ? "busybox" : "bare";
    const contenders = await makeContenders(bench, label, args);
    const present = contenders.filter(({ missing }) => missing === undefined);
    for (const hasGaps of [false, true]) {
      const timed = await timeInRounds(bench, present, {
        rounds: hasGaps ? 6 : 10,
        runs: 5,
        hasGaps,
      });
      figures.push({
        id: `process:${label}${hasGaps ? ":gaps" : ""}`,
        title: `Whole process, start to exit, ${payload}, ${
          hasGaps ? "100 ms gaps" : "back to back"
        }`,
        unit: "ms",
        lines: contenders.map(({ name, missing: note }) => {
          const found = timed.get(name);
          if (!found) return { label: name, ...(note && { note }) };
          return lineOf(name, found.rounds.flat(), { cpu: median(found.cpu) });
        }),
      });
      if (label === "busybox") checks.push(...compare(timed, hasGaps));
    }
  }
  return { figures, checks };
}

/** The first of our programs that is there is the one that is distributed. */
function compare(
  timed: ReadonlyMap<string, Timed>,
  hasGaps: boolean,
): Check[] {
  const own = OWN.find(({ name }) => timed.has(name));
  const ours = own && timed.get(own.name);
  if (!ours) return [];
  const suffix = hasGaps ? ":gaps" : "";
  const others = [["deno", EMPTY], ...PEERS.map((peer) => [peer, peer])];
  return others.flatMap(([key, name = ""]) => {
    const theirs = timed.get(name);
    if (!theirs) return [];
    return [{
      key: `cli/${key}${suffix}`,
      value: pairedRatio(ours.rounds, theirs.rounds),
      note: own.name,
    }];
  });
}

/**
 * What a start costs on a host with many mounts: one program of Deno in each of
 * three mount namespaces, which take turns.
 *
 * @module
 */
import type { StartRequest } from "../agent.ts";
import { type Bench, PAYLOADS } from "../bench.ts";
import { makeContenders, PEERS } from "../contenders.ts";
import type { Found } from "../results.ts";
import { Agent } from "../spawn_agent.ts";
import { checkRatio, linesOf, takeTurns, type Variant } from "../turns.ts";

const MOUNTS = [0, 500, 2000];
const TURNS = 30;
const API = "API";
const [PEER] = PEERS;

function nameOf(who: string, mounts: number): string {
  return `${who}, ${mounts.toLocaleString("en")} more mounts`;
}

/** What is asked of every agent, by name; the peer only where it is there. */
async function makeRequests(
  bench: Bench,
): Promise<(readonly [string, StartRequest])[]> {
  const args = PAYLOADS["busybox true"] ?? [];
  const contenders = await makeContenders(bench, "mounts", args);
  const peers = contenders.filter(({ name, missing }) =>
    name === PEER && missing === undefined
  );
  return [
    [API, {}],
    ...peers.map(({ name, command }) => [name, { command }] as const),
  ];
}

/** Measures with no, 500 and 2,000 mounts more than the host has. */
export async function hostMountsSection(bench: Bench): Promise<Found> {
  await using agents = new AsyncDisposableStack();
  const requests = await makeRequests(bench);
  const variants: Variant[] = [];
  for (const mounts of MOUNTS) {
    const agent = agents.use(new Agent(bench, { kind: "starts", mounts }));
    await agent.answer();
    for (const [who, request] of requests) {
      variants.push({
        names: [nameOf(who, mounts)],
        run: async () => [await agent.ask<number>(request)],
      });
    }
  }
  const samples = await takeTurns(bench, variants, { turns: TURNS });
  const [none = 0] = MOUNTS;
  const many = MOUNTS.at(-1) ?? 0;
  return {
    figures: [{
      id: "growth:mounts",
      title: "A start on a host with many mounts, busybox true",
      unit: "ms",
      lines: linesOf(variants, samples),
    }],
    checks: requests.flatMap(([who]) =>
      checkRatio(
        who === API ? "mounts" : `mounts:${who}`,
        samples,
        nameOf(who, many),
        nameOf(who, none),
      )
    ),
  };
}

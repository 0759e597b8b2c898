/**
 * What a start costs on a host with many mounts: one program of Deno in each of
 * three mount namespaces, which take turns.
 *
 * @module
 */
import type { Bench } from "../bench.ts";
import type { Found } from "../results.ts";
import { Agent } from "../spawn_agent.ts";
import { checkRatio, linesOf, takeTurns, type Variant } from "../turns.ts";
import type { StartTimes } from "./api.ts";

const MOUNTS = [0, 500, 2000];
const TURNS = 30;

function nameOf(mounts: number): string {
  return `API, ${mounts.toLocaleString("en")} more mounts`;
}

/** Measures with no, 500 and 2,000 mounts more than the host has. */
export async function hostMountsSection(bench: Bench): Promise<Found> {
  await using agents = new AsyncDisposableStack();
  const variants: Variant[] = [];
  for (const mounts of MOUNTS) {
    const agent = agents.use(new Agent(bench, { kind: "starts", mounts }));
    await agent.answer();
    variants.push({
      names: [nameOf(mounts)],
      run: async () => [(await agent.ask<StartTimes>()).exit],
    });
  }
  const samples = await takeTurns(bench, variants, { turns: TURNS });
  const [none = 0, ...more] = MOUNTS;
  return {
    figures: [{
      id: "growth:mounts",
      title: "A start on a host with many mounts, busybox true",
      unit: "ms",
      lines: linesOf(variants, samples),
    }],
    checks: more.flatMap((mounts) =>
      checkRatio(
        mounts === 2000 ? "mounts" : `mounts:${mounts}`,
        samples,
        nameOf(mounts),
        nameOf(none),
      )
    ),
  };
}

/**
 * Memory of the kernel for each live container.
 *
 * @module
 */
import { Factory } from "../../mod.ts";
import {
  type Bench,
  freshId,
  inside,
  pause,
  placeOf,
  stateRoot,
  timeProgram,
  WAITING,
} from "../bench.ts";
import { writeBundle } from "../config.ts";
import { peerCommand, PEERS, whyMissing } from "../contenders.ts";
import { endAll, type Live, liveUpTo } from "../live.ts";
import { kernelMemory } from "../processes.ts";
import { type Found, lineOf } from "../results.ts";
import { pairedRatio } from "../statistics.ts";

const COUNT = 100;
const QUICK_COUNT = 20;
const ROUNDS = 2;
/** Network namespaces are freed some time after their last process. */
const SETTLE_MS = 1500;
const [PEER] = PEERS;

async function ofApi(bench: Bench, count: number): Promise<number> {
  const factory = new Factory(stateRoot(bench, "live"));
  const live: Live[] = [];
  try {
    const before = await kernelMemory();
    await liveUpTo(bench, factory, live, count);
    await pause(bench, SETTLE_MS);
    return (await kernelMemory() - before) / count;
  } finally {
    await endAll(live);
  }
}

async function ofPeer(bench: Bench, count: number): Promise<number> {
  const command = peerCommand(bench, PEER);
  const ids: string[] = [];
  try {
    const before = await kernelMemory();
    while (ids.length < count) {
      const id = freshId(PEER);
      const dir = inside(bench, `bundle-${id}`);
      await writeBundle(dir, placeOf(bench, id), WAITING);
      ids.push(id);
      const run = ["run", "--detach", "--bundle", dir, id];
      await timeProgram(bench, [...command, ...run]);
    }
    await pause(bench, SETTLE_MS);
    return (await kernelMemory() - before) / count;
  } finally {
    for (const id of ids) {
      await timeProgram(bench, [...command, "delete", "--force", id]);
    }
  }
}

/** Measures the library's containers and crun's, in turn. */
export async function memorySection(bench: Bench): Promise<Found> {
  const count = bench.isQuick ? QUICK_COUNT : COUNT;
  const hasPeer = whyMissing(bench, PEER) === undefined;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await ofApi(bench, count));
    await pause(bench, SETTLE_MS);
    if (!hasPeer) continue;
    theirs.push(await ofPeer(bench, count));
    await pause(bench, SETTLE_MS);
  }
  return {
    figures: [{
      id: "memory",
      title: `Memory of the kernel per live container, of ${count}`,
      unit: "KB",
      lines: [
        lineOf("API", ours),
        hasPeer
          ? lineOf(PEER, theirs)
          : { label: PEER, note: whyMissing(bench, PEER) ?? "" },
      ],
    }],
    checks: hasPeer
      ? [{ key: "kernel/crun", value: pairedRatio(ours, theirs) }]
      : [],
  };
}

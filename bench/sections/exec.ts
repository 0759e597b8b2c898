/**
 * A further process in a container that runs: the library, the command line and
 * the peers, in turn within each iteration.
 *
 * @module
 */
import { type Container, Factory } from "../../mod.ts";
import {
  type Bench,
  freshId,
  inside,
  PAYLOADS,
  placeOf,
  stateRoot,
  timeProgram,
  WAITING,
} from "../bench.ts";
import { benchConfig, writeBundle } from "../config.ts";
import {
  type CommandLine,
  ownPrograms,
  type Peer,
  peerCommand,
  PEERS,
  whyMissing,
} from "../contenders.ts";
import type { Check, Figure, Found } from "../results.ts";
import { checkRatio, linesOf, takeTurns, type Variant } from "../turns.ts";

const API = "API, start→exit";

/** Times one further process through the library. */
async function execByApi(
  container: Container,
  args: readonly string[],
): Promise<number> {
  const begin = performance.now();
  const process = await container.start({ args });
  const { success } = await process.status;
  if (!success) throw new Error(`${args.join(" ")} failed in a container`);
  return performance.now() - begin;
}

/** Starts a container of a peer that stays. */
async function startPeer(bench: Bench, peer: Peer): Promise<string> {
  const id = freshId(peer);
  const dir = inside(bench, `bundle-${id}`);
  await writeBundle(dir, placeOf(bench, id), WAITING);
  const run = ["run", "--detach", "--bundle", dir, id];
  await timeProgram(bench, [...peerCommand(bench, peer), ...run]);
  return id;
}

async function removePeer(bench: Bench, peer: Peer, id: string): Promise<void> {
  const remove = ["delete", "--force", id];
  await timeProgram(bench, [...peerCommand(bench, peer), ...remove]);
}

/** The command line that runs something in the container of the library. */
async function ownVariants(
  bench: Bench,
  id: string,
  args: readonly string[],
): Promise<Variant[]> {
  const programs = await ownPrograms();
  const present = programs.filter(({ missing }) => missing === undefined);
  return present.map(({ name, command }) => {
    const options = ["--root", stateRoot(bench, "api"), "exec", "--id", id];
    return {
      names: [name],
      run: async () => [
        await timeProgram(bench, [...command, ...options, "--", ...args]),
      ],
    };
  });
}

function peerVariants(
  bench: Bench,
  ids: ReadonlyMap<Peer, string>,
  args: readonly string[],
): Variant[] {
  return [...ids].map(([peer, id]) => {
    const command: CommandLine = [...peerCommand(bench, peer), "exec", id];
    return {
      names: [`${peer} exec`],
      run: async () => [await timeProgram(bench, [...command, ...args])],
    };
  });
}

async function measure(
  bench: Bench,
  container: Container,
  peers: ReadonlyMap<Peer, string>,
): Promise<Found> {
  const figures: Figure[] = [];
  const checks: Check[] = [];
  for (const [payload, args] of Object.entries(PAYLOADS)) {
    const isMain = payload.startsWith("busybox");
    const variants: Variant[] = [
      { names: [API], run: async () => [await execByApi(container, args)] },
      ...await ownVariants(bench, container.id, args),
      ...peerVariants(bench, peers, args),
    ];
    for (const hasGaps of [false, true]) {
      const samples = await takeTurns(bench, variants, {
        turns: hasGaps ? 20 : 60,
        hasGaps,
      });
      const suffix = hasGaps ? ":gaps" : "";
      figures.push({
        id: `exec:${isMain ? "busybox" : "bare"}${suffix}`,
        title: `Exec into a live container, start to exit, ${payload}, ${
          hasGaps ? "100 ms gaps" : "back to back"
        }`,
        unit: "ms",
        lines: linesOf(variants, samples),
      });
      if (!isMain) continue;
      for (const peer of PEERS) {
        const key = `exec/${peer}${suffix}`;
        checks.push(...checkRatio(key, samples, API, `${peer} exec`));
      }
    }
  }
  return { figures, checks };
}

/** Measures both payloads, back to back and with gaps. */
export async function execSection(bench: Bench): Promise<Found> {
  const factory = new Factory(stateRoot(bench, "api"));
  const config = benchConfig(placeOf(bench), WAITING);
  await using container = await factory.create(freshId("exec"), config);
  await container.start({ args: WAITING });
  const peers = new Map<Peer, string>();
  try {
    for (const peer of PEERS) {
      if (whyMissing(bench, peer) !== undefined) continue;
      peers.set(peer, await startPeer(bench, peer));
    }
    return await measure(bench, container, peers);
  } finally {
    for (const [peer, id] of peers) await removePeer(bench, peer, id);
  }
}

/**
 * What commands that only read cost, against an empty program of Deno and the
 * peers' own.
 *
 * @module
 */
import { join } from "@std/path";
import { Factory } from "../../mod.ts";
import { findCommand } from "../../lib/cli/registry.ts";
import {
  type Bench,
  freshId,
  inside,
  placeOf,
  stateRoot,
  WAITING,
} from "../bench.ts";
import { benchConfig, writeBundle } from "../config.ts";
import {
  type CommandLine,
  type Contender,
  EMPTY,
  emptyCommand,
  ownPrograms,
  peerCommand,
  PEERS,
  whyMissing,
} from "../contenders.ts";
import { timeInRounds } from "../hyperfine.ts";
import { type Check, type Found, type Line, lineOf } from "../results.ts";
import { median, pairedRatio } from "../statistics.ts";

/** Command lines after the global options; those that are not there are left out. */
function commandsFor(id: string): (readonly [string, ...string[]])[] {
  return [
    ["help"],
    ["list"],
    ["state", id],
    ["ps", id],
    ["stats", id],
    ["config"],
    ["config", "--memory-limit", "64m"],
    ["convert"],
    ["explain", "/bin/true"],
    ["completion", "bash"],
    ["doctor"],
    ["features"],
  ];
}

/** Only what reads a configuration is told where one is. */
function placeFor(command: string, file: string): string[] {
  if (command === "convert") return [file];
  const isTold = command === "config" || command === "explain";
  return isTold ? ["--config", file] : [];
}

/** Why a command cannot be timed: it fails. */
async function whyFails(
  { signal }: Bench,
  [program, ...args]: CommandLine,
): Promise<string | undefined> {
  const { code } = await new Deno.Command(program, {
    args,
    signal,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return code === 0 ? undefined : `ended with status ${code}`;
}

async function makeCommands(bench: Bench, id: string): Promise<Contender[]> {
  const dir = inside(bench, "bundle-commands");
  await writeBundle(dir, placeOf(bench, freshId("commands")), WAITING);
  const programs = await ownPrograms();
  const [own] = programs.filter(({ missing }) => missing === undefined);
  const options = ["--root", stateRoot(bench, "api")];
  const ours = own === undefined ? [] : [
    ["--version"] as const,
    ...commandsFor(id).filter(([name]) => findCommand(name) !== undefined),
  ].map(([name, ...args]) => {
    const flags = args.filter((word) => word.startsWith("--"));
    return {
      name: [own.name, name, ...flags].join(" "),
      command: [
        ...own.command,
        ...options,
        name,
        ...placeFor(name, join(dir, "container.json")),
        ...args,
      ] as CommandLine,
    };
  });
  const peers = PEERS.filter((peer) => whyMissing(bench, peer) === undefined)
    .map((peer) => ({
      name: `${peer} list`,
      command: [...peerCommand(bench, peer), "list"] as CommandLine,
    }));
  const empty = { name: EMPTY, command: emptyCommand(bench) };
  return [empty, ...ours, ...peers];
}

/** Measures all of them beside one live container. */
export async function commandsSection(bench: Bench): Promise<Found> {
  const factory = new Factory(stateRoot(bench, "api"));
  const config = benchConfig(placeOf(bench), WAITING);
  await using container = await factory.create(freshId("read"), config);
  await container.start({ args: WAITING });

  const contenders = await Promise.all(
    (await makeCommands(bench, container.id)).map(async (contender) => {
      const missing = await whyFails(bench, contender.command);
      return missing === undefined ? contender : { ...contender, missing };
    }),
  );
  const present = contenders.filter(({ missing }) => missing === undefined);
  const timed = await timeInRounds(bench, present, { rounds: 6, runs: 3 });
  const empty = timed.get(EMPTY)?.rounds ?? [];
  const lines = contenders.map(({ name, missing }): Line => {
    const found = timed.get(name);
    if (!found) return { label: name, note: missing ?? "" };
    return lineOf(name, found.rounds.flat(), {
      "/ empty": pairedRatio(found.rounds, empty),
      cpu: median(found.cpu),
    });
  });
  const checks = lines.flatMap(({ label, more }): Check[] =>
    more?.["/ empty"] === undefined
      ? []
      : [{ key: `command/${label}`, value: more["/ empty"] }]
  );
  const title = "Commands that only read, beside one live container";
  return { figures: [{ id: "commands", title, unit: "ms", lines }], checks };
}

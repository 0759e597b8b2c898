/**
 * The programs that run whole containers: ours as it is distributed, the peers,
 * and what they are measured by.
 *
 * @module
 */
import { join } from "@std/path";
import { BUNDLE, BUNDLE_OPTIONS } from "../tasks/bundle.ts";
import { DENO, ROOT } from "../tasks/process.ts";
import { type Bench, inside, stateRoot } from "./bench.ts";
import { writeBundle } from "./config.ts";
import { floorCommand } from "./floor.ts";

/** A command line and its arguments. */
export type CommandLine = [program: string, ...args: string[]];

/** A contender of the figures that time whole processes. */
export interface Contender {
  /** How figures call it. */
  readonly name: string;
  /** Why it cannot take part; absent when it can. */
  readonly missing?: string;
  /** Command line that runs one container with a payload and ends with it. */
  readonly command: CommandLine;
}

/**
 * The ways to run our own command line. The launcher of the bundle repeats what it
 * has seen twice by itself; without it everything is decided as at the first use.
 */
export interface OwnProgram {
  /** How figures call it. */
  readonly name: string;
  /** File that has to be there. */
  readonly file: string;
  /** Task that makes it. */
  readonly task: string;
  /** Command line before the arguments. */
  readonly command: CommandLine;
}

/** Permissions and what keeps files of the working directory out of it. */
const DENO_FLAGS = ["run", "-A", "--no-config", "--no-lock"];

/** The program that `deno task bundle` makes. */
export const LAUNCHER: string = join(BUNDLE, "nsinit");
/** The file that `deno task compile` makes. */
export const EXECUTABLE: string = join(ROOT, "nsinit");

/** All ways to run our own command line, those that are not there included. */
export const OWN: readonly OwnProgram[] = [
  {
    name: "CLI (bundled)",
    file: LAUNCHER,
    task: "bundle",
    command: [LAUNCHER],
  },
  {
    name: "CLI (bundled, first use)",
    file: LAUNCHER,
    task: "bundle",
    command: [DENO, "run", ...BUNDLE_OPTIONS, join(BUNDLE, "js/cli.js")],
  },
  {
    name: "CLI (modules)",
    file: join(ROOT, "cli.ts"),
    task: "build",
    command: [DENO, "run", "-A", join(ROOT, "cli.ts")],
  },
  {
    name: "CLI (compiled)",
    file: EXECUTABLE,
    task: "compile",
    command: [EXECUTABLE],
  },
];

/** The peers. */
export const PEERS = ["crun", "runc"] as const;
/** One of the peers. */
export type Peer = (typeof PEERS)[number];

/** Name of the empty program of Deno in figures. */
export const EMPTY = "deno run, empty";
/** Name of the floor in figures. */
export const FLOOR = "C floor";

/** The command line that only ends. */
export function emptyCommand(bench: Bench): CommandLine {
  return [DENO, ...DENO_FLAGS, "--no-code-cache", inside(bench, "empty.js")];
}

/** Writes the program that only ends. */
export async function writeEmpty(bench: Bench): Promise<void> {
  await Deno.writeTextFile(inside(bench, "empty.js"), "Deno.exit();\n");
}

/**
 * Begins a command line of a peer.
 *
 * @param bench The run.
 * @param peer Which.
 * @returns Program and global options.
 */
export function peerCommand(bench: Bench, peer: Peer): CommandLine {
  const program = bench.programs.get(peer) ?? peer;
  return [program, "--root", stateRoot(bench, peer)];
}

/**
 * Tells why a peer cannot take part.
 *
 * @param bench The run.
 * @param peer Which.
 * @returns The reason; undefined when it can.
 */
export function whyMissing(bench: Bench, peer: Peer): string | undefined {
  return bench.programs.has(peer) ? undefined : "not installed";
}

/** Finds which of our programs are there; the best of them first. */
export async function ownPrograms(): Promise<
  (OwnProgram & { readonly missing?: string })[]
> {
  return await Promise.all(OWN.map(async (program) => {
    const isThere = await Deno.stat(program.file)
      .then(() => true, () => false);
    if (isThere) return program;
    return { ...program, missing: `not made: deno task ${program.task}` };
  }));
}

/**
 * Makes the contenders of one payload, each with a bundle of its own.
 *
 * @param bench The run.
 * @param label Short name of the payload, for paths.
 * @param args Program and arguments inside.
 * @returns The contenders.
 */
export async function makeContenders(
  bench: Bench,
  label: string,
  args: readonly string[],
): Promise<Contender[]> {
  const { rootfs, parent } = bench;
  const bundleOf = async (name: string): Promise<string> => {
    const dir = inside(bench, `bundle-${name}-${label}`);
    await writeBundle(dir, { rootfs, parent, name: `${name}-${label}` }, args);
    return dir;
  };
  const own = (await ownPrograms()).map(async (program, index) => {
    const dir = await bundleOf(`cli${index}`);
    const { name, missing, command } = program;
    const options = ["--root", stateRoot(bench, "cli"), "--data-path", dir];
    return {
      name,
      ...(missing !== undefined && { missing }),
      command: [...command, ...options, "exec", ...args] as CommandLine,
    };
  });
  const peers = PEERS.map(async (peer) => {
    const missing = whyMissing(bench, peer);
    const dir = await bundleOf(peer);
    return {
      name: peer,
      ...(missing !== undefined && { missing }),
      command: [
        ...peerCommand(bench, peer),
        "run",
        "--bundle",
        dir,
        `${peer}-${label}`,
      ] as CommandLine,
    };
  });
  return [
    { name: FLOOR, command: floorCommand(bench, `floor-${label}`, args) },
    { name: EMPTY, command: emptyCommand(bench) },
    ...await Promise.all([...own, ...peers]),
  ];
}

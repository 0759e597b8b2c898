/**
 * The arguments of bench/floor.c, taken from the plan of the same container.
 *
 * @module
 */
import { join } from "@std/path";
import { compileFilter } from "../ffi/seccomp.ts";
import { defaultSeccomp } from "../lib/config/default_seccomp.ts";
import { devicePolicy, deviceWrites } from "../lib/plan/cgroup/devices.ts";
import { type Bench, inside, placeOf, succeed } from "./bench.ts";
import { benchConfig, LIMITS } from "./config.ts";
import { ROOT } from "../tasks/process.ts";

/** Directory of the programs that the bench compiles. */
export const PROGRAMS: string = join(ROOT, "build/bench");

const FLOOR = join(PROGRAMS, "floor");

/** The times that the floor takes by its own clock, in milliseconds. */
export interface FloorTimes {
  /** From the first call to the end of the program. */
  readonly exit: number;
  /** Until all is removed. */
  readonly whole: number;
}

/** Writes the seccomp filter where the floor finds it. */
export async function writeFilter(bench: Bench): Promise<void> {
  const { program } = compileFilter(defaultSeccomp);
  await Deno.writeFile(inside(bench, "filter"), program);
}

/**
 * Makes the floor's command line.
 *
 * @param bench The run.
 * @param name Name of the cgroups.
 * @param args Program and arguments inside.
 * @returns Program and arguments.
 */
export function floorCommand(
  bench: Bench,
  name: string,
  args: readonly string[],
): [string, ...string[]] {
  return [
    FLOOR,
    ...bench.hierarchies.flatMap((hierarchy) =>
      groupArguments(bench, hierarchy, name)
    ),
    "-s",
    inside(bench, "filter"),
    bench.rootfs,
    ...args,
  ];
}

/**
 * Runs the floor once.
 *
 * @param bench The run.
 * @param name Name of the cgroups.
 * @param args Program and arguments inside.
 * @returns Its times.
 */
export async function runFloor(
  bench: Bench,
  name: string,
  args: readonly string[],
): Promise<FloorTimes> {
  const output = await succeed(bench, floorCommand(bench, name, args));
  const [exit = NaN, whole = NaN] = output.split(" ").map(Number);
  return { exit: exit / 1000, whole: whole / 1000 };
}

type Hierarchy = Bench["hierarchies"][number];

function groupArguments(
  bench: Bench,
  hierarchy: Hierarchy,
  name: string,
): string[] {
  const { version, controllers, mount } = hierarchy;
  const dir = `${mount}${bench.parent}/${name}`;
  const shown = version === 2
    ? "unified"
    : controllers.map((each) => each.replace(/^name=/, "")).join(",");
  return [
    version === 2 ? "-u" : "-g",
    dir,
    "-b",
    `${dir}=${shown}`,
    ...writesOf(hierarchy, bench).flatMap((
      [file, text],
    ) => ["-w", `${dir}/${file}=${text}`]),
  ];
}

/** What is written into a group of the bench's configuration. */
function writesOf(
  { version, controllers, mount }: Hierarchy,
  bench: Bench,
): (readonly [file: string, text: string])[] {
  if (version === 2) {
    const files: (readonly [string, string, string])[] = [
      ["memory", "memory.max", String(LIMITS.memory)],
      ["pids", "pids.max", String(LIMITS.pids)],
      ["cpu", "cpu.weight", String(LIMITS.weight)],
    ];
    return files.filter(([controller]) => controllers.includes(controller))
      .map(([, file, text]) => [file, text]);
  }
  return controllers.flatMap((controller): (readonly [string, string])[] => {
    switch (controller) {
      case "cpu":
        return [["cpu.shares", String(LIMITS.shares)]];
      case "memory":
        return [["memory.limit_in_bytes", String(LIMITS.memory)]];
      case "pids":
        return [["pids.max", String(LIMITS.pids)]];
      case "cpuset":
        return ["cpuset.cpus", "cpuset.mems"].map((
          file,
        ) => [
          file,
          Deno.readTextFileSync(`${mount}${bench.parent}/${file}`).trim(),
        ]);
      case "devices":
        return deviceWrites(
          devicePolicy(benchConfig(placeOf(bench), []).cgroups ?? {}),
        )
          .map(({ file, value }) => [file, value]);
      default:
        return [];
    }
  });
}

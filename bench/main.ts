/**
 * `deno task bench`: sets everything up, measures, prints the table, writes
 * build/bench/results.json and build/bench/plot.svg.
 *
 *     deno task bench [--quick] [--write] [SECTION...]
 *
 *     --quick   a tenth of the samples
 *     --write   bench/README.md, results.json and plot.svg are renewed
 *     SECTION   only these parts: see bench/sections.ts
 *
 * The measuring itself is another program (bench/inside.ts), so that this one
 * can take away whatever it leaves, however it ends.
 *
 * @module
 */
import { basename, fromFileUrl, join } from "@std/path";
import { build } from "../tasks/build.ts";
import { bundle } from "../tasks/bundle.ts";
import { DENO, ROOT, run, say } from "../tasks/process.ts";
import { makeRootfs } from "../tasks/rootfs.ts";
import { setup } from "../tasks/setup.ts";
import { STATES } from "./bench.ts";
import { PROGRAMS } from "./floor.ts";
import { makeGroups, removeGroups } from "./groups.ts";
import { picture, publish } from "./publish.ts";
import type { InsideOptions } from "./inside.ts";
import type { Results } from "./results.ts";
import { SECTIONS } from "./sections.ts";
import { report } from "./table.ts";

const INSIDE = fromFileUrl(new URL("inside.ts", import.meta.url));
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const INTERRUPTED = 130;
/** Time for the measuring program to end by itself when interrupted. */
const TIDY_MS = 15_000;
const UNIFIED = "/sys/fs/cgroup/unified";

async function compilePrograms(): Promise<boolean> {
  await Deno.mkdir(PROGRAMS, { recursive: true });
  const make = ["--no-print-directory", "-C", "bench"];
  return await run("make", [...make, `BUILD=${PROGRAMS}`]) === 0;
}

/** Whether the host has both versions of cgroups, which crun refuses. */
async function isHybrid(): Promise<boolean> {
  const mounts = await Deno.readTextFile("/proc/self/mountinfo");
  return mounts.split("\n").some((line) => line.split(" ")[4] === UNIFIED) &&
    mounts.includes(" - cgroup ");
}

async function makeDirectory(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "nsinit-bench-" });
  const rootfs = join(dir, "rootfs");
  await Deno.chmod(dir, 0o755);
  await Deno.mkdir(join(dir, STATES));
  await makeRootfs(rootfs);
  await Deno.copyFile(join(PROGRAMS, "bare"), join(rootfs, "bin/bare"));
  return dir;
}

/** The measuring program, and the programs that it runs, as one process group. */
function startInside(options: InsideOptions): Deno.ChildProcess {
  const states = join(options.dir, STATES);
  const script = [
    ...options.isHidden ? [`umount ${UNIFIED}`] : [],
    // The directory is our own: nothing in it needs quoting.
    `mount -t tmpfs -o mode=700 states ${states}`,
    'exec "$@"',
  ].join(" && ");
  const namespace = ["unshare", "--mount", "--propagation", "private"];
  const program = [DENO, "run", "-A", INSIDE, JSON.stringify(options)];
  return new Deno.Command("setsid", {
    args: [...namespace, "sh", "-c", script, "sh", ...program],
    cwd: ROOT,
    // The launcher of the bundle starts this one.
    env: { DENO },
    stdin: "null",
  }).spawn();
}

/** Sends a signal to a process group, as long as there is one. */
function signalGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Measures in a mount namespace of its own. Where the host has both versions of
 * cgroups, the version 2 tree is taken out of it: for all contenders alike.
 *
 * @returns The status; nothing of the group is left then.
 */
async function measure(options: InsideOptions): Promise<number> {
  const child = startInside(options);
  let limit: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    say("bench: interrupted, tidying up");
    child.kill("SIGTERM");
    limit ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), TIDY_MS);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  try {
    const { code } = await child.status;
    return limit === undefined ? code : INTERRUPTED;
  } finally {
    clearTimeout(limit);
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
    signalGroup(child.pid, "SIGKILL");
  }
}

/** Writes what is looked at in detail. */
async function keep(results: Results): Promise<void> {
  const json = JSON.stringify(results, undefined, 2) + "\n";
  await Deno.writeTextFile(join(PROGRAMS, "results.json"), json);
  await Deno.writeTextFile(join(PROGRAMS, "plot.svg"), picture(results));
}

async function bench(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = [
    ...flags.filter((flag) => flag !== "--quick" && flag !== "--write"),
    ...names.filter((name) => !Object.hasOwn(SECTIONS, name)),
  ];
  if (unknown.length > 0) {
    say(
      `Cannot bench ${unknown.join(" ")}: there are --quick, --write and ${
        Object.keys(SECTIONS).join(", ")
      }`,
    );
    return 2;
  }
  if (Deno.uid() !== 0) {
    say("Cannot bench: containers of all contenders need root");
    return 1;
  }
  if (!await setup(["build", "demo", "bench"]) || !await build()) return 1;
  if (!await compilePrograms()) return 1;
  if (!await bundle()) {
    say("bench: the bundle takes part as it was made before, if it was");
  }

  const dir = await makeDirectory();
  try {
    await makeGroups(`/${basename(dir)}`);
    const code = await measure({
      dir,
      isQuick: flags.includes("--quick"),
      isHidden: await isHybrid(),
      sections: names.length > 0 ? names : Object.keys(SECTIONS),
    });
    if (code !== 0) return code;
    const results: Results = JSON.parse(
      await Deno.readTextFile(join(dir, "results.json")),
    );
    say(report(results));
    await keep(results);
    if (flags.includes("--write")) await publish(results);
    return results.failures.length > 0 ? 1 : 0;
  } finally {
    await removeGroups(`/${basename(dir)}`);
    await Deno.remove(dir, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await bench(Deno.args));

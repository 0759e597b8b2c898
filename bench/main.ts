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
import { DENO, ROOT, run, say } from "../tasks/process.ts";
import { makeRootfs } from "../tasks/rootfs.ts";
import { setup } from "../tasks/setup.ts";
import { PROGRAMS } from "./floor.ts";
import { makeGroups, removeGroups } from "./groups.ts";
import { picture, publish } from "./publish.ts";
import type { InsideOptions } from "./inside.ts";
import type { Results } from "./results.ts";
import { SECTIONS } from "./sections.ts";
import { report } from "./table.ts";

const INSIDE = fromFileUrl(new URL("inside.ts", import.meta.url));
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
  await makeRootfs(rootfs);
  await Deno.copyFile(join(PROGRAMS, "bare"), join(rootfs, "bin/bare"));
  return dir;
}

/**
 * Measures in a mount namespace of its own. Where the host has both versions of
 * cgroups, the version 2 tree is taken out of it: for all contenders alike.
 */
async function measure(options: InsideOptions): Promise<number> {
  const script = options.isHidden
    ? `umount ${UNIFIED} && exec "$@"`
    : 'exec "$@"';
  const child = new Deno.Command("unshare", {
    args: [
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      "sh",
      DENO,
      "run",
      "-A",
      "--v8-flags=--expose-gc",
      INSIDE,
      JSON.stringify(options),
    ],
    cwd: ROOT,
  }).spawn();
  const stop = (): void => {
    try {
      child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  const { code } = await child.status;
  for (const signal of signals) Deno.removeSignalListener(signal, stop);
  return code;
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

/**
 * The measuring program: runs in a mount namespace of its own (see
 * bench/main.ts), writes its results as JSON.
 *
 * @module
 */
import { basename, join } from "@std/path";
import { probeCgroups } from "../lib/host/probe.ts";
import { say } from "../tasks/process.ts";
import type { Bench } from "./bench.ts";
import { writeEmpty } from "./contenders.ts";
import { writeFilter } from "./floor.ts";
import type { Check, Figure, Results } from "./results.ts";
import { SECTIONS } from "./sections.ts";
import { describeSetting } from "./setting.ts";

const WANTED_PROGRAMS = ["hyperfine", "crun", "runc", "podman"];
const SEARCH = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

async function findPrograms(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of WANTED_PROGRAMS) {
    for (const dir of SEARCH) {
      const path = join(dir, name);
      const isThere = await Deno.stat(path).then(() => true, () => false);
      if (isThere && !found.has(name)) found.set(name, path);
    }
  }
  return found;
}

/** Options of a run, handed over by bench/main.ts. */
export interface InsideOptions {
  /** Directory of everything that it writes. */
  readonly dir: string;
  /** Few samples. */
  readonly isQuick: boolean;
  /** Whether a version 2 tree was hidden. */
  readonly isHidden: boolean;
  /** Names of the sections. */
  readonly sections: readonly string[];
}

async function makeBench(options: InsideOptions): Promise<Bench> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new Error("interrupted")));
  }
  const { dir, isQuick } = options;
  return {
    dir,
    rootfs: join(dir, "rootfs"),
    parent: `/${basename(dir)}`,
    hierarchies: probeCgroups().hierarchies,
    isQuick,
    programs: await findPrograms(),
    signal: stop.signal,
  };
}

async function measure(options: InsideOptions): Promise<Results> {
  const begin = performance.now();
  const bench = await makeBench(options);
  await writeFilter(bench);
  await writeEmpty(bench);
  const setting = await describeSetting(bench, options.isHidden);
  const figures: Figure[] = [];
  const checks: Check[] = [];
  const failures: string[] = [];
  for (const name of options.sections) {
    bench.signal.throwIfAborted();
    const start = performance.now();
    try {
      const found = await SECTIONS[name]?.(bench);
      figures.push(...found?.figures ?? []);
      checks.push(...found?.checks ?? []);
    } catch (error) {
      failures.push(
        `${name}: ${error instanceof Error ? error.message : error}`,
      );
    }
    const seconds = (performance.now() - start) / 1000;
    say(`bench: ${name} took ${seconds.toFixed(0)} s`);
  }
  const seconds = (performance.now() - begin) / 1000;
  return { setting, figures, checks, failures, seconds };
}

if (import.meta.main) {
  const options: InsideOptions = JSON.parse(Deno.args[0] ?? "");
  const results = await measure(options);
  await Deno.writeTextFile(
    join(options.dir, "results.json"),
    JSON.stringify(results),
  );
  Deno.exit(0);
}

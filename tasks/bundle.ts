/**
 * Makes the distributed command lines in `build/nsinit`: their launchers, the modules
 * bundled into a few files, and the library. The folder may be moved anywhere.
 *
 * `deno bundle` does the work with a bundler of its own choice, which it fetches
 * from the npm registry the first time; its version belongs to that of Deno.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { join, resolve } from "@std/path";
import { build } from "./build.ts";
import { type CommandFile, linkFolder } from "./link.ts";
import { DENO, ROOT, run, say } from "./process.ts";
import { makeQuickFiles } from "./quick.ts";
import { writeTexts } from "./texts.ts";

/** The folder that is made. */
export const BUNDLE: string = join(ROOT, "build/nsinit");

/**
 * Options with which the launcher (`c/launcher.c`) starts Deno. Nothing that lies in the working
 * directory changes what it does; there is no cache of compiled code, which
 * the caller would choose; and chunks are read when they are needed.
 */
export const BUNDLE_OPTIONS: readonly string[] = [
  "--allow-all",
  "--no-config",
  "--no-lock",
  "--no-code-cache",
  "--unstable-lazy-dynamic-imports",
];

/**
 * The same for the file of one command, where the bundle is that keeps its compiled code:
 * with the flags with which that was made, else it does not hold.
 */
export const KEPT_CODE_OPTIONS: readonly string[] = [
  ...BUNDLE_OPTIONS.filter((option) => option !== "--no-code-cache"),
  "--v8-flags=--single-threaded,--no-opt,--no-sparkplug,--no-maglev," +
  "--no-enable-lazy-source-positions,--min-semi-space-size=16,--no-lazy",
];

/** Where the launcher has compiled code kept, in a bundle. */
const CACHE = "cache";

/**
 * A program that loads another, which is then not the main one and does nothing, or
 * finds no such command; and that leaves time to write down its code.
 */
const LOADER = "data:application/javascript,await import(Deno.args[0]);" +
  "await new Promise((done)=>setTimeout(done,100))";

/** Where the library lies, seen from the modules as in the checkout. */
const LIBRARY = "lib/libnsinit.so";
/** The launcher, which finds out what to start from its own name. */
const LAUNCHER = "c/build/nsinit";
/** The names that it gets. */
const PROGRAMS = ["nsinit", "nsinit-oci"];

/** Room for where a launcher was made: what comes before, and how much fits (`c/launcher_bundle.c`). */
const MADE_IN = { marker: "nsinit launcher made in\0", pathSize: 1024 };

/** What commands load in any case, by the names of their sources. */
const LOADS: Readonly<Record<string, Readonly<Record<string, string[]>>>> = {
  "cli.js": {
    exec: ["exec", "parse", "problems", "era_d"],
  },
  "oci.js": {
    create: ["create", "bundle", "parse", "oci", "oci_paths"],
    run: ["run", "bundle", "parse", "oci", "oci_paths"],
    exec: ["exec"],
    start: ["start"],
    state: ["state"],
    kill: ["kill"],
    delete: ["delete"],
  },
};

/** The launcher takes such a file when a word of the command line names it. */
const COMMAND_FILES: readonly CommandFile[] = Object.entries(LOADS)
  .flatMap(([entry, commands]) =>
    Object.entries(commands).map(([command, loads]) => ({
      file: `${entry.replace(/\.js$/, "")}.${command}.js`,
      entry,
      loads,
    }))
  );

/**
 * Makes the bundle; what was there is replaced when all has succeeded.
 *
 * @param target The folder, `build/nsinit` unless given.
 * @returns Whether it is there.
 */
export async function bundle(target: string = BUNDLE): Promise<boolean> {
  if (!await build() || !await buildLauncher()) return false;

  const made = `${target}.new`;
  await removeTree(made);
  const code = await run(DENO, [
    "bundle",
    "--quiet",
    "--platform=deno",
    "--minify",
    "--code-splitting",
    "--outdir",
    join(made, "js"),
    "cli.ts",
    "oci.ts",
  ]);
  if (code !== 0) {
    await removeTree(made);
    say(
      "Cannot bundle: deno bundle needs esbuild, which it fetches once from " +
        "npm (NPM_CONFIG_REGISTRY names another registry). Without it run the " +
        "sources: deno run -A cli.ts",
    );
    return false;
  }

  await linkFolder(join(made, "js"), ["cli.js", "oci.js"], COMMAND_FILES);
  const js = join(made, "js");
  if (!await makeQuickFiles(js, "cli.js", (name) => `cli.${name}.js`)) {
    await removeTree(made);
    return false;
  }
  await writeTexts(made);
  await Deno.mkdir(join(made, "lib"));
  await Deno.copyFile(join(ROOT, LIBRARY), join(made, LIBRARY));
  for (const name of PROGRAMS) {
    const launcher = await Deno.readFile(join(ROOT, LAUNCHER));
    markLauncher(launcher, name === "nsinit-oci", resolve(target));
    await Deno.writeFile(join(made, name), launcher);
    await Deno.chmod(join(made, name), 0o755);
  }
  await removeTree(target);
  await Deno.rename(made, target);
  await keepCode(await Deno.realPath(target));
  return true;
}

/**
 * Puts what databases have in their logs into the databases: Deno does not close
 * them, and whoever opens them next would read the whole log, for milliseconds.
 */
async function foldLogs(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith("_v2")) continue;
    const database = new DatabaseSync(join(folder, name));
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
  }
}

/**
 * Has Deno compile the files of commands and keep the code in the bundle, for
 * whoever may write there. Code is known by the path of its file, so the launcher
 * asks for that only where this was done.
 */
async function keepCode(folder: string): Promise<void> {
  const cache = join(folder, CACHE);
  await Deno.mkdir(cache);
  for await (const { name } of Deno.readDir(join(folder, "js"))) {
    const file = join(folder, "js", name);
    const isCommand = /^(cli|oci)\.\w+\.js$/.test(name);
    if (!isCommand) continue;
    await new Deno.Command(DENO, {
      args: ["run", ...KEPT_CODE_OPTIONS, LOADER, `file://${file}`],
      env: { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
  }
  await foldLogs(cache);
  await Deno.writeTextFile(join(cache, "place"), folder);
}

/**
 * Writes into a launcher for whom it is and where it was made, where it looks
 * for the rest when nothing is beside it. A path that is too long is left out.
 *
 * @param launcher The program; changed.
 * @param isOci Whether it is the one for engines.
 * @param folder Where it is made.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { markLauncher } from "./bundle.ts";
 *
 * assertThrows(() => markLauncher(new Uint8Array(9), true, "/srv/nsinit"));
 * ```
 */
export function markLauncher(
  launcher: Uint8Array,
  isOci: boolean,
  folder: string,
): void {
  const { marker, pathSize } = MADE_IN;
  const places = new TextDecoder("latin1").decode(launcher).split(marker);
  if (places.length !== 2) throw new Error("the launcher has no such place");
  const at = (places[0] ?? "").length + marker.length;
  const path = new TextEncoder().encode(folder);
  if (isOci) launcher[at] = "o".charCodeAt(0);
  if (path.length < pathSize) launcher.set(path, at + 1);
}

async function buildLauncher(): Promise<boolean> {
  const make = ["--no-print-directory", "-C", "c", "launcher"];
  return await run("make", make) === 0;
}

async function removeTree(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

if (import.meta.main) {
  const target = Deno.args[0] ?? BUNDLE;
  const done = await bundle(target);
  if (done) say(`bundle: ${target}/nsinit`);
  Deno.exit(done ? 0 : 1);
}

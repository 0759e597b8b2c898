/**
 * Makes the single executable `nsinit` of the bundle.
 *
 * `deno compile` joins the program with a runtime, `denort`, that it fetches
 * the first time. Without a network, put that file there by hand and name it in
 * the variable `DENORT_BIN`.
 *
 * @module
 */
import { join } from "@std/path";
import { BUNDLE, bundle } from "./bundle.ts";
import { DENO, ROOT, run, say } from "./process.ts";

/**
 * The command that compiles a bundle; its configuration file is left out, as
 * with lazy imports the modules that `import()` names would be left out too.
 *
 * @param folder What `bundle()` made.
 * @param output The executable.
 * @returns Arguments of Deno.
 */
export function compileArguments(folder: string, output: string): string[] {
  return [
    "compile",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--include",
    join(folder, "lib/libnsinit.so"),
    "--output",
    output,
    join(folder, "js/cli.js"),
  ];
}

/** Makes the bundle and the executable; gives the exit status. */
async function compile(): Promise<number> {
  if (!await bundle()) return 1;

  const code = await run(DENO, compileArguments(BUNDLE, join(ROOT, "nsinit")));

  if (code === 0) say("compile: ./nsinit");
  else if (Deno.env.get("DENORT_BIN") === undefined) {
    say(
      "Without a network `deno compile` needs its runtime as a file: " +
        "set DENORT_BIN to the path of denort",
    );
  }
  return code;
}

if (import.meta.main) Deno.exit(await compile());

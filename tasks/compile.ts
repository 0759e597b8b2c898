/**
 * Makes the single executable `nsinit`.
 *
 * `deno compile` joins the program with a runtime, `denort`, that it fetches
 * the first time. Without a network, put that file there by hand and name it in
 * the variable `DENORT_BIN`.
 *
 * @module
 */
import { build } from "./build.ts";
import { DENO, run, say } from "./process.ts";

/**
 * The library, and the folders with modules whose names are computed when they
 * are imported, so that `deno compile` does not find them by itself.
 */
const INCLUDED = ["lib/libnsinit.so", "lib", "ffi", "std/jsonc/mod.ts"];

/** Builds the library and the executable; gives the exit status. */
async function compile(): Promise<number> {
  if (!await build()) return 1;

  const code = await run(DENO, [
    "compile",
    "-A",
    ...INCLUDED.flatMap((path) => ["--include", path]),
    "--output",
    "nsinit",
    "cli.ts",
  ]);

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

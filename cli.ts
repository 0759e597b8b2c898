#!/usr/bin/env -S deno run --allow-all
/**
 * The program: arguments to a command to an exit status.
 *
 * @module
 */
import { main } from "./lib/cli/main.ts";
import { Output } from "./lib/cli/output.ts";

/** Exit status for a fault of this program, as for all of its own errors. */
const EXIT_FAULT = 125;

/** The name that this program was started under; for a script that of Deno. */
function programName(): string {
  try {
    return Deno.readTextFileSync("/proc/self/cmdline").split("\0", 1)[0] ?? "";
  } catch {
    return ""; // no /proc: then by its first argument alone
  }
}

/** Runs the command line of this process, and ends it. */
export async function run(): Promise<never> {
  // A promise that nobody waits for must not end in Deno's own status 1.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    new Output({ format: "text", debug: true }).fail(event.reason);
    Deno.exit(EXIT_FAULT);
  });
  const loadOci = () => import("./lib/oci/main.ts");
  // The single executable is told by its name which command line it is.
  const isOci = /(^|\/)nsinit-oci$/.test(programName());
  Deno.exit(
    isOci
      ? await (await loadOci()).main(Deno.args)
      : await main(Deno.args, loadOci),
  );
}

if (import.meta.main) await run();

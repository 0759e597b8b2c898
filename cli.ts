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

if (import.meta.main) {
  // A promise that nobody waits for must not end in Deno's own status 1.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    new Output({ format: "text", debug: true }).fail(event.reason);
    Deno.exit(EXIT_FAULT);
  });
  Deno.exit(await main(Deno.args));
}

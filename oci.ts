#!/usr/bin/env -S deno run --allow-all
/**
 * The program `nsinit-oci`: the command line that container engines drive.
 *
 * @module
 */
import { main, reportFault } from "./lib/oci/main.ts";

if (import.meta.main) {
  // A promise that nobody waits for must not end in silence.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(reportFault(event.reason));
  });
  Deno.exit(await main(Deno.args));
}

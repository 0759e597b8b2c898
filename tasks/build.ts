/**
 * Builds `lib/libnsinit.so`.
 *
 * @module
 */
import { run, say } from "./process.ts";
import { setup } from "./setup.ts";

/**
 * Builds the library with `make`, which does nothing when it is up to date.
 *
 * @returns Whether the library is there.
 */
export async function build(): Promise<boolean> {
  if (!await setup(["build"])) return false;

  const code = await run("make", ["--no-print-directory", "-C", "c", "lib"]);
  if (code !== 0) say(`Cannot build lib/libnsinit.so: make ended with ${code}`);

  return code === 0;
}

if (import.meta.main) Deno.exit(await build() ? 0 : 1);

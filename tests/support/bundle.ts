/**
 * The distributed command line, for tests.
 *
 * @module
 */
import { REPOSITORY, runProgram } from "./nsinit.ts";

/** How Deno words that it cannot fetch something. */
export const OFFLINE_ERRORS =
  /denort|error sending request|Failed to download|Failed to fetch|dns/i;

/** Says on the terminal that a part of a test is left out. */
export async function skipAloud(reason: string): Promise<void> {
  await Deno.stderr.write(
    new TextEncoder().encode(`SKIPPED in part: ${reason}\n`),
  );
}

/**
 * Makes a bundle.
 *
 * @param folder Where.
 * @returns The folder; `undefined` where the bundler cannot be fetched, which is said aloud.
 */
export async function makeBundle(folder: string): Promise<string | undefined> {
  const task = `${REPOSITORY}/tasks/bundle.ts`;
  const { code, stdout, stderr } = await runProgram(
    [Deno.execPath(), "run", "-A", task, folder],
    { timeoutMs: 120_000 },
  );
  if (code === 0) return folder;
  if (!OFFLINE_ERRORS.test(stderr)) throw new Error(stdout + stderr);
  await skipAloud("deno bundle has no bundler here and no network");
  return undefined;
}

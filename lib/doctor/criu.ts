/**
 * Asks CRIU about itself and this kernel.
 *
 * @module
 */
import type { CriuFacts } from "./facts.ts";
import { findProgram } from "./programs.ts";

/** It looks at many parts of the kernel; on a slow machine that takes seconds. */
const PATIENCE_MS = 60_000;
const LONGEST_COMPLAINT = 300;
/** Where it says what, whatever log the host's /etc/criu/default.conf names: a file would be left in the caller's directory. */
const CHECK = ["check", "--log-file", "-"] as const;

interface Answer {
  readonly isSuccess: boolean;
  readonly text: string;
}

async function ask(path: string, ...args: readonly string[]): Promise<Answer> {
  const command = new Deno.Command(path, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  try {
    const { success, stdout, stderr } = await command.output();
    return { isSuccess: success, text: decode(stdout) + decode(stderr) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { isSuccess: false, text };
  }
}

/**
 * Reads what `criu --version` prints. Pure.
 *
 * @param text Its output.
 * @returns E.g. `4.2.1`; undefined when it is something else's.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCriuVersion } from "./criu.ts";
 *
 * assertEquals(parseCriuVersion("Version: 4.2.1\nGitID: v4.2\n"), "4.2.1");
 * ```
 */
export function parseCriuVersion(text: string): string | undefined {
  return /^Version: (\d{1,4}(?:\.\d{1,4}){0,3})$/m.exec(text)?.[1];
}

/**
 * Finds what `criu check` complains of. Pure.
 *
 * @param text Its output.
 * @returns The first line of an error or warning, without the place in its source.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { complaintOf } from "./criu.ts";
 *
 * const text = "Warn  (criu/cr-check.c:7): Dirty tracking is OFF.\nLooks bad.\n";
 * assertEquals(complaintOf(text), "Dirty tracking is OFF.");
 * ```
 */
export function complaintOf(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  // It runs programs to look for others; that one fails is no complaint.
  const line =
    lines.find((each) =>
      /\bError\b/.test(each) && !/: exited, status=/.test(each)
    ) ?? lines[0] ?? "";
  return line.replace(/^.*?(?:Error|Warn)\s*\([^)]*\):\s*/, "").trim()
    .slice(0, LONGEST_COMPLAINT);
}

/**
 * Asks CRIU for its version, and as root whether it is content with this kernel.
 *
 * @param name A path, or a name that is looked for.
 * @param euid Who asks.
 * @returns What it says; undefined when there is no such program.
 *
 * @example
 * ```ts ignore
 * const { version } = await examineCriu("criu", 0) ?? {};
 * ```
 */
export async function examineCriu(
  name: string,
  euid: number,
): Promise<CriuFacts | undefined> {
  const path = findProgram(name);
  if (path === undefined) return undefined;
  const told = await ask(path, "--version");
  const version = parseCriuVersion(told.text);
  if (version === undefined) return { path, complaint: complaintOf(told.text) };
  if (euid !== 0) return { path, version };
  const check = await ask(path, ...CHECK);
  if (!check.isSuccess) {
    return { path, version, works: false, complaint: complaintOf(check.text) };
  }
  const tracks = await ask(path, ...CHECK, "--feature", "mem_dirty_track");
  return { path, version, works: true, tracksMemory: tracks.isSuccess };
}

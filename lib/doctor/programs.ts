/**
 * Looks for programs.
 *
 * @module
 */

/** Where administrators' programs are, which the `PATH` of users may lack. */
const FURTHER_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/**
 * Finds a program.
 *
 * @param name A path, or a name that is looked for in `PATH` and where
 * administrators' programs are.
 * @returns Its path; undefined when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findProgram } from "./programs.ts";
 *
 * assertEquals(findProgram("/bin/sh"), "/bin/sh");
 * assertEquals(findProgram("no-such-program"), undefined);
 * ```
 */
export function findProgram(name: string): string | undefined {
  if (name.includes("/")) return isProgram(name) ? name : undefined;
  const directories = [
    ...(Deno.env.get("PATH") ?? "").split(":"),
    ...FURTHER_DIRECTORIES,
  ];
  // What is relative in PATH depends on where it is asked.
  return directories.filter((dir) => dir.startsWith("/"))
    .map((dir) => `${dir}/${name}`).find(isProgram);
}

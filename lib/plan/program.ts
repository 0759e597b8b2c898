/**
 * Which program is executed, with which environment.
 *
 * @module
 */
import { ProgramError, UsageError } from "../errors.ts";
import type { Op } from "./ops.ts";
import type { ProcessSpec } from "./types.ts";
import { refuse } from "./refusal.ts";

/** Searched when the environment has no PATH. */
const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Brings an environment into the form of execve(2): each name once. Pure.
 *
 * @param entries `K=V`; of several with one name the last stays, in the place
 * of the first.
 * @returns The entries and their values by name.
 * @throws {ConfigError} `ConfigInvalid` for an entry without `=` or name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { environmentOf } from "./program.ts";
 *
 * assertEquals(environmentOf(["A=1", "B=2", "A=3"]), new Map([["A", "3"], ["B", "2"]]));
 * ```
 */
export function environmentOf(entries: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  entries.forEach((entry, index) => {
    const at = entry.indexOf("=");
    if (at < 1) {
      throw refuse(
        `process.env[${index}]`,
        `Cannot use ${
          JSON.stringify(entry)
        } as environment variable: must be NAME=VALUE`,
      );
    }
    values.set(entry.slice(0, at), entry.slice(at + 1));
  });
  return values;
}

/**
 * Lists the paths at which a program may be. Pure.
 *
 * Names with a slash are taken as they are. Others are looked for in the
 * absolute directories of the container's PATH; empty and relative ones would
 * mean the working directory, and are left out.
 *
 * @param name First argument.
 * @param path The container's PATH.
 * @param fallback What stands in for one that is not there.
 * @returns Paths in the order they are tried.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { candidatePaths } from "./program.ts";
 *
 * assertEquals(candidatePaths("sh", "/bin::/usr/bin:."), ["/bin/sh", "/usr/bin/sh"]);
 * assertEquals(candidatePaths("./run", "/bin"), ["./run"]);
 * ```
 */
export function candidatePaths(
  name: string,
  path: string | undefined,
  fallback = DEFAULT_PATH,
): string[] {
  if (name.includes("/")) return [name];
  const directories = (path || fallback).split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => directory.replace(/\/+$/, ""));
  return [...new Set(directories)].map((directory) => `${directory}/${name}`);
}

/**
 * Plans the exec. Pure.
 *
 * @param process The process.
 * @param isEngines Whether an engine asks for it: then a name is not found
 * without a PATH, as with other runtimes.
 * @returns The operation; HOME is asked for when the environment has none.
 * @throws {ProgramError} `ProgramNotFound` for a name that an engine gives without a PATH.
 * @throws {UsageError} `UsageInvalid` when there is no program to run.
 * @throws {ConfigError} `ConfigInvalid` for a malformed environment.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planProgram } from "./program.ts";
 *
 * const op = planProgram({ args: ["ls", "-l"], env: ["PATH=/bin", "HOME="] });
 * assertEquals([op.paths, op.envp, op.flags], [["/bin/ls"], ["PATH=/bin"], 1]);
 * ```
 */
export function planProgram(
  { args, env }: Pick<ProcessSpec, "args" | "env">,
  isEngines = false,
): Op<"exec"> {
  const name = args[0] ?? "";
  if (name === "") {
    throw new UsageError(
      "Cannot run a process without a program: give a program and its arguments",
    );
  }
  const values = environmentOf(env);
  const needsHome = !values.get("HOME");
  if (needsHome) values.delete("HOME");
  const fallback = isEngines ? "" : DEFAULT_PATH;
  const paths = candidatePaths(name, values.get("PATH"), fallback);
  if (paths.length === 0 && isEngines) {
    throw new ProgramError(
      "ProgramNotFound",
      `Cannot find ${JSON.stringify(name)}: the environment has no PATH`,
      { context: { program: name } },
    );
  }
  if (paths.length === 0) {
    throw new UsageError(
      `Cannot look for ${
        JSON.stringify(name)
      }: PATH names no absolute directory; give a path or set PATH`,
    );
  }
  return {
    op: "exec",
    flags: needsHome ? 1 : 0,
    paths,
    argv: args,
    envp: [...values].map(([key, value]) => `${key}=${value}`),
  };
}

/**
 * Plans to look for the program before it is executed, for one that is executed
 * later. Pure.
 *
 * @param exec The exec.
 * @param cwd Working directory, from which a relative path counts.
 * @returns The operation.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findProgram, planProgram } from "./program.ts";
 *
 * const exec = planProgram({ args: ["./run"], env: [] });
 * assertEquals(findProgram(exec, "/srv").paths, ["/srv/./run"]);
 * ```
 */
export function findProgram(
  { paths, argv }: Pick<Op<"exec">, "paths" | "argv">,
  cwd: string,
): Op<"program.find"> {
  return {
    op: "program.find",
    paths: paths.map((path) => path.startsWith("/") ? path : `${cwd}/${path}`),
    name: argv[0] ?? "",
  };
}

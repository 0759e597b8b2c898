/**
 * Options that every command takes, and what they mean.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";
import { defaultStateRoot } from "../container/state_root.ts";
import {
  ConfigError,
  describeCause,
  HostError,
  UsageError,
} from "../errors.ts";
import type { Option } from "./command.ts";
import type { OutputOptions } from "./output.ts";
import type { Values } from "./values.ts";

/** The global options; they may stand before and after the command. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  {
    name: "root",
    type: "text",
    metavar: "DIR",
    doc: "directory of the states of all containers (default /run/nsinit, " +
      "for other users than root $XDG_RUNTIME_DIR/nsinit)",
  },
  {
    name: "data-path",
    type: "text",
    metavar: "DIR",
    env: "data_path",
    doc: "the container's directory, where its container.json stands " +
      "(default the current directory)",
  },
  {
    name: "debug",
    type: "boolean",
    doc: "say what is done, step by step, with the time it took",
  },
  {
    name: "log",
    aliases: ["log-file"],
    type: "text",
    metavar: "FILE",
    env: "log",
    doc: "append errors and debug lines to FILE",
  },
  {
    name: "log-format",
    type: "text",
    metavar: "FORMAT",
    choices: ["text", "json"],
    default: "text",
    doc: "how lines on stderr and in the log are written: text or json",
  },
  {
    name: "criu",
    type: "text",
    metavar: "PATH",
    default: "criu",
    doc: "the program that checkpoints and restores",
  },
  {
    name: "systemd-cgroup",
    type: "boolean",
    doc: "have systemd make the cgroups of new containers",
  },
  { name: "help", short: "h", type: "boolean", doc: "print help" },
  { name: "version", short: "v", type: "boolean", doc: "print the version" },
  {
    name: "console",
    type: "text",
    env: "console",
    hidden: true,
    doc: "terminal of the first process in 2014; now it is made by --tty",
  },
  {
    name: "pipe",
    type: "integer",
    hidden: true,
    doc: "descriptor of the start-up pipe in 2014; now there is none",
  },
  {
    name: "nspid",
    type: "text",
    hidden: true,
    refused: "was an internal option of nsinit 1.x; " +
      "to join a container, run `nsinit exec CMD` in its directory",
    doc: "internal in 2014",
  },
];

/** Values of `--log` by which the first versions named no file. */
const NO_LOG_FILE = ["", "none", "stderr"];

/**
 * Derives how lines are printed from the global options.
 *
 * @param values The options.
 * @returns Settings for `Output`.
 */
export function outputOptions(values: Values): OutputOptions {
  const format = values.text("log-format") === "json" ? "json" : "text";
  const log = values.text("log") ?? "";
  const common = { format, debug: values.flag("debug") } as const;
  if (NO_LOG_FILE.includes(log)) return common;
  return { ...common, logFile: absolute(log) };
}

/**
 * Makes a path of the command line absolute.
 *
 * @param path Relative to the current directory, or absolute.
 * @returns The normalised path.
 * @throws {HostError} `HostUnsupported` if the current directory is gone.
 */
export function absolute(path: string): string {
  return resolvePath(path.startsWith("/") ? "/" : currentDirectory(), path);
}

/**
 * Finds the current directory.
 *
 * @returns Its absolute path.
 * @throws {HostError} `HostUnsupported` if it has been removed.
 */
export function currentDirectory(): string {
  try {
    return Deno.cwd();
  } catch (cause) {
    throw new HostError(
      "Cannot find the current directory: it has been removed or is not " +
        "reachable; change to another one",
      { cause },
    );
  }
}

/**
 * Finds the directory of all states.
 *
 * @param values The options.
 * @returns Its absolute path; it may not exist yet.
 * @throws {UsageError} `UsageInvalid` for an empty name.
 */
export function stateRootOf(values: Values): string {
  const given = values.text("root");
  if (given === undefined) return defaultStateRoot();
  if (given !== "") return absolute(given);
  // A variable of a script that is not set: not the containers of the machine.
  throw new UsageError(
    "--root is empty: name a directory, or leave it out for the default one",
  );
}

/**
 * Finds the container's directory: `--data-path`, else the environment's
 * `data_path`, else the current directory.
 *
 * @param values The options.
 * @returns Its absolute path.
 */
export function directoryOf(values: Values): string {
  return absolute(values.text("data-path") || ".");
}

/**
 * Makes sure that a container's directory is one.
 *
 * @param directory Its absolute path.
 * @throws {ConfigError} `ConfigInvalid` if there is no such directory.
 */
export function checkDirectory(directory: string): void {
  const attempt = `Cannot use the container's directory ${directory}`;
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(directory);
  } catch (cause) {
    throw new ConfigError(`${attempt}: ${describeCause(cause)}`, [], { cause });
  }
  if (!info.isDirectory) {
    throw new ConfigError(`${attempt}: it is no directory`);
  }
}

/**
 * From the arguments of the OCI command line to an exit status.
 *
 * @module
 */
import { parseArgs } from "../cli/parse_args.ts";
import { Values } from "../cli/values.ts";
import { VERSION } from "../cli/version.ts";
import { UsageError } from "../errors.ts";
import type { OciCommand } from "./command.ts";
import {
  absolutePath,
  HELP_OPTION,
  OCI_GLOBAL_OPTIONS,
  ociStateRoot,
  SPEC_VERSION,
} from "./globals.ts";
import { Log, LOG_LEVELS, type LogLevel, type LogOptions } from "./log.ts";
import { findOciCommand, OCI_COMMANDS } from "./registry.ts";

/** The runc whose command line this is. */
const AS_RUNC = "1.3.0";
/** Exit status of a wrong usage, and of nearly every failure. */
const EXIT_FAILURE = 1;
/** Exit status for a command that there is not. */
const EXIT_UNKNOWN = 3;

/** Writes to stderr until the options say where to. */
const FIRST_LOG = new Log({ format: "text", level: "warning" });

/** Latest log; an unforeseen failure goes there too. */
let latest = FIRST_LOG;

/**
 * Logs a fault of this program.
 *
 * @param error What was thrown.
 * @returns The exit status.
 */
export function reportFault(error: unknown): number {
  latest.error(error instanceof Error ? error.message : String(error));
  return EXIT_FAILURE;
}

function isLevel(text: string): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}

/** Where `--log` says: a file, or as crun has them `file:PATH`, `syslog:ID` and `journald:ID`. */
async function placeOf(
  text: string,
): Promise<Pick<LogOptions, "file" | "service">> {
  const [, kind, id] = /^(syslog|journald):([^]*)$/.exec(text) ?? [];
  if (kind === "syslog" || kind === "journald") {
    const { checkSystemLog, writeSystemLog } = await import(
      "../container/system_log.ts"
    );
    const log = { kind, id: id || "nsinit-oci" } as const;
    return {
      service: {
        check: () => checkSystemLog(log),
        write: (level, message) => writeSystemLog(log, level, message),
      },
    };
  }
  const path = text.replace(/^file:/, "");
  return path === "" ? {} : { file: absolutePath(path) };
}

/** Settles where lines go. */
async function logOf(globals: Values): Promise<Log> {
  const format = globals.text("log-format") ?? "";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`invalid log-format: ${format}`);
  }
  const wanted = globals.text("log-level") ?? "";
  if (!isLevel(wanted)) throw new UsageError(`invalid log-level: ${wanted}`);
  const level = globals.flag("debug") ? "debug" : wanted;
  const log = new Log({
    format,
    level,
    ...await placeOf(globals.text("log") ?? ""),
  });
  log.check();
  return log;
}

/** As `runc --version`: engines show it, and some read the first line. */
export function versionText(): string {
  return [
    `nsinit-oci version ${VERSION}, in place of runc version ${AS_RUNC}`,
    `commit: v${VERSION}`,
    `spec: ${SPEC_VERSION}`,
  ].join("\n");
}

async function loadAll(): Promise<OciCommand[]> {
  return await Promise.all(
    OCI_COMMANDS.map(async ({ load }) => (await load()).COMMAND),
  );
}

/**
 * Renders the help of all commands.
 *
 * @returns The text.
 */
export async function overview(): Promise<string> {
  const { formatOciOverview } = await import("./help.ts");
  return formatOciOverview(await loadAll());
}

/**
 * Renders the help of a command.
 *
 * @param command Which.
 * @returns The text.
 */
export async function helpOf(command: OciCommand): Promise<string> {
  const { formatOciHelp } = await import("./help.ts");
  return formatOciHelp(command);
}

/** Words a wrong count of arguments as runc does. */
function checkArity({ name, arity }: OciCommand, count: number): void {
  const [least, most] = arity;
  if (count >= least && count <= most) return;
  const wanted = least === most
    ? `exactly ${least}`
    : count < least
    ? `a minimum of ${least}`
    : `a maximum of ${most}`;
  throw new UsageError(
    `nsinit-oci: "${name}" requires ${wanted} argument(s)`,
  );
}

/** Logs what goes wrong beside a command that succeeds; the name stands in lib/container/warnings.ts. */
function logWarnings(log: Log): void {
  addEventListener("nsinit:warning", (event) => {
    if (event instanceof CustomEvent) log.warn(event.detail.message);
  });
}

/** A failure of a command, in the words that its callers look for. */
async function fail(
  error: unknown,
  command: OciCommand,
  log: Log,
): Promise<number> {
  if (error instanceof UsageError) {
    log.result(await helpOf(command));
    log.error(error.message);
    return EXIT_FAILURE;
  }
  const { wordExec, wordFailure } = await import("./wording.ts");
  const exec = wordExec(error);
  if (exec === undefined) {
    const words = wordFailure(error);
    // As other runtimes begin what went wrong inside before the program ran.
    const isInit = words.includes("error during container init");
    const before = isInit ? `runc ${command.name} failed: ` : "";
    log.error(`${command.prefix ?? before}${words}`);
  } else {
    log.bare(exec);
  }
  if (error instanceof Error) log.debug(error.stack ?? "");
  return command.failure ?? EXIT_FAILURE;
}

async function runCommand(
  command: OciCommand,
  rest: readonly string[],
  globals: Values,
  log: Log,
): Promise<number> {
  try {
    const options = [...command.options, HELP_OPTION];
    const { given, rest: args } = parseArgs(rest, options, {
      stopEarly: command.stopEarly ?? false,
      command: command.name,
      singleDash: {},
    });
    const values = new Values(options, given);
    if (values.flag("help")) {
      log.result(await helpOf(command));
      return 0;
    }
    checkArity(command, args.length);
    logWarnings(log);
    const stateRoot = ociStateRoot(globals);
    return await command.action({ values, globals, args, stateRoot, log });
  } catch (error) {
    return await fail(error, command, log);
  }
}

/**
 * Runs one command line. Errors are logged, not thrown.
 *
 * @param args The arguments without the program's name.
 * @returns The exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  latest = FIRST_LOG;
  try {
    const { given, rest: [name, ...rest] } = parseArgs(
      args,
      OCI_GLOBAL_OPTIONS,
      { stopEarly: true, command: "", singleDash: {} },
    );
    const globals = new Values(OCI_GLOBAL_OPTIONS, given);
    if (globals.flag("version")) {
      FIRST_LOG.result(versionText());
      return 0;
    }
    const log = latest = await logOf(globals);
    if (name === undefined || name === "help" || globals.flag("help")) {
      const entry = rest[0] === undefined ? undefined : findOciCommand(rest[0]);
      const command = entry && (await entry.load()).COMMAND;
      log.result(command ? await helpOf(command) : await overview());
      return 0;
    }
    const entry = findOciCommand(name);
    if (!entry) {
      log.error(`No help topic for '${name.slice(0, 200)}'`);
      return EXIT_UNKNOWN;
    }
    const { COMMAND } = await entry.load();
    return await runCommand(COMMAND, rest, globals, log);
  } catch (error) {
    if (error instanceof UsageError) latest.result(await overview());
    return reportFault(error);
  }
}

/**
 * Merges what the caller asks with what the configuration says into the
 * settings of one process.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import type { Config, Rlimit } from "../config/types.ts";
import type { ProcessSpec } from "../plan/types.ts";
import type { Attachment } from "./attach.ts";
import type { ProcessRequest } from "./request.ts";

const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const RLIMIT_NOFILE = 7;

/** Environment of a process when its configuration has none (dialect D kept none). */
function defaultEnvironment(config: Config): string[] {
  return [
    `PATH=${DEFAULT_PATH}`,
    `HOSTNAME=${config.hostname ?? "nsinit"}`,
    "TERM=xterm",
  ];
}

function parseLimit(text: string | undefined): bigint {
  return text === undefined || text === "unlimited"
    ? (1n << 64n) - 1n
    : BigInt(text);
}

interface Limits {
  readonly soft: bigint;
  readonly hard: bigint;
}

function openFilesOf(pid: number | "self"): Limits | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/limits`);
  } catch {
    return undefined; // another pid namespace, or gone
  }
  const row = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text);
  return row
    ? { soft: parseLimit(row[1]), hard: parseLimit(row[2]) }
    : undefined;
}

function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/**
 * The caller's own limit of open files. Deno raises its soft limit to the hard
 * one at start, so the soft one is read from the process that started this one;
 * the hard one is ours, which a wrapper may have lowered since.
 */
export function callersOpenFiles(): Rlimit | undefined {
  const own = openFilesOf("self");
  const caller = openFilesOf(Deno.ppid) ?? own;
  if (!own || !caller) return undefined;
  return {
    type: RLIMIT_NOFILE,
    soft: lower(caller.soft, own.hard),
    hard: own.hard,
  };
}

function limitsOf(
  config: Config,
  request: ProcessRequest,
): readonly Rlimit[] {
  const own = request.rlimits ?? [];
  const rlimits = [
    ...(config.rlimits ?? []).filter(({ type }) =>
      !own.some((limit) => limit.type === type)
    ),
    ...own,
  ];
  if (rlimits.some((limit) => limit.type === RLIMIT_NOFILE)) return rlimits;
  const callers = callersOpenFiles();
  return callers ? [...rlimits, callers] : rlimits;
}

/** Whether the process gets a terminal. */
export function wantsTerminal(
  config: Config,
  request: ProcessRequest,
): boolean {
  return request.tty ?? config.process?.tty ?? false;
}

const OVERRIDES = [
  "capabilities",
  "noNewPrivileges",
  "additionalGroups",
  "apparmorProfile",
  "processLabel",
  "extraFiles",
  "umask",
  "oomScoreAdj",
  "scheduler",
  "ioPriority",
  "cpuAffinity",
  "personality",
] as const;

/** What the request says instead of the configuration, as it is. */
function overridesOf(
  request: ProcessRequest,
): Pick<ProcessSpec, typeof OVERRIDES[number]> {
  return Object.fromEntries(
    OVERRIDES.map((key) => [key, request[key]])
      .filter(([, value]) => value !== undefined),
  );
}

/** The caller's terminal has a size; else the configuration may name one. */
function terminalSizeOf(
  { process }: Config,
  { terminalSize }: Attachment,
): Pick<ProcessSpec, "terminalSize"> {
  if (terminalSize !== undefined) return { terminalSize };
  const size = process?.consoleSize;
  if (size === undefined) return {};
  return { terminalSize: { rows: size.height, columns: size.width } };
}

/**
 * Settles a process's settings.
 *
 * @param config Configuration of the container.
 * @param request What the caller asks; it wins.
 * @param attachment The caller's stdio.
 * @returns The settings, complete.
 * @throws {UsageError} `UsageInvalid` if there is nothing to run.
 */
export function specOf(
  config: Config,
  request: ProcessRequest,
  attachment: Attachment,
): ProcessSpec {
  const args = request.args.length > 0
    ? request.args
    : config.process?.args ?? [];
  if (args.length === 0) {
    throw new UsageError(
      "Cannot run nothing: name a program, e.g. nsinit exec /bin/sh",
    );
  }
  const base = request.clearEnv
    ? []
    : config.process?.env ?? defaultEnvironment(config);
  return {
    args: [...args],
    env: [...base, ...request.env],
    user: request.user ?? config.process?.user ?? "",
    cwd: request.cwd ?? config.process?.cwd ?? "",
    tty: wantsTerminal(config, request),
    stdio: attachment.stdio,
    rlimits: limitsOf(config, request),
    ...overridesOf(request),
    ...(request.seccompNotify && { listens: true }),
    ...terminalSizeOf(config, attachment),
    ...(attachment.plainNewlines && { plainNewlines: true }),
  };
}

/**
 * What can be asked of a process, checked.
 *
 * @module
 */
import { isTerminal } from "../../ffi/native.ts";
import { ATTRIBUTE_CHECKS } from "../config/checks/attributes.ts";
import { KEPT_CAPABILITIES, RESOURCE_LIMITS } from "../config/input/process.ts";
import type { Shape } from "../config/input/shape.ts";
import type {
  CapabilitySets,
  CapabilitySpelling,
  Rlimit,
} from "../config/input/types.ts";
import { formatPath } from "../config/json_scan.ts";
import { Findings } from "../config/problems.ts";
import type {
  Config,
  CpuAffinity,
  IoPriority,
  Personality,
  Scheduler,
} from "../config/types.ts";
import type {
  ProcessAttributes,
  ProcessRequest,
} from "../container/request.ts";
import type { SeccompHandler } from "../container/seccomp_types.ts";
import { UsageError } from "../errors.ts";

/** Size of a terminal in characters, 0 to 65535 each. */
export interface TerminalSize {
  /** Width. */
  readonly columns: number;
  /** Height. */
  readonly rows: number;
}

/**
 * Where a standard stream of a process leads.
 *
 * `"null"`: the null device of the container. `"piped"`: a web stream of the
 * {@linkcode Process}. `"inherit"`: this program's own stream of that name; a
 * terminal is never handed inside (what runs there could push input into it),
 * its bytes are relayed through a pipe instead. A number: a descriptor of this
 * program, which it keeps; a terminal is relayed as well.
 */
export type Stdio = "piped" | "inherit" | "null" | number;

/**
 * A process to run in a container, for {@linkcode Container.start}. What is
 * absent comes from the container's configuration.
 */
export interface ProcessOptions {
  /** Program and arguments; a name without a slash is looked for in the container's PATH. Empty: the configuration's. */
  readonly args: readonly string[];
  /** Variables added to the configuration's, as `K=V` or by name; a later one wins. */
  readonly env?: Readonly<Record<string, string>> | readonly string[];
  /** Whether the configuration's variables are left out. */
  readonly clearEnv?: boolean;
  /** `user`, `uid`, `user:group` or `uid:gid`, names as the container's passwd and group have them; root when empty. */
  readonly user?: string;
  /** Absolute working directory inside. */
  readonly cwd?: string;
  /** Capabilities instead of the configuration's: kept ones, or all five sets. */
  readonly capabilities?: readonly CapabilitySpelling[] | CapabilitySets;
  /** Resource limits; they take the place of the configuration's of the same type. */
  readonly rlimits?: readonly Rlimit[];
  /** Whether no program can gain privileges (set-user-id, file capabilities), instead of the configuration's. */
  readonly noNewPrivileges?: boolean;
  /** Supplementary groups by name or number, besides the configuration's. */
  readonly additionalGroups?: readonly string[];
  /** AppArmor profile instead of the configuration's. */
  readonly apparmorProfile?: string;
  /** SELinux label instead of the configuration's. */
  readonly processLabel?: string;
  /** File mode mask, e.g. 0o077, instead of the configuration's. */
  readonly umask?: number;
  /** OOM score adjustment -1000 to 1000, instead of the configuration's. */
  readonly oomScoreAdj?: number;
  /** Scheduling policy instead of the configuration's. */
  readonly scheduler?: Scheduler;
  /** IO priority instead of the configuration's. */
  readonly ioPriority?: IoPriority;
  /** CPUs to run on, within those of the cgroup, instead of the configuration's. */
  readonly cpuAffinity?: CpuAffinity;
  /** Execution domain instead of the configuration's. */
  readonly personality?: Personality;
  /** A terminal of its own, 80 x 24 unless its size is given; stdin, stdout and stderr are left out then. */
  readonly tty?: boolean | TerminalSize;
  /** Descriptor 0; `"null"` when absent. */
  readonly stdin?: Stdio;
  /** Descriptor 1; `"null"` when absent. */
  readonly stdout?: Stdio;
  /** Descriptor 2; `"null"` when absent. */
  readonly stderr?: Stdio;
  /**
   * Descriptors of this program that become 3, 4, ... inside; it keeps its own.
   * They reach what they were opened for, whatever the container's limits: a
   * directory of the host is a way out. Terminals are refused.
   */
  readonly extraFiles?: readonly number[];
  /**
   * Answers system calls of the process and its children that the filter has
   * `SCMP_ACT_NOTIFY` for, instead of who listens at `listenerPath`. They wait as
   * long as it takes; when this program ends they fail with ENOSYS.
   */
  readonly seccompNotify?: SeccompHandler;
  /** Kills the process (SIGKILL) when it aborts; aborted before the start, the start rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Names of the standard streams; the index is the descriptor. */
export const STREAMS = ["stdin", "stdout", "stderr"] as const;

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };
const MAX_SIZE = 65535;
const MAX_EXTRA_FILES = 128;

function fail(what: string, wanted: string): never {
  throw new UsageError(`Cannot start the process: ${what}; ${wanted}`);
}

function isDescriptor(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function checkStdio(options: ProcessOptions): void {
  for (const name of STREAMS) {
    const stdio: unknown = options[name];
    if (
      stdio !== undefined && stdio !== "piped" && stdio !== "inherit" &&
      stdio !== "null" && !isDescriptor(stdio)
    ) {
      const found = JSON.stringify(stdio) ?? String(stdio);
      fail(
        `${name} is ${found}`,
        'wanted "piped", "inherit", "null" or a descriptor',
      );
    }
  }
}

function checkExtraFiles({ extraFiles = [] }: ProcessOptions): void {
  if (extraFiles.length > MAX_EXTRA_FILES) {
    fail(
      `it has ${extraFiles.length} extraFiles`,
      `at most ${MAX_EXTRA_FILES} are possible`,
    );
  }
  extraFiles.forEach((fd, index) => {
    if (!isDescriptor(fd)) {
      fail(`extraFiles[${index}] is ${fd}`, "wanted an open descriptor");
    }
    if (isTerminal(fd)) {
      fail(
        `extraFiles[${index}] is a terminal, into which it could push input`,
        "pass a pipe and relay it",
      );
    }
  });
}

function checkTerminal({ tty }: ProcessOptions): void {
  if (typeof tty !== "object") return;
  for (const size of [tty.columns, tty.rows]) {
    if (!Number.isInteger(size) || size < 0 || size > MAX_SIZE) {
      fail(
        `its terminal has the size ${tty.columns} x ${tty.rows}`,
        `wanted whole numbers up to ${MAX_SIZE}`,
      );
    }
  }
}

/** What a member is in the model; undefined where it is not given. */
function complete<T>(
  shape: Shape<T>,
  value: unknown,
  key: keyof ProcessOptions,
): T | undefined {
  if (value === undefined) return undefined;
  const findings = new Findings();
  const found = shape(value, [key], findings);
  const [problem] = findings.problems;
  if (problem === undefined) return found;
  throw new UsageError(
    `Cannot start the process: ${formatPath(problem.path)}: ${problem.message}`,
  );
}

function capabilitiesOf(
  { capabilities }: ProcessOptions,
): ProcessRequest["capabilities"] {
  return complete(KEPT_CAPABILITIES, capabilities, "capabilities");
}

function limitsOf({ rlimits }: ProcessOptions): ProcessRequest["rlimits"] {
  return complete(RESOURCE_LIMITS, rlimits, "rlimits");
}

function checkLimits(options: ProcessOptions): void {
  limitsOf(options)?.forEach(({ soft, hard }, index) => {
    const isOrdered = BigInt(hard) < 0n ||
      (BigInt(soft) >= 0n && BigInt(soft) <= BigInt(hard));
    if (!isOrdered) {
      fail(
        `rlimits[${index}] is ${soft} of at most ${hard}`,
        "the soft limit must not exceed the hard one",
      );
    }
  });
}

function checkAttributes(options: ProcessOptions): void {
  const model = {
    rootfs: "/",
    mounts: [],
    devices: [],
    namespaces: [],
    ...attributesOf(options),
  };
  for (const check of ATTRIBUTE_CHECKS) {
    check.run(model, (path, message) => fail(formatPath(path), message));
  }
  const { oomScoreAdj = 0 } = options;
  if (Number.isInteger(oomScoreAdj) && Math.abs(oomScoreAdj) <= 1000) return;
  fail(`its oomScoreAdj is ${oomScoreAdj}`, "wanted -1000 to 1000");
}

const ATTRIBUTES = [
  "umask",
  "oomScoreAdj",
  "scheduler",
  "ioPriority",
  "cpuAffinity",
  "personality",
] as const;

function attributesOf(options: ProcessOptions): ProcessAttributes {
  return Object.fromEntries(
    ATTRIBUTES.map((name) => [name, options[name]])
      .filter(([, value]) => value !== undefined),
  );
}

function checkTexts(options: ProcessOptions): void {
  const { args, additionalGroups = [], ...rest } = options;
  const texts = [
    ...args,
    ...additionalGroups,
    ...environmentOf(options),
    ...[rest.user, rest.cwd, rest.apparmorProfile, rest.processLabel],
  ];
  for (const text of texts) {
    if (text === undefined) continue;
    if (typeof text !== "string") {
      fail(`${String(text)} is no text`, "wanted strings");
    }
    if (text.includes("\0")) {
      fail(`${JSON.stringify(text)} has a NUL byte`, "leave it out");
    }
  }
}

/** The environment as `K=V`. */
function environmentOf({ env = [] }: ProcessOptions): readonly string[] {
  if (Array.isArray(env)) return env;
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/**
 * Checks what needs no container.
 *
 * @param options The options.
 * @throws {UsageError} `UsageInvalid` for the first that cannot be.
 *
 * @example
 * ```ts
 * import { checkOptions } from "./process_options.ts";
 *
 * checkOptions({ args: ["/bin/sh"], stdout: "piped" });
 * ```
 */
export function checkOptions(options: ProcessOptions): void {
  if (!Array.isArray(options.args)) {
    fail("it has no args", "give the program and its arguments");
  }
  checkTexts(options);
  checkStdio(options);
  checkTerminal(options);
  checkExtraFiles(options);
  capabilitiesOf(options);
  checkLimits(options);
  checkAttributes(options);
  if (!["undefined", "function"].includes(typeof options.seccompNotify)) {
    fail("its seccompNotify is no function", "give one that answers calls");
  }
  const given = STREAMS.filter((name) => options[name] !== undefined);
  if (options.tty && given.length > 0) {
    fail(
      `it has a terminal and ${given.join(", ")}`,
      "leave one of both out: all three streams lead to the terminal",
    );
  }
}

/**
 * Tells which terminal a process gets.
 *
 * @param options The options; streams that are given speak against one.
 * @param config The configuration, which may ask for one.
 * @returns Its size; undefined for none.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { terminalOf } from "./process_options.ts";
 *
 * const size = terminalOf({ args: [], tty: true }, defaultConfig("/srv"));
 * if (size?.columns !== 80) throw new Error("changed");
 * ```
 */
export function terminalOf(
  options: ProcessOptions,
  config: Pick<Config, "process">,
): TerminalSize | undefined {
  const { tty } = options;
  if (typeof tty === "object") return tty;
  const hasStreams = STREAMS.some((name) => options[name] !== undefined);
  const isWanted = tty ?? (!hasStreams && config.process?.tty === true);
  return isWanted ? DEFAULT_SIZE : undefined;
}

/**
 * Brings options into the form that the planner's road takes.
 *
 * @param options Checked options.
 * @param hasTerminal Whether a terminal is made.
 * @returns The request.
 *
 * @example
 * ```ts
 * import { requestOf } from "./process_options.ts";
 *
 * const { env } = requestOf({ args: ["id"], env: { A: "1" } }, false);
 * if (env[0] !== "A=1") throw new Error("changed");
 * ```
 */
export function requestOf(
  options: ProcessOptions,
  hasTerminal: boolean,
): ProcessRequest {
  const { user, cwd, clearEnv, noNewPrivileges } = options;
  const [capabilities, rlimits] = [capabilitiesOf(options), limitsOf(options)];
  const { additionalGroups, apparmorProfile, processLabel, extraFiles } =
    options;
  const { seccompNotify } = options;
  return {
    args: options.args,
    env: environmentOf(options),
    tty: hasTerminal,
    ...attributesOf(options),
    ...(user !== undefined && { user }),
    ...(cwd !== undefined && { cwd }),
    ...(clearEnv !== undefined && { clearEnv }),
    ...(capabilities !== undefined && { capabilities }),
    ...(rlimits !== undefined && { rlimits }),
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(additionalGroups !== undefined && { additionalGroups }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(processLabel !== undefined && { processLabel }),
    ...(extraFiles !== undefined && { extraFiles }),
    ...(seccompNotify !== undefined && { seccompNotify }),
  };
}

/**
 * From the finished root to exec: the steps that the first process of a
 * container and every joined one share.
 *
 * @module
 */
import type { Config, Int64, Rlimit } from "../config/types.ts";
import { RLIM_INFINITY } from "../config/names/rlimits.ts";
import { HostError } from "../errors.ts";
import type { Host } from "../host/types.ts";
import { planAttributes } from "./attributes.ts";
import { planIdentity } from "./identity.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import { findProgram, planProgram } from "./program.ts";
import { refuse } from "./refusal.ts";
import { planSeccomp } from "./seccomp.ts";
import type { TerminalPart } from "./terminal.ts";
import type { CompiledFilter, FindUser, ProcessSpec } from "./types.ts";

/** What the last steps are planned from. */
export interface ProcessContext {
  /** The configuration. */
  readonly config: Config;
  /** The process. */
  readonly process: ProcessSpec;
  /** The machine. */
  readonly host: Host;
  /** Its streams. */
  readonly terminal: TerminalPart;
  /** The configuration's filter, compiled. */
  readonly filter: CompiledFilter | undefined;
  /** Working directory when the process names none. */
  readonly defaultCwd: string;
  /** Whether setgroups(2) is denied. */
  readonly groupsDenied: boolean;
  /** Whether a user namespace that exists is entered: what needs rights over the host is done before. */
  readonly entersUserNamespace: boolean;
  /** Tells of users that were looked up before. */
  readonly findUser?: FindUser;
  /** Child: steps by which others inside come to see the process, when it joins. */
  readonly entry?: readonly ChildOp[];
  /** Child: hooks that run inside, before the program. */
  readonly hooks?: readonly ChildOp[];
  /** Parent: what happens when all is ready, before the program runs. */
  readonly whenReady: readonly ParentOp[];
  /** Whether the process stops before its program, whatever there is to be done. */
  readonly isHeld?: boolean;
  /** Whether an engine asks for it, who expects what other runtimes do. */
  readonly isEngines?: boolean;
}

/** What the last steps add to a Plan. */
export interface ProcessPart {
  /** Parent: from the user's names to the running program. */
  readonly parent: readonly ParentOp[];
  /** Child, before it is in its groups. */
  readonly first: readonly ChildOp[];
  /** Child, before it enters namespaces. */
  readonly early: readonly ChildOp[];
  /** Child. */
  readonly child: readonly ChildOp[];
}

/** What a child does first and early: see {@linkcode ProcessPart}. */
export type ArrivalPart = Pick<ProcessPart, "first" | "early">;

/**
 * Plans what of a process is settled before its root and its namespaces. Pure.
 *
 * @param config The configuration.
 * @param process What the process has instead of the configuration's.
 * @param entersUserNamespace Whether a user namespace that exists is entered.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for what is no list of CPUs.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planArrival } from "./process.ts";
 *
 * const { early } = planArrival(defaultConfig("/srv"), { oomScoreAdj: 5 }, true);
 * assertEquals(early, [{ op: "oom.adjust", value: "5" }]);
 * ```
 */
export function planArrival(
  config: Config,
  process: Pick<ProcessSpec, "cpuAffinity" | "oomScoreAdj">,
  entersUserNamespace: boolean,
): ArrivalPart {
  return {
    first: planAttributes(config, process).first,
    // The helper's files in procfs belong to root of the namespace that it was
    // executed in; from inside an entered one they cannot be written.
    early: entersUserNamespace ? oomOps(config, process) : [],
  };
}

/** Limits count up to 2^64 - 1; negative numbers mean that too. */
function unsigned(value: Int64): Int64 {
  return BigInt(value) < 0n ? RLIM_INFINITY : value;
}

function rlimitOps(rlimits: readonly Rlimit[]): ChildOp[] {
  return rlimits.map(({ type, soft, hard }) => ({
    op: "rlimit.set",
    resource: type,
    soft: unsigned(soft),
    hard: unsigned(hard),
  }));
}

/** Labels at exec. A label that cannot be set is never left out silently. */
function labelOps(
  config: Config,
  process: ProcessSpec,
  host: Host,
): ChildOp[] {
  const ops: ChildOp[] = [];
  const profile = process.apparmorProfile ?? config.apparmorProfile ?? "";
  // Without AppArmor everything is unconfined already.
  if (profile !== "" && (host.apparmor || profile !== "unconfined")) {
    if (!host.apparmor) {
      throw new HostError(
        `Cannot apply the AppArmor profile ${profile}: AppArmor is not in force on this host; boot with apparmor=1 security=apparmor, or leave apparmorProfile out`,
      );
    }
    ops.push({ op: "label.apparmor", value: `exec ${profile}` });
  }
  const label = process.processLabel ?? config.processLabel ?? "";
  if (label !== "") {
    if (!host.selinux) {
      throw new HostError(
        `Cannot label the process ${label}: SELinux is not in force on this host; leave processLabel out`,
      );
    }
    ops.push({ op: "label.selinux", value: label });
  }
  return ops;
}

function cwdOf({ process, defaultCwd }: ProcessContext): string {
  const cwd = process.cwd === "" ? defaultCwd : process.cwd;
  if (cwd.startsWith("/")) return cwd;
  throw refuse(
    "process.cwd",
    `Cannot use ${
      JSON.stringify(cwd)
    } as working directory: must be an absolute path inside`,
  );
}

function oomOps(
  config: Config,
  process: Pick<ProcessSpec, "oomScoreAdj">,
): ChildOp[] {
  const oomScoreAdj = process.oomScoreAdj ?? config.oomScoreAdj;
  if (oomScoreAdj === undefined) return [];
  return [{ op: "oom.adjust", value: String(oomScoreAdj) }];
}

function limitOps(context: ProcessContext): ChildOp[] {
  const { config, process, host, entersUserNamespace } = context;
  return [
    ...rlimitOps(process.rlimits ?? config.rlimits ?? []),
    ...(entersUserNamespace ? [] : oomOps(config, process)),
    ...labelOps(config, process, host),
  ];
}

/**
 * Plans the last steps. Pure.
 *
 * The order is fixed by what each step needs and what it takes away: labels and
 * limits while privileged; passwd and group from the final root; the streams
 * while still privileged; bounding set, groups, ids, capabilities; then no
 * descriptor of the host is left, and only now a process that joins is seen by
 * those inside, of whom one with SYS_PTRACE may take it over whatever it does
 * (CVE-2016-9962). The working directory is entered with the user's rights (an
 * engine's, where those do not suffice, with the runtime's), and
 * the filter comes last. One that has to be loaded with privilege would forbid
 * the entry, which then comes before it. Scheduling is the parent's, while the
 * child waits with all done.
 *
 * @param context All that the steps depend on.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for a relative working directory and
 * what the parts refuse.
 * @throws {HostError} `HostUnsupported` for labels on a host that has none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { planProcess } from "./process.ts";
 * import { planTerminal } from "./terminal.ts";
 * import type { ProcessSpec } from "./types.ts";
 *
 * const process: ProcessSpec = {
 *   args: ["/bin/sh"],
 *   env: [],
 *   user: "",
 *   cwd: "",
 *   tty: false,
 *   stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
 * };
 * const host: Host = {
 *   cgroup: { mode: "none", hierarchies: [] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * const { child } = planProcess({
 *   config: defaultConfig("/srv/root"),
 *   process,
 *   host,
 *   terminal: planTerminal(process, defaultConfig("/srv/root")),
 *   filter: undefined,
 *   defaultCwd: "/",
 *   groupsDenied: false,
 *   entersUserNamespace: false,
 *   whenReady: [],
 * });
 * assertEquals(child.at(-1)?.op, "exec");
 * ```
 */
export function planProcess(context: ProcessContext): ProcessPart {
  const { config, process, host, terminal, filter } = context;
  const isEngines = context.isEngines ?? false;
  const joins = context.entry !== undefined;
  const attributes = planAttributes(config, process, {
    joins,
    isEngines,
  });
  const seccomp = planSeccomp(config, process, filter);
  const isLoadedEarly = seccomp.early.some(({ op }) => op === "seccomp.load");
  const enter: ChildOp[] = [
    ...terminal.close,
    ...context.entry ?? [],
    ...terminal.control,
  ];
  const signal = config.parentDeathSignal ?? 0;
  const point = POINTS.exec;
  const hooks = context.hooks ?? [];
  // Each stop costs two changes of thread: with nothing to be done at the last
  // one, the program is ready once its user is known.
  const stops = context.isHeld === true ||
    hooks.length + seccomp.listener.length + attributes.parent.length > 0;
  const { groupsDenied, findUser } = context;
  // Nothing is to be done then before the program runs: the child need not stop.
  const mayPass = !stops && context.whenReady.length === 0;
  const identity = planIdentity(config, process, host, {
    groupsDenied,
    ...(findUser && mayPass && { findUser }),
  });
  const [awaitUser, ...resolve] = identity.parent;
  const exec = planProgram(process, isEngines);
  const cwd = cwdOf(context);
  // As runc: with the runtime's rights where the user's do not suffice.
  const early: ChildOp[] = isEngines
    ? [{ op: "cwd.enter", flags: 1, path: cwd }]
    : [];
  return {
    parent: stops
      ? [
        awaitUser,
        ...resolve,
        // Whoever answers must be there before the first call that may ask.
        ...isLoadedEarly ? seccomp.listener : [],
        { op: "await", point },
        ...attributes.parent,
        ...context.whenReady,
        { op: "release", point },
        ...isLoadedEarly ? [] : seccomp.listener,
        { op: "await.exec" },
      ]
      : [awaitUser, ...context.whenReady, ...resolve, { op: "await.exec" }],
    ...planArrival(config, process, context.entersUserNamespace),
    // A process that joins may have other CPUs than the first.
    first: attributes.first,
    child: [
      ...limitOps(context),
      ...attributes.child,
      ...identity.lookup,
      ...terminal.streams,
      ...early,
      ...identity.change,
      // Told to who makes it, not to who starts it; before a filter that may forbid it.
      ...context.isHeld ? [findProgram(exec, cwd)] : [],
      ...isLoadedEarly ? enter : [],
      ...seccomp.early,
      identity.drop,
      attributes.umask,
      ...isLoadedEarly ? [] : enter,
      { op: "cwd.enter", flags: 0, path: cwd },
      // After the change of ids, which clears it.
      ...(signal > 0 ? [{ op: "death.signal", signal } as const] : []),
      ...hooks,
      ...stops ? [{ op: "sync", point } as const] : [],
      ...seccomp.late,
      exec,
    ],
  };
}

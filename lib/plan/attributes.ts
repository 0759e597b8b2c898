/**
 * Attributes of a process that have no section of their own: scheduling,
 * affinity, IO priority, personality, file mode mask, keyring.
 *
 * @module
 */
import { CPU_LIMIT, parseCpuList } from "../config/cpu_list.ts";
import {
  IO_CLASSES,
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
  NODE_LIMIT,
  PERSONALITIES,
  SCHEDULING_FLAGS,
  SCHEDULING_POLICIES,
} from "../config/names/scheduling.ts";
import type {
  Config,
  CpuAffinity,
  IoPriority,
  MemoryPolicy,
  Scheduler,
} from "../config/types.ts";
import type { ChildOp, Op, ParentOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { ProcessSpec } from "./types.ts";

/** File mode mask of the original. */
const UMASK = 0o022;
/** CPUs of one word of a mask. */
const WORD = 64;

/** What the attributes add to a Plan. */
export interface AttributePart {
  /** Child: before it is in its groups. */
  readonly first: readonly ChildOp[];
  /** Child: while it is privileged. */
  readonly child: readonly ChildOp[];
  /** Child: the file mode mask of the program. */
  readonly umask: Op<"umask.set">;
  /** Parent: on the child that waits for its last release. */
  readonly parent: readonly ParentOp[];
}

/**
 * Packs CPUs as sched_setaffinity(2) takes them. Pure.
 *
 * @param cpus Numbers of CPUs.
 * @returns One bit for each CPU, in whole words of 64 bits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cpuMask } from "./attributes.ts";
 *
 * assertEquals([...cpuMask([0, 9])], [1, 2, 0, 0, 0, 0, 0, 0]);
 * ```
 */
export function cpuMask(cpus: readonly number[]): Uint8Array {
  const words = Math.floor(Math.max(0, ...cpus) / WORD) + 1;
  const mask = new Uint8Array(words * WORD / 8);
  for (const cpu of cpus) {
    const at = cpu >> 3;
    mask[at] = (mask[at] ?? 0) | 1 << (cpu & 7);
  }
  return mask;
}

function affinityOp(
  list: string,
  key: keyof CpuAffinity,
): Op<"affinity.set"> {
  const cpus = parseCpuList(list);
  if (cpus === undefined) {
    throw refuse(
      `cpuAffinity.${key}`,
      `Cannot run on the CPUs ${
        JSON.stringify(list)
      }: must be a list such as 0-1,3`,
    );
  }
  return { op: "affinity.set", mask: cpuMask(cpus), note: `CPUs ${list}` };
}

/** The final CPUs; without any a process gets all of its groups back. */
function finalAffinity(affinity: CpuAffinity | undefined): ParentOp[] {
  if (affinity?.final) return [affinityOp(affinity.final, "final")];
  return affinity?.initial ? [allCpus()] : [];
}

function allCpus(): Op<"affinity.set"> {
  const mask = new Uint8Array(CPU_LIMIT / 8).fill(0xff);
  return { op: "affinity.set", mask, note: "all CPUs" };
}

/** CPUs until the process is in its groups; those of an engine's container are not its engine's. */
function firstAffinity(
  initial: string | undefined,
  isEngines: boolean,
): Op<"affinity.set">[] {
  if (initial) return [affinityOp(initial, "initial")];
  return isEngines ? [allCpus()] : [];
}

function schedulerOps(scheduler: Scheduler | undefined): ParentOp[] {
  if (scheduler === undefined) return [];
  const flags = new Map<string, number>(Object.entries(SCHEDULING_FLAGS));
  return [{
    op: "scheduler.set",
    flags: (scheduler.flags ?? []).reduce(
      (bits, name) => bits | (flags.get(name) ?? 0),
      0,
    ),
    policy: SCHEDULING_POLICIES[scheduler.policy],
    nice: scheduler.nice ?? 0,
    priority: scheduler.priority ?? 0,
    runtime: scheduler.runtime ?? 0,
    deadline: scheduler.deadline ?? 0,
    period: scheduler.period ?? 0,
  }];
}

/** By the process itself, once it is in its cpuset. */
function memoryOps(policy: MemoryPolicy | undefined): ChildOp[] {
  if (policy === undefined) return [];
  const { mode, nodes = "", flags = [] } = policy;
  const list = nodes === "" ? [] : parseCpuList(nodes);
  if (list === undefined || list.some((node) => node >= NODE_LIMIT)) {
    throw refuse(
      "memoryPolicy.nodes",
      `Cannot take memory of the nodes ${
        JSON.stringify(nodes)
      }: must be a list such as 0-1`,
    );
  }
  return [{
    op: "memory.policy",
    mode: flags.reduce(
      (bits, name) => bits | (MEMORY_POLICY_FLAGS[name] ?? 0),
      MEMORY_POLICIES[mode],
    ),
    nodes: list.length === 0 ? new Uint8Array() : cpuMask(list),
    note: `${mode}${nodes === "" ? "" : `, nodes ${nodes}`}`,
  }];
}

function ioOps(io: IoPriority | undefined): ParentOp[] {
  if (io === undefined) return [];
  const { class: name, priority } = io;
  return [{ op: "ioprio.set", class: IO_CLASSES[name], priority }];
}

/**
 * Plans the attributes of a process. Pure.
 *
 * Each comes from the process, else from the configuration. Scheduling takes
 * privilege over the host, so the parent does it, last of all: a policy that is
 * reset on fork survives, and what runs before is not slowed down.
 *
 * @param config The configuration.
 * @param process The process.
 * @param options `joins`: it is not the container's first; `isEngines`: an engine asks for it.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for what is no list of CPUs.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planAttributes } from "./attributes.ts";
 *
 * const config = { ...defaultConfig("/srv"), cpuAffinity: { initial: "0" } };
 * const { first, parent, umask } = planAttributes(config, {});
 * assertEquals([first.length, parent.length, umask.mask], [1, 1, 0o022]);
 * ```
 */
export function planAttributes(
  config: Config,
  process: Pick<
    ProcessSpec,
    "cpuAffinity" | "ioPriority" | "personality" | "scheduler" | "umask"
  >,
  options: { readonly joins?: boolean; readonly isEngines?: boolean } = {},
): AttributePart {
  const joining = options.joins ? config.execCpuAffinity : undefined;
  const affinity = process.cpuAffinity ?? joining ?? config.cpuAffinity;
  const personality = process.personality ?? config.personality;
  return {
    first: firstAffinity(affinity?.initial, options.isEngines ?? false),
    child: [
      ...memoryOps(config.memoryPolicy),
      ...personality === undefined ? [] : [
        {
          op: "personality.set",
          domain: PERSONALITIES[personality.domain],
        } as const,
      ],
    ],
    umask: { op: "umask.set", mask: process.umask ?? config.umask ?? UMASK },
    parent: [
      ...finalAffinity(affinity),
      ...schedulerOps(process.scheduler ?? config.scheduler),
      ...ioOps(process.ioPriority ?? config.ioPriority),
    ],
  };
}

/**
 * Plans the session keyring. Pure.
 *
 * @param config The configuration; `noNewKeyring` keeps the caller's.
 * @param name Name of the container's keyring; a nameless one of the process
 * alone when `undefined`.
 * @returns The operation.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planKeyring } from "./attributes.ts";
 *
 * assertEquals(planKeyring({ noNewKeyring: true }, "demo"), []);
 * ```
 */
export function planKeyring(
  config: Pick<Config, "noNewKeyring">,
  name: string | undefined,
): Op<"keyring.join">[] {
  if (config.noNewKeyring) return [];
  return [{ op: "keyring.join", ...(name === undefined ? {} : { name }) }];
}

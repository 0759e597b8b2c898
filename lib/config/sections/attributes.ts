/**
 * Reads the attributes of processes that came after the original: scheduling,
 * IO priority, affinity, personality, file mode mask, offsets of clocks.
 *
 * @module
 */
import {
  IO_CLASSES,
  MEMORY_POLICIES,
  PERSONALITIES,
  SCHEDULING_POLICIES,
} from "../names/scheduling.ts";
import {
  INT64,
  type IntegerBounds,
  type ObjectReader,
  UINT64,
} from "../object_reader.ts";
import { compact, nonEmpty } from "../reading.ts";
import type {
  Config,
  CpuAffinity,
  IoPriority,
  MemoryPolicy,
  NetDevice,
  Personality,
  Scheduler,
  TimeOffset,
  TimeOffsets,
} from "../types.ts";

/** Permission bits. */
const UMASK: IntegerBounds = { min: 0, max: 0o777 };
const NANOSECONDS: IntegerBounds = { min: 0, max: 999_999_999 };

/** A name of a table; a fault names the nearest. */
function readName<N extends string>(
  item: ObjectReader,
  key: string,
  table: Readonly<Record<N, number>>,
  what: string,
): N | undefined {
  const name = item.string(key);
  if (Object.hasOwn(table, name)) return name as N;
  const names = Object.keys(table);
  if (name === "") {
    const message = `${what} is missing; wanted one of ${names.join(", ")}`;
    return item.findings.problem(item.at(key), message);
  }
  item.findings.unknown(item.at(key), what, name, names, "value");
  return undefined;
}

/**
 * Reads a scheduling policy.
 *
 * @param root The object that has it.
 * @param key Its key.
 * @returns The policy; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readScheduler } from "./attributes.ts";
 *
 * const text = { scheduler: { policy: "SCHED_BATCH", nice: 5 } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readScheduler(root, "scheduler")?.nice, 5);
 * ```
 */
export function readScheduler(
  root: ObjectReader,
  key: string,
): Scheduler | undefined {
  return root.object(key, (item) => {
    const policy = readName(item, "policy", SCHEDULING_POLICIES, "policy");
    const number = (key: string): number | undefined =>
      item.has(key) ? item.integer(key) : undefined;
    const rest = {
      nice: number("nice"),
      priority: number("priority"),
      flags: item.strings("flags"),
      runtime: item.int64("runtime", UINT64),
      deadline: item.int64("deadline", UINT64),
      period: item.int64("period", UINT64),
    };
    if (policy === undefined) return undefined;
    return compact<Scheduler>({ policy, ...rest });
  });
}

/**
 * Reads an IO priority.
 *
 * @param root The object that has it.
 * @param key Its key.
 * @returns The priority; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readIoPriority } from "./attributes.ts";
 *
 * const text = { io: { class: "IOPRIO_CLASS_BE", priority: 4 } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readIoPriority(root, "io")?.priority, 4);
 * ```
 */
export function readIoPriority(
  root: ObjectReader,
  key: string,
): IoPriority | undefined {
  return root.object(key, (item) => {
    const name = readName(item, "class", IO_CLASSES, "class");
    const priority = item.integer("priority");
    return name === undefined ? undefined : { class: name, priority };
  });
}

/**
 * Reads lists of CPUs.
 *
 * @param root The object that has them.
 * @param key Their key.
 * @returns The lists; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readAffinity } from "./attributes.ts";
 *
 * const root = new ObjectReader(new Findings(), { cpus: { final: "0-1" } }, []);
 * assertEquals(readAffinity(root, "cpus"), { final: "0-1" });
 * ```
 */
export function readAffinity(
  root: ObjectReader,
  key: string,
): CpuAffinity | undefined {
  return root.object(key, (item) =>
    compact<CpuAffinity>({
      initial: nonEmpty(item.string("initial")),
      final: nonEmpty(item.string("final")),
    }));
}

/**
 * Reads `personality`: a name, or the number that early runc wrote.
 *
 * @param root The object that has it.
 * @returns The domain; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readPersonality } from "./attributes.ts";
 *
 * const text = { personality: { domain: "LINUX32" } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readPersonality(root)?.domain, "LINUX32");
 * ```
 */
export function readPersonality(root: ObjectReader): Personality | undefined {
  return root.object("personality", (item) => {
    const raw = item.raw("domain");
    const numbered = Object.entries(PERSONALITIES)
      .find(([, number]) => number === raw)?.[0];
    const domain = numbered === undefined
      ? readName(item, "domain", PERSONALITIES, "domain")
      : numbered as Personality["domain"];
    return domain === undefined ? undefined : { domain };
  });
}

function readOffset(
  item: ObjectReader,
  clock: string,
): TimeOffset | undefined {
  return item.object(clock, (offset) => ({
    secs: offset.int64("secs", INT64) ?? 0,
    nanosecs: offset.integer("nanosecs", NANOSECONDS),
  }));
}

/**
 * Reads offsets of clocks.
 *
 * @param root The object that has them.
 * @param key Their key.
 * @returns The offsets; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readTimeOffsets } from "./attributes.ts";
 *
 * const text = { timeOffsets: { monotonic: { secs: 5 } } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readTimeOffsets(root, "timeOffsets"), {
 *   monotonic: { secs: 5, nanosecs: 0 },
 * });
 * ```
 */
export function readTimeOffsets(
  root: ObjectReader,
  key: string,
): TimeOffsets | undefined {
  return root.object(key, (item) =>
    compact<TimeOffsets>({
      monotonic: readOffset(item, "monotonic"),
      boottime: readOffset(item, "boottime"),
    }));
}

/** Resource Director Technology is a matter of the whole host. */
function refuseIntelRdt(root: ObjectReader): void {
  for (const key of ["intel_rdt", "intelRdt"]) {
    if (!root.has(key)) continue;
    const message = "Intel RDT (resctrl) is not carried out; remove this, and" +
      " put the container's pid into a resctrl group yourself";
    root.findings.problem(root.at(key), message, "key");
  }
}

/**
 * Reads a memory policy.
 *
 * @param root The object that has it.
 * @param key Its key.
 * @returns The policy; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readMemoryPolicy } from "./attributes.ts";
 *
 * const text = { memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readMemoryPolicy(root, "memoryPolicy")?.nodes, "0");
 * ```
 */
export function readMemoryPolicy(
  root: ObjectReader,
  key: string,
): MemoryPolicy | undefined {
  return root.object(key, (item) => {
    const mode = readName(item, "mode", MEMORY_POLICIES, "policy");
    const nodes = nonEmpty(item.string("nodes"));
    const flags = item.strings("flags");
    return mode && compact<MemoryPolicy>({ mode, nodes, flags });
  });
}

function readNetDevices(root: ObjectReader): NetDevice[] | undefined {
  return root.objects("net_devices", (item) =>
    compact<NetDevice>({
      device: item.string("device"),
      name: nonEmpty(item.string("name")),
    }));
}

/**
 * Reads `umask`, `scheduler`, `io_priority`, `cpu_affinity`, `personality`,
 * `time_offsets`, `memory_policy`, `net_devices`, `no_new_keyring` and
 * `domainname`, and refuses `intel_rdt`.
 *
 * @param root The root object.
 * @returns The members that the text has.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readAttributes } from "./attributes.ts";
 *
 * const text = { scheduler: { policy: "SCHED_BATCH", nice: 5 }, umask: 63 };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readAttributes(root), {
 *   scheduler: { policy: "SCHED_BATCH", nice: 5 },
 *   umask: 0o077,
 * });
 * ```
 */
export function readAttributes(root: ObjectReader): Partial<Config> {
  refuseIntelRdt(root);
  return compact<Partial<Config>>({
    domainname: nonEmpty(root.string("domainname")),
    umask: root.has("umask") ? root.integer("umask", UMASK) : undefined,
    scheduler: readScheduler(root, "scheduler"),
    ioPriority: readIoPriority(root, "io_priority"),
    cpuAffinity: readAffinity(root, "cpu_affinity"),
    execCpuAffinity: readAffinity(root, "exec_cpu_affinity"),
    personality: readPersonality(root),
    memoryPolicy: readMemoryPolicy(root, "memory_policy"),
    netDevices: readNetDevices(root),
    timeOffsets: readTimeOffsets(root, "time_offsets"),
    noNewKeyring: root.boolean("no_new_keyring") || undefined,
  });
}

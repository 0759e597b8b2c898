/**
 * Reads the attributes of processes that came after the original: scheduling,
 * IO priority, affinity, personality, file mode mask, offsets of clocks.
 *
 * @module
 */
import {
  IO_CLASSES,
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

function readScheduler(root: ObjectReader): Scheduler | undefined {
  return root.object("scheduler", (item) => {
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

function readIoPriority(root: ObjectReader): IoPriority | undefined {
  return root.object("io_priority", (item) => {
    const name = readName(item, "class", IO_CLASSES, "class");
    const priority = item.integer("priority");
    return name === undefined ? undefined : { class: name, priority };
  });
}

function readAffinity(root: ObjectReader): CpuAffinity | undefined {
  return root.object("cpu_affinity", (item) =>
    compact<CpuAffinity>({
      initial: nonEmpty(item.string("initial")),
      final: nonEmpty(item.string("final")),
    }));
}

/** A name, or the number that early runc wrote. */
function readPersonality(root: ObjectReader): Personality | undefined {
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

function readTimeOffsets(root: ObjectReader): TimeOffsets | undefined {
  return root.object("time_offsets", (item) =>
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
 * Reads `umask`, `scheduler`, `io_priority`, `cpu_affinity`, `personality`,
 * `time_offsets`, `no_new_keyring` and `domainname`, and refuses `intel_rdt`.
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
    scheduler: readScheduler(root),
    ioPriority: readIoPriority(root),
    cpuAffinity: readAffinity(root),
    personality: readPersonality(root),
    timeOffsets: readTimeOffsets(root),
    noNewKeyring: root.boolean("no_new_keyring") || undefined,
  });
}

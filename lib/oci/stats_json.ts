/**
 * Statistics and events as `events` prints them, with the keys that clients of
 * runc know. Numbers that are 0 are left out, but for those that are not.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpusetStats,
  CpuStats,
  HugetlbStats,
  MemoryStats,
  MemoryUsage,
  PidsStats,
  Pressure,
  Stats,
} from "../stats/types.ts";
import { interfaceToJson } from "../stats/interface_json.ts";

/** JSON of one object; members that are undefined are left out when it is written. */
export type StatsJson = Readonly<Record<string, unknown>>;

/** Version 1's word for no limit, on machines with pages of 4 KiB. */
const NO_LIMIT_V1 = 2n ** 63n - 4096n;
/** Version 2 says `max`. */
const NO_LIMIT_V2 = 2n ** 64n - 1n;

/** What is 0 is left out. */
function some(value: Int64 | undefined): Int64 | undefined {
  return value === undefined || BigInt(value) === 0n ? undefined : value;
}

/** What is empty is left out. */
function filled<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

function pressureToJson(pressure: Pressure | undefined): StatsJson | undefined {
  return pressure && { some: pressure.some, full: pressure.full };
}

function cpuToJson(cpu: CpuStats | undefined): StatsJson {
  const { usage, throttling, pressure } = cpu ?? {};
  return {
    usage: {
      total: some(usage?.total),
      percpu: filled(usage?.perCpu),
      percpu_kernel: filled(usage?.perCpuKernel),
      percpu_user: filled(usage?.perCpuUser),
      kernel: usage?.kernel ?? 0,
      user: usage?.user ?? 0,
    },
    throttling: {
      periods: some(throttling?.periods),
      throttledPeriods: some(throttling?.throttledPeriods),
      throttledTime: some(throttling?.throttledTime),
    },
    psi: pressureToJson(pressure),
  };
}

function cpusetToJson(cpuset: CpusetStats | undefined): StatsJson {
  const raw = (key: string): Int64 => cpuset?.raw[key] ?? 0;
  return {
    cpus: filled(cpuset?.cpus),
    cpu_exclusive: raw("cpu_exclusive"),
    mems: filled(cpuset?.mems),
    mem_hardwall: raw("mem_hardwall"),
    mem_exclusive: raw("mem_exclusive"),
    memory_migrate: raw("memory_migrate"),
    memory_spread_page: raw("memory_spread_page"),
    memory_spread_slab: raw("memory_spread_slab"),
    memory_pressure: raw("memory_pressure"),
    sched_load_balance: raw("sched_load_balance"),
    sched_relax_domain_level: raw("sched_relax_domain_level"),
  };
}

function entryToJson(
  usage: MemoryUsage | undefined,
  noLimit: bigint,
): StatsJson {
  if (usage === undefined) return { limit: 0, failcnt: 0 };
  return {
    limit: usage.limit ?? noLimit,
    usage: some(usage.usage),
    max: some(usage.max),
    failcnt: usage.failcnt,
  };
}

function memoryToJson(memory: MemoryStats | undefined): StatsJson {
  const noLimit = memory?.events === undefined ? NO_LIMIT_V1 : NO_LIMIT_V2;
  return {
    cache: some(memory?.cache),
    usage: entryToJson(memory?.usage, noLimit),
    swap: entryToJson(memory?.swap, noLimit),
    kernel: entryToJson(memory?.kernel, noLimit),
    kernelTCP: entryToJson(memory?.kernelTcp, noLimit),
    raw: memory?.raw,
    psi: pressureToJson(memory?.pressure),
  };
}

function pidsToJson(pids: PidsStats | undefined): StatsJson {
  return { current: some(pids?.current), limit: some(pids?.limit) };
}

function entriesToJson(
  entries: readonly BlkioEntry[] | undefined,
): readonly StatsJson[] | undefined {
  return filled(entries)?.map(({ major, minor, op, value }) => ({
    major: some(major),
    minor: some(minor),
    op: op === "" ? undefined : op,
    value: some(value),
  }));
}

function blkioToJson(blkio: BlkioStats | undefined): StatsJson {
  return {
    ioServiceBytesRecursive: entriesToJson(blkio?.ioServiceBytesRecursive),
    ioServicedRecursive: entriesToJson(blkio?.ioServicedRecursive),
    ioQueueRecursive: entriesToJson(blkio?.ioQueueRecursive),
    ioServiceTimeRecursive: entriesToJson(blkio?.ioServiceTimeRecursive),
    ioWaitTimeRecursive: entriesToJson(blkio?.ioWaitTimeRecursive),
    ioMergedRecursive: entriesToJson(blkio?.ioMergedRecursive),
    ioTimeRecursive: entriesToJson(blkio?.ioTimeRecursive),
    sectorsRecursive: entriesToJson(blkio?.sectorsRecursive),
    psi: pressureToJson(blkio?.pressure),
  };
}

function hugetlbToJson(
  sizes: Readonly<Record<string, HugetlbStats>> | undefined,
): StatsJson {
  return Object.fromEntries(
    Object.entries(sizes ?? {}).map(([size, { usage, max, failcnt }]) => [
      size,
      { usage: some(usage), max: some(max), failcnt },
    ]),
  );
}

/**
 * Renders statistics as an event. Pure.
 *
 * @param id The container.
 * @param stats Its statistics; what the machine does not count is 0 or left out.
 * @returns An object to be written as one line of JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { statsEvent } from "./stats_json.ts";
 *
 * const { type, id } = statsEvent("demo", { time: 0, pids: { current: 2 } });
 * assertEquals([type, id], ["stats", "demo"]);
 * ```
 */
export function statsEvent(id: string, stats: Stats): StatsJson {
  return {
    type: "stats",
    id,
    data: {
      cpu: cpuToJson(stats.cpu),
      cpuset: cpusetToJson(stats.cpuset),
      memory: memoryToJson(stats.memory),
      pids: pidsToJson(stats.pids),
      blkio: blkioToJson(stats.blkio),
      hugetlb: hugetlbToJson(stats.hugetlb),
      intel_rdt: {},
      network_interfaces: stats.interfaces?.map(interfaceToJson) ?? null,
    },
  };
}

/**
 * Renders the event that a container ran out of memory. Pure.
 *
 * @param id The container.
 * @returns An object to be written as one line of JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { oomEvent } from "./stats_json.ts";
 *
 * assertEquals(oomEvent("demo"), { type: "oom", id: "demo" });
 * ```
 */
export function oomEvent(id: string): StatsJson {
  return { type: "oom", id };
}

/**
 * Statistics as JSON: the keys that nsinit 2 printed, and those of its
 * successors for what came later. Pure.
 *
 * @module
 */
import type {
  BlkioStats,
  CpuStats,
  HugetlbStats,
  MemoryStats,
  MemoryUsage,
  PidsStats,
  Stats,
} from "../stats/types.ts";
import { interfaceToJson } from "../stats/interface_json.ts";

/** JSON of one object; members that are undefined are left out when it is written. */
export type JsonObject = Readonly<Record<string, unknown>>;

function usageToJson(usage: MemoryUsage | undefined): JsonObject | undefined {
  return usage && {
    usage: usage.usage,
    max_usage: usage.max,
    failcnt: usage.failcnt,
    limit: usage.limit,
  };
}

function cpuToJson({ usage, throttling, pressure }: CpuStats): JsonObject {
  return {
    cpu_usage: usage && {
      total_usage: usage.total,
      percpu_usage: usage.perCpu,
      percpu_usage_in_kernelmode: usage.perCpuKernel,
      percpu_usage_in_usermode: usage.perCpuUser,
      usage_in_kernelmode: usage.kernel,
      usage_in_usermode: usage.user,
    },
    throttling_data: throttling && {
      periods: throttling.periods,
      throttled_periods: throttling.throttledPeriods,
      throttled_time: throttling.throttledTime,
      bursts: throttling.bursts,
      burst_time: throttling.burstTime,
    },
    psi: pressure,
  };
}

function memoryToJson(memory: MemoryStats): JsonObject {
  return {
    cache: memory.cache,
    rss: memory.rss,
    usage: usageToJson(memory.usage),
    swap_usage: usageToJson(memory.swap),
    swap_only_usage: usageToJson(memory.swapOnly),
    kernel_usage: usageToJson(memory.kernel),
    kernel_tcp_usage: usageToJson(memory.kernelTcp),
    oom_kills: memory.oomKills,
    stats: memory.raw,
    events: memory.events,
    psi: memory.pressure,
  };
}

function blkioToJson(blkio: BlkioStats): JsonObject {
  return {
    io_service_bytes_recursive: blkio.ioServiceBytesRecursive,
    io_serviced_recursive: blkio.ioServicedRecursive,
    io_queue_recursive: blkio.ioQueueRecursive,
    io_service_time_recursive: blkio.ioServiceTimeRecursive,
    io_wait_time_recursive: blkio.ioWaitTimeRecursive,
    io_merged_recursive: blkio.ioMergedRecursive,
    io_time_recursive: blkio.ioTimeRecursive,
    sectors_recursive: blkio.sectorsRecursive,
    io_stat: blkio.raw,
    psi: blkio.pressure,
  };
}

function hugetlbToJson(
  sizes: Readonly<Record<string, HugetlbStats>>,
): JsonObject {
  return Object.fromEntries(
    Object.entries(sizes).map(([size, pages]) => [size, {
      ...usageToJson(pages),
      reserved: usageToJson(pages.reserved),
    }]),
  );
}

function pidsToJson({ current, limit, max, failcnt }: PidsStats): JsonObject {
  return { current, limit, max, failcnt };
}

/**
 * Renders statistics as nsinit 2 printed them: `Interfaces` and `CgroupStats`,
 * beside the container's id and the time. Numbers that are 0 are printed.
 *
 * @param id The container.
 * @param stats Its statistics.
 * @returns An object to be written as JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { statsToJson } from "./stats_json.ts";
 *
 * const json = statsToJson("demo", { time: 0, pids: { current: 2 } });
 * assertEquals([json["id"], json["time"]], ["demo", "1970-01-01T00:00:00.000Z"]);
 * ```
 */
export function statsToJson(id: string, stats: Stats): JsonObject {
  const { time, cpu, memory, blkio, hugetlb, pids, cpuset, rdma, interfaces } =
    stats;
  return {
    id,
    time: new Date(time).toISOString(),
    Interfaces: interfaces?.map(interfaceToJson) ?? null,
    CgroupStats: {
      cpu_stats: cpu && cpuToJson(cpu),
      cpuset_stats: cpuset && {
        cpus: cpuset.cpus,
        mems: cpuset.mems,
        ...cpuset.raw,
      },
      memory_stats: memory && memoryToJson(memory),
      blkio_stats: blkio && blkioToJson(blkio),
      hugetlb_stats: hugetlb && hugetlbToJson(hugetlb),
      pids_stats: pids && pidsToJson(pids),
      rdma_stats: rdma,
    },
  };
}

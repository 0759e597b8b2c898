/**
 * CPU time and throttling, from either version. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import {
  countOf,
  type GroupFiles,
  malformed,
  parseCount,
  readLines,
  scale,
  tableOf,
} from "./numbers.ts";
import { pressureOf } from "./pressure.ts";
import type { Counters, CpuStats, CpuThrottling, CpuUsage } from "./types.ts";

/** USER_HZ, in which `cpuacct.stat` counts, is 100 everywhere. */
const NS_PER_TICK = 10_000_000;
const NS_PER_US = 1000;

function numbersIn(text: string, path: string): Int64[] {
  return text.trim().split(/\s+/).map((word) => parseCount(word, path));
}

/** `cpuacct.usage_all`: a header, then `CPU USER SYSTEM` in nanoseconds. */
function perCpuModes(
  files: GroupFiles,
): Pick<CpuUsage, "perCpuUser" | "perCpuKernel"> {
  const name = "cpuacct.usage_all";
  const [header, ...lines] = readLines(files, name) ?? [];
  if (header === undefined) return {};
  const path = `${files.path}/${name}`;
  if (header !== "cpu user system") throw malformed(path, header);
  const rows = lines.map((line) => {
    const row = numbersIn(line, path);
    if (row.length !== 3) throw malformed(path, line);
    return row;
  });
  return {
    perCpuUser: rows.map(([, user = 0]) => user),
    perCpuKernel: rows.map(([, , kernel = 0]) => kernel),
  };
}

function usageV1(files: GroupFiles): CpuUsage | undefined {
  const total = countOf(files, "cpuacct.usage");
  if (total === undefined) return undefined;
  const modes = tableOf(files, "cpuacct.stat");
  const perCpu = files.read("cpuacct.usage_percpu");
  return {
    total,
    user: scale(modes?.["user"] ?? 0, NS_PER_TICK),
    kernel: scale(modes?.["system"] ?? 0, NS_PER_TICK),
    ...(perCpu === undefined
      ? {}
      : { perCpu: numbersIn(perCpu, `${files.path}/cpuacct.usage_percpu`) }),
    ...perCpuModes(files),
  };
}

function usageV2(stat: Counters): CpuUsage | undefined {
  const total = stat["usage_usec"];
  if (total === undefined) return undefined;
  return {
    total: scale(total, NS_PER_US),
    user: scale(stat["user_usec"] ?? 0, NS_PER_US),
    kernel: scale(stat["system_usec"] ?? 0, NS_PER_US),
  };
}

function throttlingOf(
  stat: Counters,
  version: 1 | 2,
): CpuThrottling | undefined {
  const periods = stat["nr_periods"];
  if (periods === undefined) return undefined; // no cpu controller here
  const nanoseconds = (v1: string, v2: string): Int64 | undefined => {
    const count = stat[version === 1 ? v1 : v2];
    return count === undefined || version === 1
      ? count
      : scale(count, NS_PER_US);
  };
  const bursts = stat["nr_bursts"];
  const burstTime = nanoseconds("burst_time", "burst_usec");
  return {
    periods,
    throttledPeriods: stat["nr_throttled"] ?? 0,
    throttledTime: nanoseconds("throttled_time", "throttled_usec") ?? 0,
    ...(bursts === undefined ? {} : { bursts }),
    ...(burstTime === undefined ? {} : { burstTime }),
  };
}

/** Groups that say something about the CPU; in version 1 there are two. */
export interface CpuGroups {
  /** Version 1: the group of `cpuacct`. */
  readonly cpuacct?: GroupFiles | undefined;
  /** Version 1: the group of `cpu`. */
  readonly cpu?: GroupFiles | undefined;
  /** The version 2 group. */
  readonly unified?: GroupFiles | undefined;
}

/**
 * Reads what a container used of the CPU. What version 1 says goes first: on a
 * host with both, the controllers are there.
 *
 * @param groups Its groups.
 * @returns The figures; undefined when no group has any.
 * @throws {KernelError} `SystemError` (EBADMSG) if a file is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cpuStats } from "./cpu.ts";
 *
 * const texts: Record<string, string> = { "cpu.stat": "usage_usec 7\nuser_usec 5\nsystem_usec 2\n" };
 * const unified = { version: 2, path: "/g", read: (name: string) => texts[name], names: () => [] } as const;
 * assertEquals(cpuStats({ unified })?.usage, { total: 7000, user: 5000, kernel: 2000 });
 * ```
 */
export function cpuStats(groups: CpuGroups): CpuStats | undefined {
  const { cpuacct, cpu, unified } = groups;
  const own = cpu && tableOf(cpu, "cpu.stat");
  const shared = unified && tableOf(unified, "cpu.stat");
  const usage = (cpuacct && usageV1(cpuacct)) ?? (shared && usageV2(shared));
  const throttling = (own && throttlingOf(own, 1)) ??
    (shared && throttlingOf(shared, 2));
  const pressure = unified && pressureOf(unified, "cpu.pressure");
  if (!usage && !throttling && !pressure) return undefined;
  return {
    ...(usage ? { usage } : {}),
    ...(throttling ? { throttling } : {}),
    ...(pressure ? { pressure } : {}),
  };
}

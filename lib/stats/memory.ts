/**
 * Memory, swap and the kernel's memory, from either version. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { add, countOf, type GroupFiles, limitOf, tableOf } from "./numbers.ts";
import { pressureOf } from "./pressure.ts";
import type { Counters, MemoryStats, MemoryUsage, Pressure } from "./types.ts";

/** Names of the four files of one kind of memory. */
interface UsageFiles {
  readonly usage: string;
  readonly max: string;
  readonly limit: string;
}

function usageOf(
  files: GroupFiles,
  names: UsageFiles,
  failcnt: Int64 | undefined,
): MemoryUsage | undefined {
  const usage = countOf(files, names.usage);
  if (usage === undefined) return undefined;
  const max = countOf(files, names.max);
  const limit = limitOf(files, names.limit);
  return {
    usage,
    ...(max === undefined ? {} : { max }),
    failcnt: failcnt ?? 0,
    ...(limit === undefined ? {} : { limit }),
  };
}

/**
 * One kind of memory of version 1: `PREFIX.usage_in_bytes` and its siblings.
 *
 * @param files The group.
 * @param prefix E.g. `memory.memsw`.
 * @returns The figures; undefined without the files.
 * @throws {KernelError} `SystemError` (EBADMSG) if a file is malformed.
 */
export function usageV1(
  files: GroupFiles,
  prefix: string,
): MemoryUsage | undefined {
  return usageOf(files, {
    usage: `${prefix}.usage_in_bytes`,
    max: `${prefix}.max_usage_in_bytes`,
    limit: `${prefix}.limit_in_bytes`,
  }, countOf(files, `${prefix}.failcnt`));
}

/**
 * One kind of memory of version 2: `PREFIX.current` and its siblings.
 *
 * @param files The group.
 * @param prefix E.g. `memory.swap`.
 * @param failcnt How often the limit was hit.
 * @returns The figures; undefined without the files.
 * @throws {KernelError} `SystemError` (EBADMSG) if a file is malformed.
 */
export function usageV2(
  files: GroupFiles,
  prefix: string,
  failcnt: Int64 | undefined,
): MemoryUsage | undefined {
  return usageOf(files, {
    usage: `${prefix}.current`,
    max: `${prefix}.peak`,
    limit: `${prefix}.max`,
  }, failcnt);
}

/** A kind that is counted but not limited by itself. */
function counted(usage: Int64 | undefined): MemoryUsage | undefined {
  return usage === undefined ? undefined : { usage, failcnt: 0 };
}

type Kinds = Partial<
  Record<"swap" | "swapOnly" | "kernel" | "kernelTcp", MemoryUsage | undefined>
>;

/** Leaves out what there is not. */
function present(
  members: Kinds & {
    readonly oomKills: Int64 | undefined;
    readonly events?: Counters | undefined;
    readonly pressure: Pressure | undefined;
  },
): Partial<MemoryStats> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  );
}

function memoryV1(
  files: GroupFiles,
  unified: GroupFiles | undefined,
): MemoryStats | undefined {
  const usage = usageV1(files, "memory");
  if (usage === undefined) return undefined;
  const raw = tableOf(files, "memory.stat") ?? {};
  const swap = usageV1(files, "memory.memsw");
  const swapped = raw["total_swap"] ?? raw["swap"];
  return {
    usage,
    cache: raw["total_cache"] ?? raw["cache"] ?? 0,
    rss: raw["total_rss"] ?? raw["rss"] ?? 0,
    raw,
    ...present({
      swap,
      swapOnly: swap && counted(swapped),
      kernel: usageV1(files, "memory.kmem"),
      kernelTcp: usageV1(files, "memory.kmem.tcp"),
      oomKills: tableOf(files, "memory.oom_control")?.["oom_kill"],
      pressure: unified && pressureOf(unified, "memory.pressure"),
    }),
  };
}

/** Memory and swap together, as version 1 counts. */
function together(memory: MemoryUsage, swap: MemoryUsage): MemoryUsage {
  const isLimited = memory.limit !== undefined && swap.limit !== undefined;
  return {
    usage: add(memory.usage, swap.usage),
    failcnt: swap.failcnt,
    ...(isLimited ? { limit: add(memory.limit, swap.limit) } : {}),
  };
}

function memoryV2(files: GroupFiles): MemoryStats | undefined {
  const events = tableOf(files, "memory.events");
  const local = tableOf(files, "memory.events.local") ?? events;
  const usage = usageV2(files, "memory", local?.["max"]);
  if (usage === undefined) return undefined;
  const raw = tableOf(files, "memory.stat") ?? {};
  const refused = tableOf(files, "memory.swap.events")?.["max"];
  const swapOnly = usageV2(files, "memory.swap", refused);
  return {
    usage,
    cache: raw["file"] ?? 0,
    rss: raw["anon"] ?? 0,
    raw,
    ...present({
      swap: swapOnly && together(usage, swapOnly),
      swapOnly,
      kernel: counted(raw["kernel"]),
      kernelTcp: counted(raw["sock"]),
      oomKills: events?.["oom_kill"],
      events,
      pressure: pressureOf(files, "memory.pressure"),
    }),
  };
}

/**
 * Reads what a container uses of memory.
 *
 * @param memory The version 1 group of `memory`, if there is one.
 * @param unified The version 2 group, if there is one.
 * @returns The figures; undefined when neither has the controller.
 * @throws {KernelError} `SystemError` (EBADMSG) if a file is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryStats } from "./memory.ts";
 *
 * const texts: Record<string, string> = {
 *   "memory.current": "8192\n",
 *   "memory.max": "max\n",
 *   "memory.stat": "anon 4096\nfile 1024\n",
 * };
 * const unified = { version: 2, path: "/g", read: (name: string) => texts[name], names: () => [] } as const;
 * assertEquals(memoryStats(undefined, unified)?.usage, { usage: 8192, failcnt: 0 });
 * ```
 */
export function memoryStats(
  memory: GroupFiles | undefined,
  unified: GroupFiles | undefined,
): MemoryStats | undefined {
  return (memory && memoryV1(memory, unified)) ??
    (unified && memoryV2(unified));
}

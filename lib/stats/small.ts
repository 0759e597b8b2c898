/**
 * The small controllers: pids, hugetlb, rdma, cpuset. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { usageV1, usageV2 } from "./memory.ts";
import {
  countOf,
  type GroupFiles,
  limitOf,
  malformed,
  nestedTableOf,
  parseCount,
  tableOf,
} from "./numbers.ts";
import type {
  CpusetStats,
  HugetlbStats,
  MemoryUsage,
  PidsStats,
  RdmaStats,
} from "./types.ts";

/** Processes and threads; undefined without the controller. */
export function pidsStats(files: GroupFiles): PidsStats | undefined {
  const current = countOf(files, "pids.current");
  if (current === undefined) return undefined;
  const limit = limitOf(files, "pids.max");
  const max = countOf(files, "pids.peak");
  const failcnt = tableOf(files, "pids.events")?.["max"];
  return {
    current,
    ...(limit === undefined ? {} : { limit }),
    ...(max === undefined ? {} : { max }),
    ...(failcnt === undefined ? {} : { failcnt }),
  };
}

function pagesOf(files: GroupFiles, prefix: string): MemoryUsage | undefined {
  if (files.version === 1) return usageV1(files, prefix);
  return usageV2(files, prefix, tableOf(files, `${prefix}.events`)?.["max"]);
}

/** Huge pages by size; undefined without the controller. */
export function hugetlbStats(
  files: GroupFiles,
): Readonly<Record<string, HugetlbStats>> | undefined {
  const pattern = files.version === 1
    ? /^hugetlb\.([^.]+)\.usage_in_bytes$/
    : /^hugetlb\.([^.]+)\.current$/;
  const entries: [string, HugetlbStats][] = [];
  for (const name of [...files.names()].sort()) {
    const [, size] = pattern.exec(name) ?? [];
    const usage = size === undefined
      ? undefined
      : pagesOf(files, `hugetlb.${size}`);
    if (size === undefined || usage === undefined) continue;
    const reserved = pagesOf(files, `hugetlb.${size}.rsvd`);
    entries.push([size, { ...usage, ...(reserved ? { reserved } : {}) }]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** RDMA resources; undefined without the controller. */
export function rdmaStats(files: GroupFiles): RdmaStats | undefined {
  const current = nestedTableOf(files, "rdma.current");
  if (current === undefined) return undefined;
  return { current, limit: nestedTableOf(files, "rdma.max") ?? {} };
}

/** A list such as `0-3,8`; undefined without the file. */
function listOf(files: GroupFiles, name: string): number[] | undefined {
  const text = files.read(name)?.trim();
  if (text === undefined) return undefined;
  const path = `${files.path}/${name}`;
  if (text === "") return [];
  return text.split(",").flatMap((range) => {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range);
    if (!match) throw malformed(path, text);
    const from = Number(match[1]);
    const to = Number(match[2] ?? from);
    if (to < from || to - from > 65535) throw malformed(path, text);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

const CPUSET_FLAGS = [
  "cpu_exclusive",
  "mem_exclusive",
  "mem_hardwall",
  "memory_migrate",
  "memory_pressure",
  "memory_spread_page",
  "memory_spread_slab",
  "sched_load_balance",
  "sched_relax_domain_level",
];

function flagOf(files: GroupFiles, name: string): Int64 | undefined {
  const text = files.read(`cpuset.${name}`)?.trim();
  if (text === undefined) return undefined;
  return text === "-1" ? -1 : parseCount(text, `${files.path}/cpuset.${name}`);
}

/** CPUs and memory nodes; undefined without the controller. */
export function cpusetStats(files: GroupFiles): CpusetStats | undefined {
  const first = (names: readonly string[]): number[] | undefined => {
    for (const name of names) {
      const list = listOf(files, name);
      if (list) return list;
    }
    return undefined;
  };
  const cpus = first([
    "cpuset.cpus.effective",
    "cpuset.effective_cpus",
    "cpuset.cpus",
  ]);
  const mems = first([
    "cpuset.mems.effective",
    "cpuset.effective_mems",
    "cpuset.mems",
  ]);
  if (!cpus || !mems) return undefined;
  const flags = CPUSET_FLAGS
    .map((name): [string, Int64 | undefined] => [name, flagOf(files, name)])
    .filter((entry): entry is [string, Int64] => entry[1] !== undefined);
  return { cpus, mems, raw: Object.fromEntries(flags) };
}

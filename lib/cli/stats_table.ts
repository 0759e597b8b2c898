/**
 * Statistics for people. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  InterfaceStats,
  MemoryStats,
  MemoryUsage,
  PidsStats,
  Pressure,
  Stats,
} from "../stats/types.ts";
import { formatDuration } from "./duration.ts";
import { formatTable, type TableStyle } from "./table.ts";
import { formatBytes, formatShare } from "./units.ts";

type Row = readonly [what: string, figures: string];

const NS_PER_MS = 1e6;
/** Limits from here on are none: version 1 writes the largest number of pages. */
const NO_LIMIT = 2 ** 60;

function time(nanoseconds: Int64): string {
  return formatDuration(Number(nanoseconds) / NS_PER_MS);
}

function times(count: Int64, one: string, many: string): string {
  return `${count} ${Number(count) === 1 ? one : many}`;
}

function cpuRows({ usage, throttling }: CpuStats): Row[] {
  const rows: Row[] = [];
  if (usage) {
    rows.push([
      "cpu time",
      `${time(usage.total)} (${time(usage.user)} in programs, ` +
      `${time(usage.kernel)} in the kernel)`,
    ]);
  }
  if (throttling && Number(throttling.periods) > 0) {
    rows.push([
      "cpu held back",
      `${time(throttling.throttledTime)}, in ${throttling.throttledPeriods} ` +
      `of ${throttling.periods} periods`,
    ]);
  }
  return rows;
}

/** What is used, of how much. */
function useOf({ usage, limit, max, failcnt }: MemoryUsage): string {
  const isLimited = limit !== undefined && Number(limit) < NO_LIMIT;
  const share = isLimited && Number(limit) > 0
    ? ` (${formatShare(usage, limit)})`
    : "";
  const parts = [
    isLimited
      ? `${formatBytes(usage)} of ${formatBytes(limit)}${share}`
      : formatBytes(usage),
  ];
  if (max !== undefined) parts.push(`at most ${formatBytes(max)}`);
  if (Number(failcnt) > 0) {
    parts.push(`limit hit ${times(failcnt, "time", "times")}`);
  }
  return parts.join(", ");
}

function memoryRows(memory: MemoryStats): Row[] {
  const { usage, cache, rss, swapOnly, oomKills } = memory;
  const rows: Row[] = [
    ["memory", useOf(usage)],
    [
      "of that",
      `${formatBytes(rss)} of programs, ${formatBytes(cache)} of files`,
    ],
  ];
  if (swapOnly && Number(swapOnly.usage) > 0) {
    rows.push(["swap", useOf(swapOnly)]);
  }
  if (oomKills !== undefined && Number(oomKills) > 0) {
    rows.push([
      "out of memory",
      times(oomKills, "process killed", "processes killed"),
    ]);
  }
  return rows;
}

function sum(entries: readonly BlkioEntry[], op: string): number {
  return entries.filter((entry) => entry.op === op)
    .reduce((all, { value }) => all + Number(value), 0);
}

/** Bytes that went to and from block devices. */
export function blockTraffic(
  { ioServiceBytesRecursive: entries }: BlkioStats,
): { readonly read: number; readonly written: number } {
  return { read: sum(entries, "Read"), written: sum(entries, "Write") };
}

function blkioRows(blkio: BlkioStats): Row[] {
  const { read, written } = blockTraffic(blkio);
  const operations = blkio.ioServicedRecursive;
  return [[
    "block devices",
    `${formatBytes(read)} read (${
      times(sum(operations, "Read"), "operation", "operations")
    }), ${formatBytes(written)} written (${
      times(sum(operations, "Write"), "operation", "operations")
    })`,
  ]];
}

function pidsRow({ current, limit, max, failcnt }: PidsStats): Row {
  const parts = [limit === undefined ? `${current}` : `${current} of ${limit}`];
  if (max !== undefined) parts.push(`at most ${max}`);
  if (failcnt !== undefined && Number(failcnt) > 0) {
    parts.push(`limit hit ${times(failcnt, "time", "times")}`);
  }
  return ["processes", parts.join(", ")];
}

function interfaceRow(each: InterfaceStats): Row {
  const lost = Number(each.rxErrors) + Number(each.rxDropped) +
    Number(each.txErrors) + Number(each.txDropped);
  const packets = (count: Int64): string => times(count, "packet", "packets");
  return [
    `network ${each.name}`,
    `${formatBytes(each.rxBytes)} received (${packets(each.rxPackets)}), ` +
    `${formatBytes(each.txBytes)} sent (${packets(each.txPackets)})` +
    (lost > 0 ? `, ${lost} lost` : ""),
  ];
}

function pressureRow(what: string, pressure: Pressure | undefined): Row[] {
  const { some, full } = pressure ?? {};
  if (!some) return [];
  const line = `${some.avg10.toFixed(1)} % of the last 10 s`;
  const all = full ? `, all processes ${full.avg10.toFixed(1)} %` : "";
  return [[`waiting for ${what}`, line + all]];
}

/**
 * Renders statistics as a table; what the kernel does not count is left out.
 *
 * @param stats The statistics.
 * @param style Width and colours.
 * @returns The lines.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatStats } from "./stats_table.ts";
 *
 * assertEquals(
 *   formatStats({ time: 0, pids: { current: 2, limit: 10 } }),
 *   "WHAT       USE\nprocesses  2 of 10",
 * );
 * ```
 */
export function formatStats(stats: Stats, style: TableStyle = {}): string {
  const { cpu, memory, blkio, pids, hugetlb = {}, interfaces = [] } = stats;
  const pages = Object.entries(hugetlb)
    .filter(([, { max = 0, usage }]) => Number(max) > 0 || Number(usage) > 0)
    .map(([size, use]): Row => [`huge pages of ${size}`, useOf(use)]);
  const rows: Row[] = [
    ...(cpu ? cpuRows(cpu) : []),
    ...pressureRow("the cpu", cpu?.pressure),
    ...(memory ? memoryRows(memory) : []),
    ...pressureRow("memory", memory?.pressure),
    ...pages,
    ...(pids ? [pidsRow(pids)] : []),
    ...(blkio ? blkioRows(blkio) : []),
    ...pressureRow("devices", blkio?.pressure),
    ...interfaces.map(interfaceRow),
  ];
  return formatTable(["WHAT", "USE"], rows, style);
}

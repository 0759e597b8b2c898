/**
 * Block devices, from either version. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import {
  type GroupFiles,
  malformed,
  nestedTableOf,
  parseCount,
  readLines,
} from "./numbers.ts";
import { pressureOf } from "./pressure.ts";
import type { BlkioEntry, BlkioStats, Counters } from "./types.ts";

/** A list, with the name of its file behind `blkio.` or `blkio.bfq.`. */
const LISTS = {
  ioServiceBytesRecursive: "io_service_bytes_recursive",
  ioServicedRecursive: "io_serviced_recursive",
  ioQueueRecursive: "io_queued_recursive",
  ioServiceTimeRecursive: "io_service_time_recursive",
  ioWaitTimeRecursive: "io_wait_time_recursive",
  ioMergedRecursive: "io_merged_recursive",
  ioTimeRecursive: "time_recursive",
  sectorsRecursive: "sectors_recursive",
} as const;

type List = keyof typeof LISTS;

/** Where a list may stand; the first that has entries counts. */
function sourcesOf(file: string): string[] {
  const plain = file.replace(/_recursive$/, "");
  return [
    `blkio.bfq.${file}`,
    `blkio.${file}`,
    `blkio.throttle.${file}`,
    `blkio.throttle.${plain}`,
  ];
}

/** A line of version 1: `8:0 Read 4096`, or `8:0 4096`; a grand total is none. */
function parseEntry(line: string, path: string): BlkioEntry[] {
  const words = line.split(/[ :]+/);
  if (words.length === 2 && words[0] === "Total") return [];
  const [major = "", minor = "", op = "", value = op] = words;
  if (words.length < 3 || words.length > 4) throw malformed(path, line);
  return [{
    major: Number(parseCount(major, path)),
    minor: Number(parseCount(minor, path)),
    op: words.length === 4 ? op : "",
    value: parseCount(value, path),
  }];
}

function entriesIn(
  files: GroupFiles,
  name: string,
): BlkioEntry[] | undefined {
  const path = `${files.path}/${name}`;
  return readLines(files, name)?.flatMap((line) => parseEntry(line, path));
}

/** The entries of the first file that has some; undefined when there is no file. */
function listOf(files: GroupFiles, file: string): BlkioEntry[] | undefined {
  let isThere = false;
  for (const name of sourcesOf(file)) {
    const entries = entriesIn(files, name);
    if (entries && entries.length > 0) return entries;
    isThere ||= entries !== undefined;
  }
  return isThere ? [] : undefined;
}

function collect(
  list: (name: List) => readonly BlkioEntry[],
): Record<List, readonly BlkioEntry[]> {
  const names = Object.keys(LISTS) as List[];
  return Object.fromEntries(names.map((name) => [name, list(name)])) as Record<
    List,
    readonly BlkioEntry[]
  >;
}

function blkioV1(files: GroupFiles): BlkioStats | undefined {
  const found = new Map<string, BlkioEntry[]>();
  for (const [name, file] of Object.entries(LISTS)) {
    const entries = listOf(files, file);
    if (entries) found.set(name, entries);
  }
  return found.size === 0
    ? undefined
    : collect((name) => found.get(name) ?? []);
}

/** Counters of `io.stat` for one list, with the name of the operation. */
const V2_COUNTERS: Partial<Record<List, Readonly<Record<string, string>>>> = {
  ioServiceBytesRecursive: {
    rbytes: "Read",
    wbytes: "Write",
    dbytes: "Discard",
  },
  ioServicedRecursive: { rios: "Read", wios: "Write", dios: "Discard" },
};

function entriesOfDevice(
  device: string,
  counters: Counters,
  wanted: Readonly<Record<string, string>>,
  path: string,
): BlkioEntry[] {
  const match = /^(\d+):(\d+)$/.exec(device);
  if (!match) throw malformed(path, device);
  const [, major, minor] = match;
  return Object.entries(wanted).flatMap(([counter, op]) => {
    const value: Int64 | undefined = counters[counter];
    return value === undefined
      ? []
      : [{ major: Number(major), minor: Number(minor), op, value }];
  });
}

function blkioV2(files: GroupFiles): BlkioStats | undefined {
  const raw = nestedTableOf(files, "io.stat");
  if (raw === undefined) return undefined;
  const path = `${files.path}/io.stat`;
  const lists = collect((name) => {
    const wanted = V2_COUNTERS[name];
    if (!wanted) return [];
    return Object.entries(raw).flatMap(([device, counters]) =>
      entriesOfDevice(device, counters, wanted, path)
    );
  });
  return { ...lists, raw };
}

/**
 * Reads what a container did with block devices.
 *
 * @param blkio The version 1 group of `blkio`, if there is one.
 * @param unified The version 2 group, if there is one.
 * @returns The figures; undefined when neither has the controller.
 * @throws {KernelError} `SystemError` (EBADMSG) if a file is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { blkioStats } from "./blkio.ts";
 *
 * const text = "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n";
 * const read = (name: string) => name === "io.stat" ? text : undefined;
 * const unified = { version: 2, path: "/g", read, names: () => [] } as const;
 * const [first] = blkioStats(undefined, unified)?.ioServiceBytesRecursive ?? [];
 * assertEquals(first, { major: 8, minor: 0, op: "Read", value: 4096 });
 * ```
 */
export function blkioStats(
  blkio: GroupFiles | undefined,
  unified: GroupFiles | undefined,
): BlkioStats | undefined {
  const stats = (blkio && blkioV1(blkio)) ?? (unified && blkioV2(unified));
  const pressure = unified && pressureOf(unified, "io.pressure");
  if (!pressure) return stats;
  return { ...stats ?? collect(() => []), pressure };
}

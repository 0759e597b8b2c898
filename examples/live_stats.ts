/**
 * Prints what a container uses, a line each second, until it ends.
 *
 *     deno run -A examples/live_stats.ts [--root DIR] [--interval SECONDS] ID
 *
 * Any program may have started it, `nsinit exec --id ID` too.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { type Container, Factory, StateError, type Stats } from "../mod.ts";

const { values: flags, positionals: [id] } = parseArgs({
  allowPositionals: true,
  options: {
    root: { type: "string" },
    interval: { type: "string", default: "1" },
  },
});
if (id === undefined) {
  console.error("usage: live_stats.ts [FLAGS] ID");
  Deno.exit(2);
}

const interval = Number(flags.interval) * 1000;
const COLUMNS = [
  "CPU %",
  "MEMORY",
  "TASKS",
  "READ/S",
  "WRITE/S",
  "RX/S",
  "TX/S",
];

try {
  await follow(await new Factory(flags.root).load(id));
} catch (error) {
  console.error(
    `live_stats: ${error instanceof Error ? error.message : error}`,
  );
  Deno.exitCode = 125;
}

/** The container is not ours: when we are interrupted it goes on. */
async function follow(container: Container): Promise<void> {
  let before = await container.stats();
  const end = container.wait();
  console.log(row(COLUMNS));
  while (await lastsUntilNextLine(end)) {
    const now = await statsUnlessEnded(container);
    if (!now) break;
    console.log(row(columnsOf(before, now)));
    before = now;
  }
  const { signal, code } = await end;
  console.log(`${container.id} has ended: ${signal ?? `exit ${code}`}`);
}

/** Waits for the next line's time; false when the container has ended before. */
async function lastsUntilNextLine(end: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), interval);
  const isLeft = await Promise.race([promise, end.then(() => false)]);
  clearTimeout(timer);
  return isLeft;
}

/** It may end just before it is asked. */
async function statsUnlessEnded(
  container: Container,
): Promise<Stats | undefined> {
  try {
    return await container.stats();
  } catch (error) {
    if (error instanceof StateError) return undefined;
    throw error;
  }
}

function columnsOf(from: Stats, to: Stats): string[] {
  const seconds = (to.time - from.time) / 1000;
  const rate = (count: (stats: Stats) => number): number =>
    (count(to) - count(from)) / seconds;
  const cpu = rate(({ cpu }) => Number(cpu?.usage?.total ?? 0)) / 1e7;
  return [
    cpu.toFixed(1),
    formatBytes(Number(to.memory?.usage.usage ?? 0)),
    String(to.pids?.current ?? "-"),
    formatBytes(rate((stats) => transferred(stats, "Read"))),
    formatBytes(rate((stats) => transferred(stats, "Write"))),
    formatBytes(rate((stats) => traffic(stats, "rxBytes"))),
    formatBytes(rate((stats) => traffic(stats, "txBytes"))),
  ];
}

/** Bytes of all block devices. */
function transferred({ blkio }: Stats, op: "Read" | "Write"): number {
  const entries = blkio?.ioServiceBytesRecursive ?? [];
  return sum(entries.filter((entry) => entry.op === op), "value");
}

/** Bytes of all interfaces but loopback. */
function traffic(
  { interfaces = [] }: Stats,
  key: "rxBytes" | "txBytes",
): number {
  return sum(interfaces.filter(({ name }) => name !== "lo"), key);
}

function sum<K extends string>(
  list: readonly Readonly<Record<K, number | bigint>>[],
  key: K,
): number {
  return list.reduce((all, each) => all + Number(each[key]), 0);
}

function formatBytes(bytes: number): string {
  const units = ["B", "K", "M", "G", "T"];
  let at = 0;
  for (; bytes >= 1024 && at < units.length - 1; at++) bytes /= 1024;
  return `${bytes.toFixed(at === 0 ? 0 : 1)}${units[at]}`;
}

function row(columns: readonly string[]): string {
  return columns.map((column) => column.padStart(8)).join(" ");
}

/**
 * What the kernel says of processes and of the machine.
 *
 * @module
 */
import { join } from "@std/path";
import type { Bench } from "./bench.ts";

/** Clock ticks per second of /proc, on every architecture that Deno runs on. */
const TICKS = 100;

/** Memory of one process in KB, and its threads. */
export interface ProcessMemory {
  /** Resident set. */
  readonly rss: number;
  /** Its part of shared pages, and its own ones. */
  readonly pss: number;
  /** Pages that are its alone and changed. */
  readonly dirty: number;
  /** Number of threads. */
  readonly threads: number;
}

function fieldOf(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${name}:`));
  return parseInt(line?.slice(name.length + 1) ?? "");
}

/**
 * Reads the memory of a process.
 *
 * @param pid The process.
 * @returns It.
 */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const pages = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return {
    rss: fieldOf(status, "VmRSS"),
    pss: fieldOf(pages, "Pss"),
    dirty: fieldOf(pages, "Private_Dirty"),
    threads: fieldOf(status, "Threads"),
  };
}

/**
 * Reads how much memory the kernel itself uses for its objects.
 *
 * @returns KB of slabs, per-processor data, kernel stacks and page tables.
 */
export async function kernelMemory(): Promise<number> {
  const text = await Deno.readTextFile("/proc/meminfo");
  return ["Slab", "Percpu", "KernelStack", "PageTables"]
    .reduce((sum, name) => sum + fieldOf(text, name), 0);
}

/**
 * Reads the processor time of this process and of all children that it has
 * waited for.
 *
 * @returns User and system time in milliseconds.
 */
export function processorTime(): number {
  const text = Deno.readTextFileSync("/proc/self/stat");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) * 1000 / TICKS;
}

/**
 * Lists the processes of a container.
 *
 * @param bench The run.
 * @param name Name of its cgroups.
 * @returns Pids; none when the group is not there.
 */
export async function pidsIn(bench: Bench, name: string): Promise<number[]> {
  const [hierarchy] = bench.hierarchies;
  const dir = join(`${hierarchy?.mount}${bench.parent}`, name);
  try {
    const text = await Deno.readTextFile(join(dir, "cgroup.procs"));
    return text.split("\n").filter((line) => line !== "").map(Number);
  } catch (error) {
    // A group that goes while it is read.
    if (error instanceof Deno.errors.NotFound) return [];
    if (error instanceof Error && error.message.includes("os error 19")) {
      return [];
    }
    throw error;
  }
}

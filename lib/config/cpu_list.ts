/**
 * Lists of CPUs as the kernel writes them: `0-3,8`.
 *
 * @module
 */

/** CPUs that a Linux kernel can be built for. */
export const CPU_LIMIT = 8192;

/**
 * Reads a list of CPUs. Pure.
 *
 * @param text Numbers and ranges with commas between them; blanks around them do not count.
 * @returns The numbers in ascending order, each once; `undefined` when it is no
 * list, is empty, or has a CPU of {@linkcode CPU_LIMIT} or more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCpuList } from "./cpu_list.ts";
 *
 * assertEquals(parseCpuList("0-2, 7"), [0, 1, 2, 7]);
 * assertEquals(parseCpuList("2-0"), undefined);
 * ```
 */
export function parseCpuList(text: string): number[] | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (first > last || last >= CPU_LIMIT) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

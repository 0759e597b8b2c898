/**
 * Whether all contenders do the same work: what a program finds inside.
 *
 * @module
 */
import { type Bench, pause, succeed } from "../bench.ts";
import { EMPTY, makeContenders } from "../contenders.ts";
import type { Found, Line } from "../results.ts";

/** Prints what is counted, one number on each line. */
export const SCRIPT: string = [
  "wc -l < /proc/self/mountinfo",
  "awk -F: '$3 != \"/\"' /proc/self/cgroup | wc -l",
  "ls /dev | wc -l",
  "awk '/^NoNewPrivs/ { print $2 }' /proc/self/status",
  "awk '/^Seccomp:/ { print $2 }' /proc/self/status",
  "awk '/^CapEff/ { print $2 }' /proc/self/status",
  "ulimit -n",
  "awk 'NR > 2' /proc/net/dev | wc -l",
].join("\n");

const NAMES = [
  "mounts",
  "cgroups",
  "in /dev",
  "no new privileges",
  "seccomp",
  "capabilities",
  "open files",
  "interfaces",
];

/**
 * Reads what the script printed. Pure.
 *
 * @param output It.
 * @returns Numbers by what they count.
 */
export function readCounts(output: string): Record<string, number> {
  const found = output.trim().split("\n");
  return Object.fromEntries(NAMES.map((what, index) => {
    const text = found[index] ?? "";
    return [what, what === "capabilities" ? countBits(text) : Number(text)];
  }));
}

/** Ones in a mask in hexadecimal. */
function countBits(mask: string): number {
  const bits = [...BigInt(`0x${mask}`).toString(2)];
  return bits.filter((bit) => bit === "1").length;
}

/** Counts inside a container of each contender. */
export async function workSection(bench: Bench): Promise<Found> {
  const args = ["/bin/sh", "-c", SCRIPT];
  const lines: Line[] = [];
  for (const contender of await makeContenders(bench, "work", args)) {
    const { name, missing: note, command } = contender;
    if (name === EMPTY) continue;
    if (note !== undefined) {
      lines.push({ label: name, note });
      continue;
    }
    const output = await succeed(bench, command);
    await pause(bench, 0);
    lines.push({ label: name, more: readCounts(output) });
  }
  const title = "What a program finds inside";
  return { figures: [{ id: "work", title, unit: "", lines }], checks: [] };
}

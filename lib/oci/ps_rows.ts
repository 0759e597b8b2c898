/**
 * The processes of a container out of what ps(1) prints for the host.
 *
 * @module
 */
import { HostError } from "../errors.ts";

function fieldsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}

/**
 * Keeps the rows of some processes. Pure.
 *
 * @param text What ps printed, its header first.
 * @param pids The processes.
 * @returns Header and rows, as printed.
 * @throws {HostError} `HostUnsupported` if there is no column `PID`, or no
 * number in it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { filterRows } from "./ps_rows.ts";
 *
 * assertEquals(filterRows("  PID CMD\n    1 init\n    7 sh\n", [7]), "  PID CMD\n    7 sh\n");
 * ```
 */
export function filterRows(text: string, pids: readonly number[]): string {
  const [header = "", ...rows] = text.split("\n");
  const column = fieldsOf(header).indexOf("PID");
  if (column < 0) throw new HostError("couldn't find PID field in ps output");
  const wanted = new Set(pids);
  const kept = rows.filter((row) => {
    if (row.trim() === "") return false;
    const field = fieldsOf(row)[column] ?? "";
    if (!/^\d+$/.test(field)) {
      // Rows of threads have a dash there.
      if (field === "-") return false;
      throw new HostError(`unable to parse pid: ${JSON.stringify(field)}`);
    }
    return wanted.has(Number(field));
  });
  return [header, ...kept, ""].join("\n");
}

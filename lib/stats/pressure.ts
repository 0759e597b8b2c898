/**
 * Pressure stall information. Pure.
 *
 * @module
 */
import {
  type GroupFiles,
  malformed,
  parseCount,
  readLines,
} from "./numbers.ts";
import type { Pressure, PressureLine } from "./types.ts";

const LINE =
  /^(some|full) avg10=(\d+\.\d+) avg60=(\d+\.\d+) avg300=(\d+\.\d+) total=(\d+)$/;

/**
 * Reads `cpu.pressure`, `memory.pressure` or `io.pressure` of a version 2 group.
 *
 * @param files The group.
 * @param name Name of the file.
 * @returns The pressure; undefined where it is not measured.
 * @throws {KernelError} `SystemError` (EBADMSG) if the file is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pressureOf } from "./pressure.ts";
 *
 * const text = "some avg10=1.50 avg60=0.10 avg300=0.00 total=1234\n";
 * const files = { version: 2, path: "/g", read: () => text, names: () => [] } as const;
 * assertEquals(pressureOf(files, "cpu.pressure")?.some?.avg10, 1.5);
 * ```
 */
export function pressureOf(
  files: GroupFiles,
  name: string,
): Pressure | undefined {
  const path = `${files.path}/${name}`;
  const entries = readLines(files, name)?.map(
    (line): [string, PressureLine] => {
      const match = LINE.exec(line);
      if (!match) throw malformed(path, line);
      const [, kind = "", avg10, avg60, avg300, total = ""] = match;
      return [kind, {
        avg10: Number(avg10),
        avg60: Number(avg60),
        avg300: Number(avg300),
        total: parseCount(total, path),
      }];
    },
  );
  return entries && entries.length > 0
    ? Object.fromEntries(entries)
    : undefined;
}

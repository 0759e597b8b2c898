/**
 * Checks of id maps, of a user namespace or of a mount.
 *
 * @module
 */
import type { JsonPath } from "../json_scan.ts";
import type { IdMapping } from "../types.ts";
import type { Report } from "./report.ts";

/** The kernel refuses more lines in uid_map (Linux 4.15). */
const MAX_MAPPINGS = 340;
/** It takes the lines as text, in one write shorter than a page. */
const MAX_BYTES = 4095;
/** 2^32 - 1 is "no id" for the kernel. */
const MAX_ID = 0xfffffffe;

/** Reports ranges of one side of a mapping that run into each other. */
function checkOverlap(
  mappings: readonly IdMapping[],
  side: "containerId" | "hostId",
  fail: (message: string) => void,
): void {
  const sorted = [...mappings].sort((a, b) => a[side] - b[side]);
  for (const [index, mapping] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && mapping[side] + mapping.size > next[side]) {
      const ids = side === "hostId" ? "host ids" : "container ids";
      return fail(`${ids} from ${next[side]} are mapped twice`);
    }
  }
}

/**
 * Checks the lines of one map: ranges within 32 bits that do not overlap, and
 * no more of them than the kernel takes.
 *
 * @param at Where the list is in the model.
 * @param mappings The lines.
 * @param report Takes the faults.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { checkIdMappings } from "./id_mappings.ts";
 *
 * const faults: string[] = [];
 * const line = { containerId: 0, hostId: 1000, size: 0 };
 * checkIdMappings(["uidMappings"], [line], (_, message) => faults.push(message));
 * assertEquals(faults, ["found 0, wanted 1 or more"]);
 * ```
 */
export function checkIdMappings(
  at: JsonPath,
  mappings: readonly IdMapping[],
  report: Report,
): void {
  for (const [index, { containerId, hostId, size }] of mappings.entries()) {
    const isId = [containerId, hostId].every((id) =>
      Number.isInteger(id) && id >= 0 && id + size - 1 <= MAX_ID
    );
    if (!Number.isInteger(size) || size < 1) {
      report([...at, index, "size"], `found ${size}, wanted 1 or more`);
    } else if (!isId) {
      report([...at, index], `ids go beyond 0 to ${MAX_ID}`);
    }
  }
  if (mappings.length > MAX_MAPPINGS) {
    const count = mappings.length;
    report(at, `${count} lines, the kernel takes ${MAX_MAPPINGS}`);
  }
  const length = mappings.reduce(
    (sum, { containerId, hostId, size }) =>
      sum + `${containerId} ${hostId} ${size}\n`.length,
    0,
  );
  if (length > MAX_BYTES) {
    const message = `${length} bytes of lines, the kernel takes ${MAX_BYTES};` +
      " join ranges that follow each other";
    report(at, message);
  }
  const fail = (message: string): void => report(at, message);
  checkOverlap(mappings, "containerId", fail);
  checkOverlap(mappings, "hostId", fail);
}

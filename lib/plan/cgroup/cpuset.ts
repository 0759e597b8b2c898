/**
 * CPU and memory node lists -> files of the cpuset controller.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import type { CgroupVersion, LimitWrite } from "./types.ts";

/**
 * Lists the writes for the CPU and memory node lists of a group. Pure.
 *
 * @param resources The limits; an empty list is as good as absent.
 * @param _version The files are the same in both versions.
 * @returns The writes in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cpusetWrites } from "./cpuset.ts";
 *
 * assertEquals(cpusetWrites({ cpusetCpus: "0-1" }, 1)[0]?.file, "cpuset.cpus");
 * ```
 */
export function cpusetWrites(
  { cpusetCpus, cpusetMems }: Resources,
  _version: CgroupVersion,
): LimitWrite[] {
  const controller = "cpuset";
  const writes: LimitWrite[] = [];
  if (cpusetCpus) {
    writes.push({
      limit: "cpusetCpus",
      controller,
      file: "cpuset.cpus",
      value: cpusetCpus,
    });
  }
  if (cpusetMems) {
    writes.push({
      limit: "cpusetMems",
      controller,
      file: "cpuset.mems",
      value: cpusetMems,
    });
  }
  return writes;
}

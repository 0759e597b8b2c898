/**
 * Freezing a group.
 *
 * @module
 */
import type { CgroupVersion, LimitWrite } from "./types.ts";

/**
 * Gives the write that freezes or thaws a group, and how to see that it is done.
 * Pure.
 *
 * A process that enters a frozen group stops there, so a start writes it last,
 * once the program runs.
 *
 * @param state The wanted state.
 * @param version Version of the hierarchy.
 * @returns The write.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { freezerWrite } from "./freezer.ts";
 *
 * assertEquals(freezerWrite("FROZEN", 2).value, "1");
 * assertEquals(freezerWrite("THAWED", 1).file, "freezer.state");
 * ```
 */
export function freezerWrite(
  state: "FROZEN" | "THAWED",
  version: CgroupVersion,
): LimitWrite {
  return version === 1
    ? {
      limit: "freezer",
      controller: "freezer",
      file: "freezer.state",
      value: state,
    }
    : {
      limit: "freezer",
      controller: "",
      file: "cgroup.freeze",
      value: state === "FROZEN" ? "1" : "0",
    };
}

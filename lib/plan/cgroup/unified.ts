/**
 * Files of version 2 that a configuration names itself.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import { refuse } from "../refusal.ts";
import type { LimitWrite } from "./types.ts";

/** `CONTROLLER.NAME`, such as `memory.high` or `hugetlb.2MB.max`. */
const FILE = /^([a-z_]+)(\.[A-Za-z0-9_]+)+$/;

/**
 * Lists the writes that a configuration gives by file name. Pure.
 *
 * The files of the group itself (`cgroup.procs` and the like) are no limits and
 * are refused. A text of several lines is several writes, as the kernel takes one
 * device at a time.
 *
 * @param resources The limits; `unified` maps files to their text.
 * @returns The writes in the order given.
 * @throws {ConfigError} `ConfigInvalid` for a name that is no controller's file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unifiedWrites } from "./unified.ts";
 *
 * const [write] = unifiedWrites({ unified: { "memory.high": "1048576" } });
 * assertEquals([write?.controller, write?.file], ["memory", "memory.high"]);
 * ```
 */
export function unifiedWrites({ unified }: Resources): LimitWrite[] {
  return Object.entries(unified ?? {}).flatMap(([file, text]) => {
    const controller = FILE.exec(file)?.[1] ?? "cgroup";
    if (controller === "cgroup") {
      throw refuse(
        `cgroups.unified[${JSON.stringify(file)}]`,
        `Cannot write the cgroup file ${
          JSON.stringify(file)
        }: wanted a controller's file such as memory.high`,
      );
    }
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return (lines.length === 0 ? [text] : lines).map((value) => ({
      limit: "unified" as const,
      controller,
      file,
      value,
    }));
  });
}

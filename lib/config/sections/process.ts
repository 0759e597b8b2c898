/**
 * Reads the process settings that dialects before D kept in the same file, and
 * what belongs to the process in all of them.
 *
 * @module
 */
import { type ObjectReader, UINT32, UINT64 } from "../object_reader.ts";
import { compact, nonEmpty } from "../reading.ts";
import type { IdMapping, ProcessDefaults, Rlimit } from "../types.ts";

/**
 * Reads `environment`, `user`, `working_dir` and `tty`.
 *
 * @param root The root object.
 * @param options `hasTtyByDefault`: whether a text without `tty` gets a terminal.
 * @returns The settings.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readProcess } from "./process.ts";
 *
 * const root = new ObjectReader(new Findings(), { tty: true, user: "daemon" }, []);
 * assertEquals(readProcess(root), { tty: true, user: "daemon" });
 * ```
 */
export function readProcess(
  root: ObjectReader,
  options: { readonly hasTtyByDefault?: boolean } = {},
): ProcessDefaults {
  return compact<ProcessDefaults>({
    env: root.strings("environment"),
    user: nonEmpty(root.string("user")),
    cwd: nonEmpty(root.string("working_dir")),
    tty: root.has("tty")
      ? root.boolean("tty")
      : options.hasTtyByDefault ?? false,
  });
}

/**
 * Reads `rlimits`.
 *
 * @param root The root object.
 * @returns The limits; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readRlimits } from "./process.ts";
 *
 * const text = { rlimits: [{ type: 7, hard: 1024, soft: 512 }] };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readRlimits(root)?.[0]?.soft, 512);
 * ```
 */
export function readRlimits(root: ObjectReader): Rlimit[] | undefined {
  return root.objects("rlimits", (item) => ({
    type: item.integer("type"),
    hard: item.int64("hard", UINT64) ?? 0,
    soft: item.int64("soft", UINT64) ?? 0,
  }));
}

/**
 * Reads `uid_mappings` or `gid_mappings`.
 *
 * @param root The root object.
 * @param key Which of them.
 * @returns The mappings; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readIdMappings } from "./process.ts";
 *
 * const text = { uid_mappings: [{ container_id: 0, host_id: 1000, size: 1 }] };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readIdMappings(root, "uid_mappings")?.[0]?.hostId, 1000);
 * ```
 */
export function readIdMappings(
  root: ObjectReader,
  key: "uid_mappings" | "gid_mappings",
): IdMapping[] | undefined {
  const mappings = root.objects(key, (item) => ({
    containerId: item.integer("container_id", UINT32),
    hostId: item.integer("host_id", UINT32),
    size: item.integer("size", UINT32),
  }));
  return mappings?.length === 0 ? undefined : mappings;
}

/**
 * Reads `additional_groups`: numbers until v2.1, names or numbers as text since.
 *
 * @param root The root object.
 * @returns The groups; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readAdditionalGroups } from "./process.ts";
 *
 * const root = new ObjectReader(new Findings(), { additional_groups: [5] }, []);
 * assertEquals(readAdditionalGroups(root), ["5"]);
 * ```
 */
export function readAdditionalGroups(root: ObjectReader): string[] | undefined {
  return root.list("additional_groups", (item, path) => {
    if (typeof item === "string") return item;
    if (typeof item === "number" && Number.isSafeInteger(item)) {
      return String(item);
    }
    return root.findings.problem(path, "wanted the name or number of a group");
  });
}

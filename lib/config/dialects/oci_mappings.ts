/**
 * Reads id mappings of an OCI config.json.
 *
 * @module
 */
import { type ObjectReader, UINT32 } from "../object_reader.ts";
import type { IdMapping } from "../types.ts";

/**
 * Complains about members that must be there and are not.
 *
 * @param item The object.
 * @param keys The members.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { requireKeys } from "./oci_mappings.ts";
 *
 * const findings = new Findings();
 * requireKeys(new ObjectReader(findings, {}, ["root"]), ["path"]);
 * assertEquals(findings.problems[0]?.path, ["root", "path"]);
 * ```
 */
export function requireKeys(
  item: ObjectReader,
  keys: readonly string[],
): void {
  for (const key of keys) {
    if (!item.has(key)) item.findings.problem(item.at(key), "missing");
  }
}

/**
 * Reads `uidMappings` or `gidMappings`.
 *
 * @param owner The object that has the list.
 * @param key Which of them.
 * @returns The mappings; `undefined` when there are none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciMappings } from "./oci_mappings.ts";
 *
 * const text = { uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] };
 * const linux = new ObjectReader(new Findings(), text, []);
 * assertEquals(readOciMappings(linux, "uidMappings")?.[0]?.hostId, 1000);
 * ```
 */
export function readOciMappings(
  owner: ObjectReader,
  key: "uidMappings" | "gidMappings",
): IdMapping[] | undefined {
  const mappings = owner.objects(key, (item) => {
    requireKeys(item, ["containerID", "hostID", "size"]);
    return {
      containerId: item.integer("containerID", UINT32),
      hostId: item.integer("hostID", UINT32),
      size: item.integer("size", UINT32),
    };
  });
  return mappings?.length === 0 ? undefined : mappings;
}

/**
 * Dialect B, March to May 2014: `capabilities_mask` in three shapes.
 *
 * @module
 */
import { defaultDevices } from "../defaults.ts";
import type { ObjectReader } from "../object_reader.ts";
import type { Reading } from "../reading.ts";
import { readMask } from "../sections/capabilities.ts";
import { readTypedMounts } from "../sections/mounts.ts";
import { readProcess } from "../sections/process.ts";
import type { Config } from "../types.ts";
import { readContext, readImplicitConfig } from "./implicit.ts";

/**
 * Reads dialect B (B1 to B3).
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns The configuration. Without a mask it is fully privileged.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readEraB } from "./era_b.ts";
 *
 * const findings = new Findings();
 * const text = { capabilities_mask: ["MKNOD"] };
 * const config = readEraB(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "B1",
 *   isForced: false,
 *   directory: () => "/srv",
 * });
 * assert(!JSON.stringify(config.capabilities).includes("MKNOD"));
 * ```
 */
export function readEraB(root: ObjectReader, reading: Reading): Config {
  const { labels, isRestricted } = readContext(root);
  return readImplicitConfig(root, reading, {
    capabilities: readMask(root, reading),
    mounts: readTypedMounts(root, reading),
    devices: defaultDevices,
    isRestricted,
    process: readProcess(root),
    rootfs: "",
    more: {
      ...labels,
      readonlyfs: root.boolean("readonly_fs"),
      noPivotRoot: root.boolean("no_pivot_root"),
    },
  });
}

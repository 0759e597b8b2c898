/**
 * Dialect A, February and March 2014: `capabilities` names what is dropped.
 *
 * @module
 */
import { defaultDevices } from "../defaults.ts";
import type { ObjectReader } from "../object_reader.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import { readDropList } from "../sections/capabilities.ts";
import { readTypedMounts } from "../sections/mounts.ts";
import { readProcess } from "../sections/process.ts";
import type { Config, ProcessDefaults } from "../types.ts";
import { readContext, readImplicitConfig } from "./implicit.ts";

/** A1 had the program in the file. */
function readCommand(root: ObjectReader): ProcessDefaults {
  const command = root.object("command", (item) =>
    compact<ProcessDefaults>({
      args: item.strings("args"),
      env: item.strings("environment"),
    }));
  return command ?? {};
}

/** What nsinit wrote for itself: accepted, and without meaning in a new start. */
function skipWrittenBack(root: ObjectReader): void {
  root.integer("namespace_pid");
  root.integer("network_namespace_fd");
  root.integer("master");
  root.string("console");
  root.string("log_file");
}

/**
 * Reads dialect A (A1 to A5).
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns The configuration. Without `capabilities` it is fully privileged.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readEraA } from "./era_a.ts";
 *
 * const findings = new Findings();
 * const config = readEraA(new ObjectReader(findings, { id: "koye" }, []), {
 *   findings,
 *   dialect: "A1",
 *   isForced: true,
 *   directory: () => "/srv",
 * });
 * assertEquals(config.hostname, "koye");
 * ```
 */
export function readEraA(root: ObjectReader, reading: Reading): Config {
  skipWrittenBack(root);
  const { labels, isRestricted } = readContext(root);
  // Before `tty` came (A3) there always was a terminal.
  const hasTtyByDefault = reading.dialect < "A3";
  const id = nonEmpty(root.string("id"));
  const config = readImplicitConfig(root, reading, {
    capabilities: readDropList(root, "capabilities", reading),
    mounts: readTypedMounts(root, reading),
    devices: defaultDevices,
    isRestricted,
    process: {
      ...readProcess(root, { hasTtyByDefault }),
      ...readCommand(root),
    },
    rootfs: root.string("rootfs"),
    more: {
      ...labels,
      readonlyfs: root.boolean("readonly_fs"),
      noPivotRoot: root.boolean("no_pivot_root"),
    },
  });
  const hostname = config.hostname ?? id;
  return hostname === undefined ? config : { ...config, hostname };
}

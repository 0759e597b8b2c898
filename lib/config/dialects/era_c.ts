/**
 * Dialects C and D0, May 2014 to February 2015: `capabilities` names what is
 * kept. C0 is flat, C1 to C3 have `mount_config`, D0 is flat again.
 *
 * @module
 */
import type { ObjectReader } from "../object_reader.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import { readKeepList } from "../sections/capabilities.ts";
import { readDeviceNodes, readDevices } from "../sections/devices.ts";
import { readTypedMounts } from "../sections/mounts.ts";
import {
  readAdditionalGroups,
  readIdMappings,
  readProcess,
  readRlimits,
} from "../sections/process.ts";
import type { Config, Device, Mount } from "../types.ts";
import { readContext, readImplicitConfig } from "./implicit.ts";

/** The root's file system part: at the root, or in `mount_config`. */
interface FileSystemPart {
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly more: Partial<Config>;
}

function readFileSystem(owner: ObjectReader, reading: Reading): FileSystemPart {
  const { dialect } = reading;
  const renamed = dialect === "D0"
    ? readDevices(owner, "devices", dialect)
    : undefined;
  const isReadonly = owner.boolean("readonly_fs");
  return {
    mounts: readTypedMounts(owner, reading),
    devices: renamed ?? readDeviceNodes(owner, dialect),
    more: compact<Partial<Config>>({
      noPivotRoot: owner.boolean("no_pivot_root"),
      readonlyfs: isReadonly || dialect === "D0" && owner.boolean("readonlyfs"),
      mountLabel: nonEmpty(owner.string("mount_label")),
      pivotDir: nonEmpty(owner.string("pivot_dir")),
    }),
  };
}

/** Settings that joined the root one after the other. */
function readRootMembers(root: ObjectReader): Partial<Config> {
  return compact<Partial<Config>>({
    apparmorProfile: nonEmpty(root.string("apparmor_profile")),
    processLabel: nonEmpty(root.string("process_label")),
    rlimits: readRlimits(root),
    additionalGroups: readAdditionalGroups(root),
    uidMappings: readIdMappings(root, "uid_mappings"),
    gidMappings: readIdMappings(root, "gid_mappings"),
  });
}

/** D0 gave the pty by name; one is made wherever it named one. */
function readConsole(root: ObjectReader, reading: Reading): boolean {
  return reading.dialect === "D0" && root.string("console") !== "";
}

/**
 * Reads dialects C0 to C3 and D0.
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns The configuration. Without `capabilities` nothing is kept.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readEraC } from "./era_c.ts";
 *
 * const findings = new Findings();
 * const text = { capabilities: ["MKNOD"], mount_config: {} };
 * const config = readEraC(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "C1",
 *   isForced: false,
 *   directory: () => "/srv",
 * });
 * assertEquals(config.capabilities, ["MKNOD"]);
 * ```
 */
export function readEraC(root: ObjectReader, reading: Reading): Config {
  const isFlat = reading.dialect === "C0" || reading.dialect === "D0";
  const context = reading.dialect === "C0"
    ? readContext(root)
    : { labels: {}, isRestricted: false };
  // The original crashed without `mount_config`; an empty one does as well.
  const part = isFlat
    ? readFileSystem(root, reading)
    : root.object("mount_config", (owner) => readFileSystem(owner, reading));
  const isRestricted = context.isRestricted || root.boolean("restrict_sys");
  const hasTtyByDefault = readConsole(root, reading);
  const rootfs = root.string("root_fs") ||
    (reading.dialect === "D0" ? root.string("rootfs") : "");
  return readImplicitConfig(root, reading, {
    capabilities: readKeepList(root),
    mounts: part?.mounts ?? [],
    devices: part?.devices ?? readDeviceNodes(root, reading.dialect),
    isRestricted,
    process: readProcess(root, { hasTtyByDefault }),
    rootfs,
    more: { ...part?.more, ...readRootMembers(root), ...context.labels },
  });
}

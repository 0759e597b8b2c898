/**
 * Dialects D and E, February 2015 on: everything is explicit, and process
 * settings are not part of the file. E is what early runc made of it.
 *
 * @module
 */
import { defaultDevices } from "../defaults.ts";
import type { ObjectReader } from "../object_reader.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import { readAttributes } from "../sections/attributes.ts";
import { readKeepList } from "../sections/capabilities.ts";
import { readCgroups } from "../sections/cgroups.ts";
import { readDevices } from "../sections/devices.ts";
import { readHooks } from "../sections/hooks.ts";
import { readExplicitMounts } from "../sections/mounts.ts";
import { readNamespaces } from "../sections/namespaces.ts";
import { readNetworks, readRoutes } from "../sections/networks.ts";
import {
  readAdditionalGroups,
  readIdMappings,
  readRlimits,
} from "../sections/process.ts";
import { readRootKinds } from "../sections/root_kinds.ts";
import { readSeccomp } from "../sections/seccomp.ts";
import type { Config } from "../types.ts";

/** `MS_PRIVATE | MS_REC`. */
const RPRIVATE = 0x44000;
const SIGNALS = { min: -1, max: 64 };

function readRootfs(root: ObjectReader, reading: Reading): string {
  if (root.has("host_root")) return root.string("rootfs") || "/";
  return root.string("rootfs") || reading.directory();
}

function readPropagation(root: ObjectReader): number | undefined {
  const isPrivate = root.boolean("privatefs");
  return root.integer("rootPropagation") || (isPrivate ? RPRIVATE : undefined);
}

function readSecurity(root: ObjectReader): Partial<Config> {
  const properties = root.stringMap("system_properties");
  const sysctl = root.stringMap("sysctl");
  const both = { ...properties, ...sysctl };
  const key = sysctl === undefined ? "system_properties" : "sysctl";
  root.findings.setOrigin(both, root.at(key));
  return compact<Partial<Config>>({
    apparmorProfile: nonEmpty(root.string("apparmor_profile")),
    processLabel: nonEmpty(root.string("process_label")),
    mountLabel: nonEmpty(root.string("mount_label")),
    maskPaths: root.strings("mask_paths"),
    readonlyPaths: root.strings("readonly_paths"),
    sysctl: Object.keys(both).length === 0 ? undefined : both,
    seccomp: readSeccomp(root),
    noNewPrivileges: root.boolean("no_new_privileges") || undefined,
  });
}

/** Process settings left the file with dialect D; ignoring them would surprise. */
function refuseProcess(root: ObjectReader): void {
  for (const key of ["environment", "user", "working_dir", "tty", "console"]) {
    if (!root.has(key)) continue;
    const message = "process settings are not part of dialect D; remove this," +
      " and give it to the command or to start()";
    root.findings.tolerable(root.at(key), message, "key");
  }
}

/** What only runc's files have, and what editors read. */
function readRuncMembers(root: ObjectReader): Partial<Config> {
  refuseProcess(root);
  // For editors: schema/container.schema.json.
  root.string("$schema");
  root.string("version");
  root.boolean("rootless");
  return compact<Partial<Config>>({
    oomScoreAdj: root.has("oom_score_adj")
      ? root.integer("oom_score_adj")
      : undefined,
    labels: root.strings("labels"),
  });
}

/**
 * Reads dialects D and E.
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns The configuration, as explicit as the text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readEraD } from "./era_d.ts";
 *
 * const findings = new Findings();
 * const text = { rootfs: "/srv", mounts: [], devices: [] };
 * const config = readEraD(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "D",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assertEquals([config.mounts, config.devices], [[], []]);
 * ```
 */
export function readEraD(root: ObjectReader, reading: Reading): Config {
  const rootfs = readRootfs(root, reading);
  const found = readExplicitMounts(root, rootfs, reading.dialect);
  const devices = readDevices(root, "devices", "D");
  const signal = root.integer("parent_death_signal", SIGNALS);
  const capabilities = readKeepList(root);
  return compact<Config>({
    dialect: reading.dialect,
    rootfs,
    readonlyfs: root.boolean("readonlyfs"),
    noPivotRoot: root.boolean("no_pivot_root"),
    pivotDir: nonEmpty(root.string("pivot_dir")),
    rootPropagation: readPropagation(root),
    parentDeathSignal: Math.max(signal, 0),
    mounts: found.mounts,
    devices: devices ?? (found.isSupplied ? defaultDevices : []),
    hostname: nonEmpty(root.string("hostname")),
    namespaces: readNamespaces(root),
    capabilities,
    networks: readNetworks(root, reading).networks,
    routes: readRoutes(root),
    cgroups: readCgroups(root, reading),
    rlimits: readRlimits(root),
    additionalGroups: readAdditionalGroups(root),
    uidMappings: readIdMappings(root, "uid_mappings"),
    gidMappings: readIdMappings(root, "gid_mappings"),
    ...readRootKinds(root),
    ...readSecurity(root),
    ...readRuncMembers(root),
    ...readAttributes(root),
    hooks: readHooks(root),
  });
}

/**
 * What this runtime can do, as `features` prints it: engines ask before they
 * write a configuration.
 *
 * @module
 */
import type { Json, JsonObject } from "../config/json.ts";
import { CAPABILITIES } from "../config/names/capabilities.ts";
import {
  FLAG_OPTIONS,
  PAST_OPTIONS,
  PROPAGATION_OPTIONS,
  TREE_OPTIONS,
  VOID_OPTIONS,
} from "../config/names/mount_options.ts";
import { NAMESPACE_TYPES, NAMESPACES } from "../config/names/namespaces.ts";
import {
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
} from "../config/names/scheduling.ts";
import {
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FILTER_FLAGS,
  SECCOMP_OPERATORS,
} from "../config/names/seccomp.ts";
import { HOOK_KINDS } from "../config/sections/hooks.ts";
import { SPEC_VERSION } from "./globals.ts";
import { UNIT_PROPERTY_PREFIX } from "../plan/cgroup/unit_labels.ts";

/** What the tables do not say. */
export interface FeatureFacts {
  /** Version of this program. */
  readonly version: string;
  /** Version of the libseccomp that is built in, e.g. `2.5.4`. */
  readonly libseccomp: string;
}

/** Oldest and newest version of `config.json` that is read. */
export const OCI_VERSIONS = { min: "1.0.0", max: SPEC_VERSION } as const;

/** The annotation that names a file with settings of CRIU. */
export const CRIU_ANNOTATION = "org.criu.config";

/** Mount options that are no flags. */
const OTHER_OPTIONS = [
  "acl",
  "noacl",
  "idmap",
  "ridmap",
  "remount",
  "tmpcopyup",
];
/** A word of `container.json`; the specification has no such architecture. */
const WAIT_KILLABLE = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
const NATIVE = "SCMP_ARCH_NATIVE";

function mountOptions(): string[] {
  const names = [
    FLAG_OPTIONS,
    PAST_OPTIONS,
    PROPAGATION_OPTIONS,
    TREE_OPTIONS,
    VOID_OPTIONS,
  ].flatMap((table) => [...table.keys()]);
  return [...names, ...OTHER_OPTIONS].sort();
}

function seccomp(): JsonObject {
  const flags = Object.keys(SECCOMP_FILTER_FLAGS).sort();
  return {
    enabled: true,
    actions: Object.keys(SECCOMP_ACTIONS).sort(),
    operators: Object.keys(SECCOMP_OPERATORS).sort(),
    archs: Object.keys(SECCOMP_ARCHITECTURES)
      .filter((name) => name !== NATIVE).sort(),
    knownFlags: flags,
    // It is given to the part of a filter that asks a listener, never to all of it.
    supportedFlags: flags.filter((name) => name !== WAIT_KILLABLE),
  };
}

function linux(): JsonObject {
  const enabled: Json = { enabled: true };
  return {
    namespaces: NAMESPACE_TYPES.map((type) => NAMESPACES[type].oci).sort(),
    capabilities: CAPABILITIES.map((name) => `CAP_${name}`),
    cgroup: {
      v1: true,
      v2: true,
      systemd: true,
      systemdUser: true,
      rdma: true,
    },
    seccomp: seccomp(),
    apparmor: enabled,
    selinux: enabled,
    // resctrl is a matter of the whole host: no start carries it out.
    intelRdt: { enabled: false },
    memoryPolicy: {
      modes: Object.keys(MEMORY_POLICIES).sort(),
      flags: Object.keys(MEMORY_POLICY_FLAGS).sort(),
    },
    mountExtensions: { idmap: enabled },
    netDevices: enabled,
  };
}

/**
 * Tells what this runtime can do, whatever the machine offers. Pure.
 *
 * @param facts Versions.
 * @returns The JSON value, as the specification's features document.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeFeatures } from "./features.ts";
 *
 * const features = makeFeatures({ version: "1.0.0", libseccomp: "2.5.4" });
 * assertEquals(features["ociVersionMin"], "1.0.0");
 * ```
 */
export function makeFeatures(
  { version, libseccomp }: FeatureFacts,
): JsonObject {
  return {
    ociVersionMin: OCI_VERSIONS.min,
    ociVersionMax: OCI_VERSIONS.max,
    hooks: [...HOOK_KINDS],
    mountOptions: mountOptions(),
    linux: linux(),
    annotations: {
      "io.github.seccomp.libseccomp.version": libseccomp,
      "org.opencontainers.runc.checkpoint.enabled": "true",
      "org.opencontainers.runc.version": version,
    },
    // Those of a bundle that change what is done on the host.
    potentiallyUnsafeConfigAnnotations: [CRIU_ANNOTATION, UNIT_PROPERTY_PREFIX],
  };
}

/**
 * The model as an OCI config.json (runtime-spec 1.1 to 1.3).
 *
 * @module
 */
import type { Json, JsonObject } from "./json.ts";
import { MOUNT_FLAGS, PROPAGATION_FLAGS } from "./names/mount_flags.ts";
import {
  attributeBits,
  nameOptions,
  PROPAGATION_OPTIONS,
} from "./names/mount_options.ts";
import { NAMESPACES } from "./names/namespaces.ts";
import { RLIMITS } from "./names/rlimits.ts";
import { compact } from "./reading.ts";
import type {
  CapabilitySets,
  Config,
  Device,
  Mount,
  Rlimit,
  Seccomp,
} from "./types.ts";
import {
  writeHooks,
  writeOciAttributes,
  writeOciLinuxAttributes,
} from "./write_attributes.ts";
import { writeOciResources } from "./write_oci_resources.ts";
import { type WarningSink, writeSeccompOci } from "./write_seccomp.ts";

/** Runtimes of 2023 refuse files of later versions, needed or not. */
const OCI_VERSION = "1.1.0";
/** The version that has id-mapped mounts by their options, CPUs of joining processes, and the wait of notified calls. */
const SECOND_VERSION = "1.2.0";
/** The version that has moved interfaces, memory policies and lines of resctrl. */
const LATER_VERSION = "1.3.0";
/** What runs where the configuration names nothing: found without a PATH, too. */
const ANY_PROGRAM = "/bin/sh";
const WAIT_KILLABLE = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";

/** `private`, or `rprivate` for the whole tree. */
function namePropagation(flags: number): string[] {
  const isTree = (flags & MOUNT_FLAGS.MS_REC) !== 0;
  const bits = flags & PROPAGATION_FLAGS;
  return [...PROPAGATION_OPTIONS].filter(([, option]) =>
    (option & bits) !== 0 && ((option & MOUNT_FLAGS.MS_REC) !== 0) === isTree
  ).map(([name]) => name);
}

/** Attributes of submounts: OCI has them apart, before it they were those of the top. */
function treeOptions({ flags, clearFlags = 0, recursive }: Mount): string[] {
  const isTree = (flags & MOUNT_FLAGS.MS_BIND) !== 0 &&
    (flags & MOUNT_FLAGS.MS_REC) !== 0;
  const tree = recursive ?? { set: isTree ? flags : 0, clear: clearFlags };
  return [
    ...nameOptions(tree.set, { prefix: "r" }),
    ...nameOptions(isTree || recursive ? tree.clear : 0, {
      prefix: "r",
      clears: true,
    }),
  ];
}

/** Attributes of the mount itself, and settings of its file system. */
function flagOptions({ flags, clearFlags = 0, recursive }: Mount): string[] {
  const isTree = (flags & MOUNT_FLAGS.MS_BIND) !== 0 &&
    (flags & MOUNT_FLAGS.MS_REC) !== 0;
  const isApart = recursive !== undefined || !isTree;
  const shown = isApart ? flags : flags & ~attributeBits(flags);
  return [
    ...nameOptions(shown),
    ...isApart ? nameOptions(clearFlags, { clears: true }) : [],
  ];
}

/** Splits mount data at commas outside quotes: SELinux contexts have some. */
function splitData(data: string): string[] {
  return data.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
}

function writeMount(mount: Mount, warn: WarningSink): JsonObject {
  const { device, flags, destination } = mount;
  const isTree = (flags & MOUNT_FLAGS.MS_REC) !== 0;
  if (mount.relabel !== "") warn(`${destination}: relabel is left out`);
  if (mount.premountCmds ?? mount.postmountCmds) {
    warn(`${destination}: premount and postmount commands are left out`);
  }
  return {
    destination,
    ...device === "" ? {} : { type: device },
    ...mount.source === "" ? {} : { source: mount.source },
    options: [
      ...device === "bind" ? [isTree ? "rbind" : "bind"] : [],
      ...flagOptions(mount),
      ...treeOptions(mount),
      ...(mount.propagationFlags ?? []).flatMap(namePropagation),
      ...mount.tmpcopyup ? ["tmpcopyup"] : [],
      ...mount.remount ? ["remount"] : [],
      ...mount.idmap ? [mount.idmap.recursive ? "ridmap" : "idmap"] : [],
      ...splitData(mount.data),
    ],
    ...writeMappings(mount.idmap ?? {}),
  };
}

function writeDevice(device: Device): JsonObject {
  const { type, path, major, minor, fileMode, uid, gid } = device;
  return { type, path, major, minor, fileMode, uid, gid };
}

function writeUser(config: Config, warn: WarningSink): JsonObject {
  const user = config.process?.user ?? "";
  const match = /^(\d+)(?::(\d+))?$/.exec(user);
  const isRoot = user === "" || user === "root";
  if (match === null && !isRoot) {
    warn(
      `process.user ${user} is a name; OCI has numbers only, so 0 is written`,
    );
  }
  const groups = config.additionalGroups ?? [];
  const named = groups.filter((group) => !/^\d+$/.test(group));
  if (named.length > 0) {
    warn(`additional groups ${named.join(", ")} are names and are left out`);
  }
  const additionalGids = groups.filter((group) => /^\d+$/.test(group)).map(
    Number,
  );
  return {
    uid: Number(match?.[1] ?? 0),
    gid: Number(match?.[2] ?? 0),
    ...additionalGids.length > 0 ? { additionalGids } : {},
  };
}

/** Bounding, effective and permitted, as the original's one list meant. */
function toSets(capabilities: Config["capabilities"]): CapabilitySets {
  if (capabilities !== undefined && "bounding" in capabilities) {
    return capabilities;
  }
  const kept = capabilities ?? [];
  return {
    bounding: kept,
    effective: kept,
    inheritable: [],
    permitted: kept,
    ambient: [],
  };
}

function writeCapabilities({ capabilities }: Config): JsonObject {
  const sets = Object.entries(toSets(capabilities)).map(([set, names]) => [
    set,
    names.map((name: string) => `CAP_${name}`),
  ]);
  return Object.fromEntries(sets);
}

function writeRlimit({ type, hard, soft }: Rlimit): JsonObject {
  return { type: `RLIMIT_${RLIMITS[type] ?? type}`, hard, soft };
}

function writeProcess(config: Config, warn: WarningSink): JsonObject {
  const { process = {} } = config;
  const attributes = writeOciAttributes(config, warn);
  return compact<Record<string, Json>>({
    terminal: process.tty ?? false,
    user: { ...writeUser(config, warn), ...attributes.user },
    args: process.args ?? [ANY_PROGRAM],
    env: process.env ?? [],
    cwd: process.cwd ?? "/",
    ...process.consoleSize && { consoleSize: { ...process.consoleSize } },
    ...config.capabilities && { capabilities: writeCapabilities(config) },
    ...config.rlimits && { rlimits: config.rlimits.map(writeRlimit) },
    noNewPrivileges: config.noNewPrivileges ?? false,
    ...config.apparmorProfile
      ? { apparmorProfile: config.apparmorProfile }
      : {},
    ...config.processLabel ? { selinuxLabel: config.processLabel } : {},
    ...config.oomScoreAdj === undefined
      ? {}
      : { oomScoreAdj: config.oomScoreAdj },
    ...attributes.process,
  });
}

function writeSeccomp(seccomp: Seccomp, warn: WarningSink): JsonObject {
  const syscalls = seccomp.syscalls.filter(({ name }) => {
    if (typeof name === "string") return true;
    warn(`seccomp: the rule for system call number ${name} is left out`);
    return false;
  });
  return writeSeccompOci({ ...seccomp, syscalls });
}

function writeMappings(
  config: Pick<Config, "uidMappings" | "gidMappings">,
): JsonObject {
  const members = (["uidMappings", "gidMappings"] as const).flatMap((key) => {
    const mappings = config[key];
    if (mappings === undefined) return [];
    const lines = mappings.map(({ containerId, hostId, size }) => ({
      containerID: containerId,
      hostID: hostId,
      size,
    }));
    return [[key, lines]];
  });
  return Object.fromEntries(members);
}

function writeLinux(config: Config, warn: WarningSink): JsonObject {
  const { seccomp, sysctl, mountLabel, rootPropagation = 0 } = config;
  const [propagation = "rslave"] = namePropagation(rootPropagation);
  const { name = "", parent = "", slice = "" } = config.cgroups ?? {};
  if (name === "") warn("cgroups: the group is named by the runtime");
  const above = parent === "" ? "" : `${parent}/`;
  const path = slice === ""
    ? `${above}${name}`.replace(/\/+/g, "/")
    : `${slice}::${name}`;
  return {
    namespaces: config.namespaces.map(({ type, path }) => ({
      type: NAMESPACES[type].oci,
      ...path === undefined ? {} : { path },
    })),
    ...writeMappings(config),
    devices: config.devices.map(writeDevice),
    ...name === "" ? {} : { cgroupsPath: path },
    resources: writeOciResources(config.cgroups ?? { name, parent }, warn),
    rootfsPropagation: propagation,
    ...config.maskPaths && { maskedPaths: config.maskPaths },
    ...config.readonlyPaths && { readonlyPaths: config.readonlyPaths },
    ...sysctl === undefined ? {} : { sysctl },
    ...mountLabel === undefined ? {} : { mountLabel },
    ...seccomp === undefined ? {} : { seccomp: writeSeccomp(seccomp, warn) },
    ...writeOciLinuxAttributes(config),
  };
}

function warnLost(config: Config, warn: WarningSink): void {
  const veths = (config.networks ?? []).filter(({ type }) => type === "veth");
  if (veths.length > 0) warn("networks are left out: OCI leaves them to hooks");
  const isTuned = (config.networks ?? []).some((network) =>
    network.type === "loopback" && (network.mtu || network.txqueuelen) > 0
  );
  if (isTuned) {
    warn("mtu and txqueuelen of the loopback interface are left out");
  }
  if ((config.routes ?? []).length > 0) warn("routes are left out");
  if (config.platform !== undefined) {
    warn(`the section ${config.platform} is left out`);
  }
  if (config.devices.length === 0) {
    warn("every OCI runtime makes the default nodes of /dev");
  }
  if (config.parentDeathSignal) warn("parent_death_signal is left out");
  if (config.overlay) {
    warn(
      "overlay is left out: a container of this file writes to root.path itself",
    );
  }
  if (config.hostRoot) {
    warn(
      "host_root is left out: a container of this file has the host's whole / as root; do not run it",
    );
  }
  if (config.noPivotRoot) {
    warn("no_pivot_root is left out; it is a flag of run");
  }
}

/** The oldest version that has all that is written. */
function versionFor(config: Config): string {
  const { memoryPolicy, netDevices, intelRdt } = config;
  const isLater = memoryPolicy !== undefined || netDevices !== undefined ||
    intelRdt?.schemata !== undefined;
  if (isLater) return LATER_VERSION;
  const isSecond = config.execCpuAffinity !== undefined ||
    config.mounts.some(({ idmap }) => idmap !== undefined) ||
    config.seccomp?.flags?.includes(WAIT_KILLABLE) === true;
  return isSecond ? SECOND_VERSION : OCI_VERSION;
}

/**
 * Turns a configuration into an OCI config.json.
 *
 * Pure. What OCI cannot say is told.
 *
 * @param config The configuration.
 * @param warn Takes a sentence for each setting that is lost or changed.
 * @returns The JSON value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { toOciJson } from "./write_oci.ts";
 *
 * const json = toOciJson(defaultConfig("/srv"), () => {});
 * assertEquals(json["ociVersion"], "1.1.0");
 * ```
 */
export function toOciJson(config: Config, warn: WarningSink): JsonObject {
  warnLost(config, warn);
  const annotations = (config.labels ?? []).map((label) => {
    const cut = label.indexOf("=");
    return cut < 0 ? [label, ""] : [label.slice(0, cut), label.slice(cut + 1)];
  });
  return {
    ociVersion: versionFor(config),
    process: writeProcess(config, warn),
    root: { path: config.rootfs, readonly: config.readonlyfs ?? false },
    ...config.hostname ? { hostname: config.hostname } : {},
    ...config.domainname ? { domainname: config.domainname } : {},
    mounts: config.mounts.map((mount) => writeMount(mount, warn)),
    ...annotations.length > 0
      ? { annotations: Object.fromEntries(annotations) }
      : {},
    ...writeHooks(config, { hasDir: false }, warn),
    linux: writeLinux(config, warn),
  };
}

/**
 * The model as dialect D: every key, in the order of the original.
 *
 * @module
 */
import type { Json, JsonObject } from "./json.ts";
import { writeAttributes, writeHooks } from "./write_attributes.ts";
import { MOUNT_DEVICES } from "./names/mount_devices.ts";
import { type WarningSink, writeSeccomp } from "./write_seccomp.ts";
import type {
  BlkioDevice,
  Cgroup,
  Command,
  Config,
  Device,
  IdMapping,
  Int64,
  Mount,
  Network,
} from "./types.ts";

/** Unicode numbers, as Go wrote runes. */
const TYPE_NUMBERS = { c: 99, b: 98, p: 112, a: 97 } as const;
/** `MS_PRIVATE | MS_REC`. */
const RPRIVATE = 0x44000;

/** Go wrote a missing list as `null`. */
function list<T>(
  items: readonly T[] | undefined,
  write: (item: T) => Json,
): Json {
  return items === undefined ? null : items.map(write);
}

const same = (text: string): Json => text;

function writeCommand({ path, args, env, dir }: Command): JsonObject {
  return { path, args, env, dir };
}

function writeMappings(mappings: readonly IdMapping[] | undefined): Json {
  return list(mappings, ({ containerId, hostId, size }) => ({
    container_id: containerId,
    host_id: hostId,
    size,
  }));
}

/** Keys of later runtimes, written only where they say something. */
function writeIdmap({ idmap }: Mount): JsonObject {
  if (idmap === undefined) return {};
  const { uidMappings, gidMappings, recursive } = idmap;
  return {
    [recursive === true ? "ridmap" : "idmap"]: true,
    ...uidMappings && { uid_mappings: writeMappings(uidMappings) },
    ...gidMappings && { gid_mappings: writeMappings(gidMappings) },
  };
}

function writeLaterAttributes(mount: Mount): JsonObject {
  const { clearFlags, recursive, tmpcopyup, remount } = mount;
  return {
    ...clearFlags ? { cleared_flags: clearFlags } : {},
    ...recursive && { recursive: { ...recursive } },
    ...tmpcopyup && { tmpcopyup },
    ...remount && { remount },
  };
}

/** One propagation flag fits among the others, as in D; more need E's key. */
function writeMount(mount: Mount): JsonObject {
  const { propagationFlags = [] } = mount;
  const [first = 0] = propagationFlags;
  const fits = propagationFlags.length < 2 && (first & 0x4000) === 0;
  return {
    source: mount.source,
    destination: mount.destination,
    device: mount.device,
    flags: fits ? (mount.flags | first) >>> 0 : mount.flags,
    ...fits ? {} : { propagation_flags: propagationFlags },
    data: mount.data,
    relabel: mount.relabel,
    premount_cmds: list(mount.premountCmds, writeCommand),
    postmount_cmds: list(mount.postmountCmds, writeCommand),
    ...writeIdmap(mount),
    ...writeLaterAttributes(mount),
  };
}

function writeDevice(device: Device): JsonObject {
  return {
    type: TYPE_NUMBERS[device.type],
    path: device.path,
    major: device.major,
    minor: device.minor,
    permissions: device.permissions,
    file_mode: device.fileMode,
    uid: device.uid,
    gid: device.gid,
  };
}

function writeNetwork(network: Network, warn: WarningSink): JsonObject {
  if (network.type === "veth" && network.hostInterfaceName === "") {
    warn(
      `networks: the outer end of ${network.name} gets a chosen name here; ` +
        "the original needs host_interface_name",
    );
  }
  return {
    type: network.type,
    name: network.name,
    bridge: network.bridge,
    mac_address: network.macAddress,
    address: network.address,
    gateway: network.gateway,
    ipv6_address: network.ipv6Address,
    ipv6_gateway: network.ipv6Gateway,
    mtu: network.mtu,
    txqueuelen: network.txqueuelen,
    host_interface_name: network.hostInterfaceName,
    hairpin_mode: network.hairpinMode,
  };
}

/** A single device is written as the original's string, more as runc's list. */
function writeBlkio(
  devices: readonly BlkioDevice[] | undefined,
  key: "weight" | "rate",
): Json {
  const [first, second] = devices ?? [];
  if (first === undefined) return "";
  if (second === undefined) {
    return `${first.major}:${first.minor} ${first.value}`;
  }
  return list(devices, ({ major, minor, value }) => ({
    major,
    minor,
    [key]: value,
  }));
}

const zero = (value: Int64 | undefined): Int64 => value ?? 0;

function writeMemory(cgroup: Cgroup): JsonObject {
  return {
    memory: zero(cgroup.memory),
    memory_reservation: zero(cgroup.memoryReservation),
    memory_swap: zero(cgroup.memorySwap),
    kernel_memory: zero(cgroup.kernelMemory),
  };
}

function writeCpu(cgroup: Cgroup): JsonObject {
  return {
    cpu_shares: zero(cgroup.cpuShares),
    cpu_quota: zero(cgroup.cpuQuota),
    cpu_period: zero(cgroup.cpuPeriod),
    cpuset_cpus: cgroup.cpusetCpus ?? "",
    cpuset_mems: cgroup.cpusetMems ?? "",
  };
}

function writeBlkioLimits(cgroup: Cgroup): JsonObject {
  return {
    blkio_throttle_read_bps_device: writeBlkio(
      cgroup.blkioThrottleReadBpsDevice,
      "rate",
    ),
    blkio_throttle_write_bps_device: writeBlkio(
      cgroup.blkioThrottleWriteBpsDevice,
      "rate",
    ),
    blkio_throttle_read_iops_device: writeBlkio(
      cgroup.blkioThrottleReadIopsDevice,
      "rate",
    ),
    blkio_throttle_write_iops_device: writeBlkio(
      cgroup.blkioThrottleWriteIopsDevice,
      "rate",
    ),
    blkio_weight: cgroup.blkioWeight ?? 0,
    blkio_weight_device: writeBlkio(cgroup.blkioWeightDevice, "weight"),
  };
}

/** Keys of runc, written only where they say something. */
function writeLaterLimits(cgroup: Cgroup): JsonObject {
  return {
    ...cgroup.pidsLimit === undefined ? {} : { pids_limit: cgroup.pidsLimit },
    ...cgroup.kernelMemoryTcp === undefined
      ? {}
      : { kernel_memory_tcp: cgroup.kernelMemoryTcp },
    ...cgroup.cpuRtRuntime === undefined
      ? {}
      : { cpu_rt_quota: cgroup.cpuRtRuntime },
    ...cgroup.cpuRtPeriod === undefined
      ? {}
      : { cpu_rt_period: cgroup.cpuRtPeriod },
    ...cgroup.cpuBurst === undefined ? {} : { cpu_burst: cgroup.cpuBurst },
    ...cgroup.cpuIdle === undefined ? {} : { cpu_idle: cgroup.cpuIdle },
    ...cgroup.rdma === undefined ? {} : {
      rdma: cgroup.rdma.map(({ device, hcaHandles, hcaObjects }) => ({
        device,
        ...hcaHandles === undefined ? {} : { hca_handles: hcaHandles },
        ...hcaObjects === undefined ? {} : { hca_objects: hcaObjects },
      })),
    },
    ...cgroup.unified === undefined ? {} : { unified: cgroup.unified },
  };
}

function writeCgroup(cgroup: Cgroup): JsonObject {
  const { netClsClassid } = cgroup;
  return {
    name: cgroup.name,
    parent: cgroup.parent,
    allow_all_devices: cgroup.allowAllDevices ?? false,
    allowed_devices: list(cgroup.allowedDevices, writeDevice),
    denied_devices: list(cgroup.deniedDevices, writeDevice),
    ...writeMemory(cgroup),
    ...writeCpu(cgroup),
    ...writeBlkioLimits(cgroup),
    ...writeLaterLimits(cgroup),
    freezer: cgroup.freezer ?? "",
    hugetlb_limit: list(cgroup.hugetlbLimit, ({ pageSize, limit }) => ({
      page_size: pageSize,
      limit,
    })),
    slice: cgroup.slice ?? "",
    oom_kill_disable: cgroup.oomKillDisable ?? false,
    // The original read a missing key as 0, which is a setting.
    memory_swappiness: cgroup.memorySwappiness ?? -1,
    net_prio_ifpriomap: list(cgroup.netPrioIfpriomap, (entry) => ({
      interface: entry.interface,
      priority: entry.priority,
    })),
    net_cls_classid: netClsClassid === undefined ? "" : String(netClsClassid),
  };
}

/** Kinds of root that the original did not have. */
function writeRootKinds({ overlay, hostRoot }: Config): JsonObject {
  return {
    ...overlay === undefined ? {} : { overlay: { ...overlay } },
    ...hostRoot === undefined ? {} : { host_root: { ...hostRoot } },
  };
}

/** Keys of runc, written only where they say something. */
function writeLaterKeys(config: Config): JsonObject {
  const { rootPropagation, noNewPrivileges, oomScoreAdj, labels } = config;
  return {
    ...writeRootKinds(config),
    ...rootPropagation === undefined || rootPropagation === RPRIVATE
      ? {}
      : { rootPropagation },
    ...noNewPrivileges ? { no_new_privileges: true } : {},
    ...oomScoreAdj === undefined ? {} : { oom_score_adj: oomScoreAdj },
    ...labels === undefined ? {} : { labels },
  };
}

function warnLost(config: Config, warn: WarningSink): void {
  for (const key of Object.keys(config.process ?? {})) {
    if (key === "makeCwd") continue;
    warn(`process.${key} is not part of the file; give it to the command`);
  }
  for (const { type } of config.namespaces) {
    if (type === "NEWCGROUP" || type === "NEWTIME") {
      warn(`${type} is not known to the original`);
    }
  }
  const known: readonly string[] = MOUNT_DEVICES;
  for (const { device, destination } of config.mounts) {
    if (known.includes(device)) continue;
    warn(`${destination}: a mount of ${device} is not known to the original`);
  }
  if (config.intelRdt !== undefined) warn("intelRdt is left out");
}

function writeSecurity(config: Config): JsonObject {
  const { seccomp } = config;
  return {
    mask_paths: list(config.maskPaths, same),
    readonly_paths: list(config.readonlyPaths, same),
    system_properties: config.sysctl ?? null,
    seccomp: seccomp === undefined ? null : writeSeccomp(seccomp),
  };
}

function writeIds(config: Config): JsonObject {
  return {
    rlimits: list(
      config.rlimits,
      ({ type, hard, soft }) => ({ type, hard, soft }),
    ),
    additional_groups: list(config.additionalGroups, same),
    uid_mappings: writeMappings(config.uidMappings),
    gid_mappings: writeMappings(config.gidMappings),
  };
}

function writeNetworks(config: Config, warn: WarningSink): JsonObject {
  return {
    networks: list(config.networks, (network) => writeNetwork(network, warn)),
    routes: list(config.routes, (route) => ({
      destination: route.destination,
      source: route.source,
      gateway: route.gateway,
      interface_name: route.interfaceName,
    })),
  };
}

/** A list, or the five sets under runc's names. */
function writeCapabilities({ capabilities }: Config): Json {
  if (capabilities === undefined) return [];
  if ("bounding" in capabilities) {
    const { bounding, effective, inheritable, permitted, ambient } =
      capabilities;
    return { bounding, effective, inheritable, permitted, ambient };
  }
  return capabilities;
}

/**
 * Turns a configuration into the JSON of dialect D.
 *
 * Pure. Where D has no key the one of runc is used, so that the text reads as
 * dialect E; what has no key at all is told.
 *
 * @param config The configuration.
 * @param warn Takes a sentence for each setting that is lost or changed.
 * @returns The JSON value, keys in the original's order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { toContainerJson } from "./write_container_json.ts";
 *
 * const json = toContainerJson(defaultConfig("/srv"), () => {});
 * assertEquals(Object.keys(json)[0], "no_pivot_root");
 * ```
 */
export function toContainerJson(config: Config, warn: WarningSink): JsonObject {
  warnLost(config, warn);
  return {
    no_pivot_root: config.noPivotRoot ?? false,
    parent_death_signal: config.parentDeathSignal ?? 0,
    pivot_dir: config.pivotDir ?? "",
    rootfs: config.rootfs,
    readonlyfs: config.readonlyfs ?? false,
    privatefs: config.rootPropagation === RPRIVATE,
    mounts: config.mounts.map(writeMount),
    devices: config.devices.map(writeDevice),
    mount_label: config.mountLabel ?? "",
    hostname: config.hostname ?? "",
    namespaces: config.namespaces.map(({ type, path }) => ({
      type,
      path: path ?? "",
    })),
    capabilities: writeCapabilities(config),
    ...writeNetworks(config, warn),
    cgroups: config.cgroups === undefined ? null : writeCgroup(config.cgroups),
    apparmor_profile: config.apparmorProfile ?? "",
    process_label: config.processLabel ?? "",
    ...writeIds(config),
    ...writeSecurity(config),
    ...writeLaterKeys(config),
    ...writeAttributes(config),
    ...writeHooks(config, { hasDir: true }, warn),
  };
}

/**
 * Paths of the model to keys of an OCI config.json, for messages.
 *
 * @module
 */
import type { JsonPath } from "../json_scan.ts";

const PROCESS = [
  ["apparmorProfile", "apparmorProfile"],
  ["processLabel", "selinuxLabel"],
  ["capabilities", "capabilities"],
  ["rlimits", "rlimits"],
  ["noNewPrivileges", "noNewPrivileges"],
  ["oomScoreAdj", "oomScoreAdj"],
  ["scheduler", "scheduler"],
  ["ioPriority", "ioPriority"],
  ["execCpuAffinity", "execCPUAffinity"],
] as const;

const LINUX = [
  ["rootPropagation", "rootfsPropagation"],
  ["devices", "devices"],
  ["namespaces", "namespaces"],
  ["uidMappings", "uidMappings"],
  ["gidMappings", "gidMappings"],
  ["mountLabel", "mountLabel"],
  ["maskPaths", "maskedPaths"],
  ["readonlyPaths", "readonlyPaths"],
  ["sysctl", "sysctl"],
  ["seccomp", "seccomp"],
  ["timeOffsets", "timeOffsets"],
  ["personality", "personality"],
  ["memoryPolicy", "memoryPolicy"],
  ["netDevices", "netDevices"],
] as const;

/** Members of `cgroups` to keys of `linux.resources`. */
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  allowedDevices: ["devices"],
  deniedDevices: ["devices"],
  memory: ["memory", "limit"],
  memoryReservation: ["memory", "reservation"],
  memorySwap: ["memory", "swap"],
  kernelMemory: ["memory", "kernel"],
  kernelMemoryTcp: ["memory", "kernelTCP"],
  memorySwappiness: ["memory", "swappiness"],
  oomKillDisable: ["memory", "disableOOMKiller"],
  cpuShares: ["cpu", "shares"],
  cpuQuota: ["cpu", "quota"],
  cpuPeriod: ["cpu", "period"],
  cpuRtRuntime: ["cpu", "realtimeRuntime"],
  cpuRtPeriod: ["cpu", "realtimePeriod"],
  cpuBurst: ["cpu", "burst"],
  cpuIdle: ["cpu", "idle"],
  cpusetCpus: ["cpu", "cpus"],
  cpusetMems: ["cpu", "mems"],
  pidsLimit: ["pids", "limit"],
  blkioWeight: ["blockIO", "weight"],
  blkioWeightDevice: ["blockIO", "weightDevice"],
  blkioThrottleReadBpsDevice: ["blockIO", "throttleReadBpsDevice"],
  blkioThrottleWriteBpsDevice: ["blockIO", "throttleWriteBpsDevice"],
  blkioThrottleReadIopsDevice: ["blockIO", "throttleReadIOPSDevice"],
  blkioThrottleWriteIopsDevice: ["blockIO", "throttleWriteIOPSDevice"],
  hugetlbLimit: ["hugepageLimits"],
  netPrioIfpriomap: ["network", "priorities"],
  netClsClassid: ["network", "classID"],
  rdma: ["rdma"],
  unified: ["unified"],
};

const KEYS: ReadonlyMap<string, JsonPath> = new Map<string, JsonPath>([
  ["rootfs", ["root", "path"]],
  ["readonlyfs", ["root", "readonly"]],
  ["additionalGroups", ["process", "user", "additionalGids"]],
  ["umask", ["process", "user", "umask"]],
  ["labels", ["annotations"]],
  ...PROCESS.map(([key, name]) => [key, ["process", name]] as const),
  ...LINUX.map(([key, name]) => [key, ["linux", name]] as const),
]);

/** Members below an object that was read as a whole. */
const INNER: ReadonlyMap<string, string> = new Map([
  ["tty", "terminal"],
  ["device", "type"],
  ["flags", "options"],
  ["clearFlags", "options"],
  ["recursive", "options"],
  ["propagationFlags", "options"],
  ["data", "options"],
  ["idmap", "options"],
  ["containerId", "containerID"],
  ["hostId", "hostID"],
]);

function cgroupPath([key, ...rest]: JsonPath): JsonPath {
  if (key === "name" || key === "parent" || key === "slice") {
    return ["linux", "cgroupsPath"];
  }
  const names = RESOURCES[String(key)] ?? [];
  return ["linux", "resources", ...names, ...rest];
}

/**
 * Tells where a part of the model stands in a config.json. Pure.
 *
 * @param base Path of the object that the part was read from; empty when none is known.
 * @param rest Path of the model, from that object.
 * @returns Path in the text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toOciPath } from "./oci_paths.ts";
 *
 * assertEquals(toOciPath([], ["cgroups", "memory"]), ["linux", "resources", "memory", "limit"]);
 * assertEquals(toOciPath(["mounts", 0], ["device"]), ["mounts", 0, "type"]);
 * ```
 */
export function toOciPath(base: JsonPath, rest: JsonPath): JsonPath {
  const [first, ...others] = rest;
  if (first === undefined) return base;
  if (base.length === 0 && first === "cgroups") return cgroupPath(others);
  const place = base.length === 0 ? KEYS.get(String(first)) : undefined;
  if (place !== undefined) return [...place, ...others];
  return [
    ...base,
    ...rest.map((key) => typeof key === "string" ? INNER.get(key) ?? key : key),
  ];
}

/**
 * Reads `cgroups`: where the groups are, and the limits.
 *
 * Go wrote 0 and "" for limits that are not set, so both mean that here.
 *
 * @module
 */
import {
  type IntegerBounds,
  type ObjectReader,
  UINT32,
  UINT64,
} from "../object_reader.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import type {
  BlkioDevice,
  Cgroup,
  Int64,
  RdmaLimit,
  Resources,
} from "../types.ts";
import { getBuiltInRules, readDevices } from "./devices.ts";

/** Bytes, or -1 for no limit. */
const BYTES: IntegerBounds = { min: -1, max: 2n ** 63n - 1n };
const MAX_BYTES = 2n ** 63n - 1n;
const FREEZER_STATES = ["FROZEN", "THAWED"] as const;

/** Before D, memory without a swap limit was given as much swap again. */
function doubleMemory(memory: Int64): Int64 {
  const double = BigInt(memory) * 2n;
  const total = double > MAX_BYTES ? MAX_BYTES : double;
  return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : total;
}

/** A missing key left the original with 0, a bug; `^0` is how runc wrote -1. */
function readSwappiness(item: ObjectReader): number | undefined {
  const bounds = { min: -1, max: UINT64.max };
  const value = item.int64("memory_swappiness", bounds);
  if (value === undefined || value === -1 || value === UINT64.max) {
    return undefined;
  }
  if (value <= 100) return Number(value);
  const message = `found ${value}, wanted 0 to 100, or -1 to leave it`;
  return item.findings.problem(item.at("memory_swappiness"), message);
}

function readMemory(item: ObjectReader, reading: Reading): Resources {
  const memory = item.limit("memory", BYTES);
  const swap = item.limit("memory_swap", BYTES);
  const isOld = reading.dialect !== "D" && reading.dialect !== "E";
  const hasLimit = memory !== undefined && memory > 0;
  return compact<Resources>({
    memory,
    memoryReservation: item.limit("memory_reservation", BYTES),
    memorySwap: swap ?? (isOld && hasLimit ? doubleMemory(memory) : undefined),
    kernelMemory: item.limit("kernel_memory", BYTES),
    kernelMemoryTcp: item.limit("kernel_memory_tcp", BYTES),
    memorySwappiness: readSwappiness(item),
    oomKillDisable: item.boolean("oom_kill_disable") || undefined,
  });
}

/** A key of runc that is `null` unless set: 0 is a setting. */
function readIdle(item: ObjectReader): 0 | 1 | undefined {
  const value = item.int64("cpu_idle", { min: 0, max: 1 });
  if (value === undefined) return undefined;
  return Number(value) === 1 ? 1 : 0;
}

function readUnified(item: ObjectReader): Record<string, string> | undefined {
  const files = item.stringMap("unified");
  return files && Object.keys(files).length > 0 ? files : undefined;
}

function readCpu(item: ObjectReader): Resources {
  return compact<Resources>({
    cpuShares: item.limit("cpu_shares", BYTES),
    cpuQuota: item.limit("cpu_quota", BYTES),
    cpuPeriod: item.limit("cpu_period", BYTES),
    cpuRtRuntime: item.limit("cpu_rt_quota", BYTES),
    cpuRtPeriod: item.limit("cpu_rt_period", BYTES),
    cpuBurst: item.limit("cpu_burst", UINT64),
    cpuIdle: readIdle(item),
    cpusetCpus: nonEmpty(item.string("cpuset_cpus")),
    cpusetMems: nonEmpty(item.string("cpuset_mems")),
    pidsLimit: item.limit("pids_limit", BYTES),
  });
}

/** Until mid 2015 one string, "major:minor value"; then a list of objects. */
function readBlkioDevices(
  item: ObjectReader,
  key: string,
  valueKey: string,
): BlkioDevice[] | undefined {
  const value = item.raw(key);
  if (typeof value !== "string") {
    const list = item.objects(key, (device) => {
      device.integer("leafWeight", UINT32);
      return {
        major: device.integer("major"),
        minor: device.integer("minor"),
        value: device.int64(valueKey, UINT64) ?? 0,
      };
    });
    return list?.length === 0 ? undefined : list;
  }
  if (value === "") return undefined;
  const match = /^(\d{1,7}):(\d{1,7}) (\d{1,19})$/.exec(value);
  if (match === null) return item.refuse(key, value, '"MAJOR:MINOR VALUE"');
  const [major = 0, minor = 0] = match.slice(1).map(Number);
  const big = BigInt(match[3] ?? "0");
  const isSafe = big <= BigInt(Number.MAX_SAFE_INTEGER);
  return [{ major, minor, value: isSafe ? Number(big) : big }];
}

function readBlkio(item: ObjectReader): Resources {
  const rates = (operation: string): BlkioDevice[] | undefined =>
    readBlkioDevices(item, `blkio_throttle_${operation}_device`, "rate");
  item.integer("blkio_leaf_weight", UINT32);
  return compact<Resources>({
    blkioWeight: item.integer("blkio_weight", UINT32) || undefined,
    blkioWeightDevice: readBlkioDevices(item, "blkio_weight_device", "weight"),
    blkioThrottleReadBpsDevice: rates("read_bps"),
    blkioThrottleWriteBpsDevice: rates("write_bps"),
    blkioThrottleReadIopsDevice: rates("read_iops"),
    blkioThrottleWriteIopsDevice: rates("write_iops"),
  });
}

function readClassId(item: ObjectReader): number | undefined {
  const numeric = item.integer("net_cls_classid_u", UINT32);
  const text = item.string("net_cls_classid");
  if (text === "") return numeric || undefined;
  const value = /^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/.test(text)
    ? Number(text)
    : -1;
  if (value >= 0 && value <= 0xffffffff) return value;
  return item.refuse("net_cls_classid", text, "a number of 32 bits");
}

function readCount(item: ObjectReader, key: string): number | undefined {
  return item.has(key) ? item.integer(key, UINT32) : undefined;
}

function readOther(item: ObjectReader): Resources {
  const hugepages = item.objects("hugetlb_limit", (limit) => ({
    pageSize: limit.string("page_size"),
    limit: limit.int64("limit", UINT64) ?? 0,
  }));
  const priorities = item.objects("net_prio_ifpriomap", (entry) => ({
    interface: entry.string("interface"),
    priority: entry.integer("priority"),
  }));
  const rdma = item.objects("rdma", (limit) =>
    compact<RdmaLimit>({
      device: limit.string("device"),
      hcaHandles: readCount(limit, "hca_handles"),
      hcaObjects: readCount(limit, "hca_objects"),
    }));
  const freezer = item.string("freezer").toUpperCase();
  const state = FREEZER_STATES.find((known) => known === freezer);
  if (freezer !== "" && state === undefined) {
    const path = item.at("freezer");
    item.findings.unknown(path, "freezer state", freezer, FREEZER_STATES);
  }
  return compact<Resources>({
    hugetlbLimit: hugepages?.length === 0 ? undefined : hugepages,
    netPrioIfpriomap: priorities?.length === 0 ? undefined : priorities,
    netClsClassid: readClassId(item),
    rdma: rdma?.length === 0 ? undefined : rdma,
    freezer: state,
    unified: readUnified(item),
  });
}

/**
 * Rules are deny by default: a file that says nothing gets its era's list, and
 * only an explicit list, even an empty one, replaces it.
 */
function readRules(item: ObjectReader, reading: Reading): Resources {
  const access = item.boolean("device_access");
  const allowAll = item.boolean("allow_all_devices");
  const allowed = readDevices(item, "allowed_devices", reading.dialect);
  const denied = readDevices(item, "denied_devices", reading.dialect);
  return compact<Resources>({
    allowAllDevices: access || allowAll,
    allowedDevices: allowed ??
      (access || allowAll ? undefined : getBuiltInRules(reading.dialect)),
    deniedDevices: denied?.length === 0 ? undefined : denied,
  });
}

/** runc's `path` stands for parent and name together. */
function readPlace(item: ObjectReader): { name: string; parent: string } {
  const path = item.string("path");
  const [name, parent] = [item.string("name"), item.string("parent")];
  if (item.string("scope_prefix") !== "") {
    item.findings.warn(item.at("scope_prefix"), "scope_prefix is not used");
  }
  if ((item.entries("paths") ?? []).length > 0) {
    const message =
      "joining groups by path is not supported; give parent and name";
    item.findings.problem(item.at("paths"), message);
  }
  if (path === "") return { name, parent };
  const cut = path.lastIndexOf("/");
  const above = cut < 0 ? "" : path.slice(0, Math.max(cut, 1));
  return { name: path.slice(cut + 1), parent: above };
}

function readCgroup(item: ObjectReader, reading: Reading): Cgroup {
  return compact<Cgroup>({
    ...readPlace(item),
    slice: nonEmpty(item.string("slice")),
    ...readRules(item, reading),
    ...readMemory(item, reading),
    ...readCpu(item),
    ...readBlkio(item),
    ...readOther(item),
  });
}

/** Dialect A of one day had some of the keys at the root. */
function readRootKeys(
  root: ObjectReader,
  reading: Reading,
): Cgroup | undefined {
  const keys = [
    "cgroup_name",
    "cgroup_parent",
    "device_access",
    "memory",
    "memory_swap",
    "cpu_shares",
  ];
  if (keys.filter((key) => root.has(key)).length === 0) return undefined;
  const cgroup = {
    name: root.string("cgroup_name"),
    parent: root.string("cgroup_parent"),
    allowAllDevices: root.boolean("device_access"),
    allowedDevices: getBuiltInRules(reading.dialect),
  };
  const shares = root.limit("cpu_shares", BYTES);
  const memory = root.limit("memory", BYTES);
  const swap = root.limit("memory_swap", BYTES) ??
    (memory !== undefined && memory > 0 ? doubleMemory(memory) : undefined);
  return compact<Cgroup>({
    ...cgroup,
    memory,
    memorySwap: swap,
    cpuShares: shares,
  });
}

/**
 * Reads `cgroups`, and the root keys of dialect A.
 *
 * A text without any still gets the device rules of its era: the original left
 * such a container free to open every device of the host.
 *
 * @param root The root object.
 * @param reading The reading; its dialect decides spelling and defaults.
 * @returns Place and limits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readCgroups } from "./cgroups.ts";
 *
 * const findings = new Findings();
 * const text = { cgroups: { name: "a", parent: "b", memory: 0 } };
 * const cgroup = readCgroups(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "D",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assertEquals([cgroup.name, cgroup.memory], ["a", undefined]);
 * ```
 */
export function readCgroups(root: ObjectReader, reading: Reading): Cgroup {
  const isA = reading.dialect.startsWith("A");
  const old = isA ? readRootKeys(root, reading) : undefined;
  return root.object("cgroups", (item) => readCgroup(item, reading)) ?? old ?? {
    name: "",
    parent: "nsinit",
    allowAllDevices: false,
    allowedDevices: getBuiltInRules(reading.dialect),
  };
}

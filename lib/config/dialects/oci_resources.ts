/**
 * Reads `linux.resources` of an OCI config.json.
 *
 * 0 and "" mean that a limit is not set, as in the runtimes that engines know.
 *
 * @module
 */
import {
  INT64,
  type IntegerBounds,
  type ObjectReader,
  UINT32,
  UINT64,
} from "../object_reader.ts";
import { quote } from "../problems.ts";
import { compact, nonEmpty } from "../reading.ts";
import type { BlkioDevice, Int64, RdmaLimit, Resources } from "../types.ts";
import { readOciRules } from "./oci_devices.ts";
import { requireKeys } from "./oci_mappings.ts";

/** Bytes, or -1 for no limit. */
const BYTES: IntegerBounds = { min: -1, max: INT64.max };
const WEIGHTS: IntegerBounds = { min: 0, max: 0xffff };
const PAGE_SIZE = /^[1-9][0-9]*[KMG]B$/;

/** -1 as an unsigned number is how engines say "leave it". */
function readSwappiness(item: ObjectReader): number | undefined {
  const value = item.int64("swappiness", { min: -1, max: UINT64.max });
  if (value === undefined || value === -1 || value === UINT64.max) {
    return undefined;
  }
  if (value <= 100) return Number(value);
  return item.refuse("swappiness", value, "a number from 0 to 100");
}

function readMemory(resources: ObjectReader): Resources | undefined {
  return resources.object("memory", (item) => {
    // Both concern the way a limit is set, which here never kills.
    item.boolean("useHierarchy");
    item.boolean("checkBeforeUpdate");
    return compact<Resources>({
      memory: item.limit("limit", BYTES),
      memoryReservation: item.limit("reservation", BYTES),
      memorySwap: item.limit("swap", BYTES),
      kernelMemory: item.limit("kernel", BYTES),
      kernelMemoryTcp: item.limit("kernelTCP", BYTES),
      memorySwappiness: readSwappiness(item),
      oomKillDisable: item.boolean("disableOOMKiller") || undefined,
    });
  });
}

function readIdle(item: ObjectReader): 0 | 1 | undefined {
  const value = item.int64("idle", { min: 0, max: 1 });
  if (value === undefined) return undefined;
  return Number(value) === 1 ? 1 : 0;
}

function readCpu(resources: ObjectReader): Resources | undefined {
  return resources.object("cpu", (item) =>
    compact<Resources>({
      cpuShares: item.limit("shares", UINT64),
      cpuQuota: item.limit("quota", BYTES),
      cpuPeriod: item.limit("period", UINT64),
      cpuRtRuntime: item.limit("realtimeRuntime", BYTES),
      cpuRtPeriod: item.limit("realtimePeriod", UINT64),
      cpuBurst: item.limit("burst", UINT64),
      cpuIdle: readIdle(item),
      cpusetCpus: nonEmpty(item.string("cpus").replaceAll(/\s/g, "")),
      cpusetMems: nonEmpty(item.string("mems").replaceAll(/\s/g, "")),
    }));
}

function readPids(resources: ObjectReader): Resources | undefined {
  return resources.object("pids", (item) => {
    requireKeys(item, ["limit"]);
    return compact<Resources>({ pidsLimit: item.limit("limit", BYTES) });
  });
}

function readDevices(
  item: ObjectReader,
  key: string,
  valueKey: "weight" | "rate",
): BlkioDevice[] | undefined {
  const bounds = valueKey === "weight" ? WEIGHTS : UINT64;
  const list = item.objects(key, (device) => {
    requireKeys(device, ["major", "minor"]);
    const major = Number(device.int64("major", INT64) ?? 0);
    const minor = Number(device.int64("minor", INT64) ?? 0);
    warnLeafWeight(device);
    const value: Int64 = device.int64(valueKey, bounds) ?? 0;
    return valueKey === "weight" && value === 0
      ? undefined
      : { major, minor, value };
  });
  return list?.length === 0 ? undefined : list;
}

/** No scheduler of Linux has leaf weights since CFQ went with 5.0. */
function warnLeafWeight(item: ObjectReader): void {
  if (item.integer("leafWeight", WEIGHTS) === 0) return;
  const message = "left out: Linux has had no leaf weights since 5.0";
  item.findings.warn(item.at("leafWeight"), message);
}

function readBlockIo(resources: ObjectReader): Resources | undefined {
  return resources.object("blockIO", (item) => {
    warnLeafWeight(item);
    return compact<Resources>({
      blkioWeight: item.integer("weight", WEIGHTS) || undefined,
      blkioWeightDevice: readDevices(item, "weightDevice", "weight"),
      blkioThrottleReadBpsDevice: readDevices(
        item,
        "throttleReadBpsDevice",
        "rate",
      ),
      blkioThrottleWriteBpsDevice: readDevices(
        item,
        "throttleWriteBpsDevice",
        "rate",
      ),
      blkioThrottleReadIopsDevice: readDevices(
        item,
        "throttleReadIOPSDevice",
        "rate",
      ),
      blkioThrottleWriteIopsDevice: readDevices(
        item,
        "throttleWriteIOPSDevice",
        "rate",
      ),
    });
  });
}

function readHugepages(resources: ObjectReader): Resources {
  const limits = resources.objects("hugepageLimits", (item) => {
    requireKeys(item, ["pageSize", "limit"]);
    const pageSize = item.string("pageSize");
    const limit = item.int64("limit", UINT64) ?? 0;
    if (PAGE_SIZE.test(pageSize)) return { pageSize, limit };
    if (!item.has("pageSize")) return undefined;
    const message = `found ${quote(pageSize)}, wanted a number and KB, MB` +
      " or GB, such as 2MB";
    return item.findings.problem(item.at("pageSize"), message);
  });
  return compact<Resources>({
    hugetlbLimit: limits?.length === 0 ? undefined : limits,
  });
}

function readNetwork(resources: ObjectReader): Resources | undefined {
  return resources.object("network", (item) => {
    const priorities = item.objects("priorities", (entry) => {
      requireKeys(entry, ["name", "priority"]);
      return {
        interface: entry.string("name"),
        priority: entry.integer("priority", UINT32),
      };
    });
    return compact<Resources>({
      netClsClassid: item.integer("classID", UINT32) || undefined,
      netPrioIfpriomap: priorities?.length === 0 ? undefined : priorities,
    });
  });
}

function readRdma(resources: ObjectReader): Resources {
  const limits = resources.namedObjects("rdma", (item, device) => {
    const read = (key: string): number | undefined =>
      item.has(key) ? item.integer(key, UINT32) : undefined;
    return compact<RdmaLimit>({
      device,
      hcaHandles: read("hcaHandles"),
      hcaObjects: read("hcaObjects"),
    });
  });
  return compact<Resources>({
    rdma: limits?.length === 0 ? undefined : limits,
  });
}

function readUnified(resources: ObjectReader): Resources {
  const unified = resources.stringMap("unified");
  return unified && Object.keys(unified).length > 0 ? { unified } : {};
}

/**
 * Reads `linux.resources` of an OCI config.json.
 *
 * @param linux The object `linux`.
 * @returns The limits, and the device rules, which there always are.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciResources } from "./oci_resources.ts";
 *
 * const text = { resources: { memory: { limit: 4096 }, pids: { limit: 0 } } };
 * const read = readOciResources(new ObjectReader(new Findings(), text, []));
 * assertEquals([read.memory, read.pidsLimit], [4096, undefined]);
 * ```
 */
export function readOciResources(linux: ObjectReader): Resources {
  return linux.object("resources", (resources) => ({
    ...readOciRules(resources),
    ...readMemory(resources),
    ...readCpu(resources),
    ...readPids(resources),
    ...readBlockIo(resources),
    ...readHugepages(resources),
    ...readNetwork(resources),
    ...readRdma(resources),
    ...readUnified(resources),
  })) ?? readOciRules(undefined);
}

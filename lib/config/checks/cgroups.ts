/**
 * Checks of cgroup paths and limits.
 *
 * @module
 */
import type { JsonPath } from "../json_scan.ts";
import { quote } from "../problems.ts";
import type { BlkioDevice, Cgroup, Config, Int64 } from "../types.ts";
import { type Check, hasControl, type Report } from "./report.ts";

const MAX_INT64 = 2n ** 63n - 1n;

/** Inclusive bounds of the limits; those with -1 take it as "no limit". */
const RANGES: readonly (readonly [keyof Cgroup, Int64, Int64])[] = [
  ["memory", -1, MAX_INT64],
  ["memoryReservation", -1, MAX_INT64],
  ["memorySwap", -1, MAX_INT64],
  ["kernelMemory", -1, MAX_INT64],
  ["kernelMemoryTcp", -1, MAX_INT64],
  ["memorySwappiness", 0, 100],
  ["cpuShares", 2, 262144],
  ["cpuQuota", -1, MAX_INT64],
  ["cpuPeriod", 1000, 1_000_000],
  ["cpuRtRuntime", -1, MAX_INT64],
  ["cpuRtPeriod", 1, MAX_INT64],
  ["cpuBurst", 0, MAX_INT64],
  ["cpuIdle", 0, 1],
  ["pidsLimit", -1, MAX_INT64],
  ["blkioWeight", 10, 1000],
  ["netClsClassid", 0, 0xffffffff],
];
const MIN_QUOTA = 1000;

function checkPlace({ cgroups }: Config, report: Report): void {
  for (const key of ["name", "parent"] as const) {
    const path = cgroups?.[key] ?? "";
    if (path.split("/").some((part) => part === ".." || part === ".")) {
      report(["cgroups", key], `found ${quote(path)}, wanted no . or ..`);
    } else if (hasControl(path) || path.length > 4095) {
      report(["cgroups", key], "holds a control character, or is too long");
    }
  }
  const slice = cgroups?.slice ?? "";
  if (slice !== "" && !/^[\w:.@\\-]+$/.test(slice)) {
    report(["cgroups", "slice"], `found ${quote(slice)}, wanted a unit name`);
  }
}

function checkRanges({ cgroups }: Config, report: Report): void {
  for (const [key, min, max] of RANGES) {
    const value = cgroups?.[key];
    if (typeof value !== "number" && typeof value !== "bigint") continue;
    const isInteger = typeof value === "bigint" || Number.isInteger(value);
    if (isInteger && value >= min && value <= max) continue;
    const none = min === -1 ? " (-1 is no limit)" : "";
    const wanted = `wanted a whole number from ${min} to ${max}${none}`;
    report(["cgroups", key], `found ${value}, ${wanted}`);
  }
  const { cpuQuota = -1, cpuBurst = 0 } = cgroups ?? {};
  if (cpuBurst > 0 && cpuQuota > 0 && cpuBurst > cpuQuota) {
    const message = `found ${cpuBurst}, wanted no more than cpuQuota, ` +
      `${cpuQuota}`;
    report(["cgroups", "cpuBurst"], message);
  }
  if (cpuQuota > 0 && cpuQuota < MIN_QUOTA) {
    const message = `found ${cpuQuota}, wanted ${MIN_QUOTA} us or more`;
    report(["cgroups", "cpuQuota"], message);
  }
}

function checkSwap({ cgroups }: Config, report: Report): void {
  const { memory = 0, memorySwap = 0 } = cgroups ?? {};
  if (memorySwap > 0 && memory > 0 && memorySwap < memory) {
    const message =
      `${memorySwap} is memory and swap together, so it cannot be` +
      ` less than memory, ${memory}`;
    report(["cgroups", "memorySwap"], message);
  } else if (memorySwap > 0 && memory <= 0) {
    report(["cgroups", "memorySwap"], "needs memory to be set as well");
  }
}

function checkSets({ cgroups }: Config, report: Report): void {
  for (const key of ["cpusetCpus", "cpusetMems"] as const) {
    const list = cgroups?.[key] ?? "";
    if (list !== "" && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) {
      report(
        ["cgroups", key],
        `found ${quote(list)}, wanted a list like 0-1,3`,
      );
    }
  }
}

function checkBlkio(
  at: JsonPath,
  devices: readonly BlkioDevice[],
  report: Report,
): void {
  for (const [index, { major, minor, value }] of devices.entries()) {
    const isDevice = major >= 0 && major <= 0xfff && minor >= 0 &&
      minor <= 0xfffff;
    if (!isDevice) report([...at, index], "wanted the numbers of a device");
    if (at.includes("blkioWeightDevice") && (value < 10 || value > 1000)) {
      report([...at, index], `found ${value}, wanted a weight of 10 to 1000`);
    } else if (value < 0) {
      report(
        [...at, index],
        `found ${value}, wanted a rate, or 0 for no limit`,
      );
    }
  }
}

function checkDeviceLimits({ cgroups }: Config, report: Report): void {
  const keys = [
    "blkioWeightDevice",
    "blkioThrottleReadBpsDevice",
    "blkioThrottleWriteBpsDevice",
    "blkioThrottleReadIopsDevice",
    "blkioThrottleWriteIopsDevice",
  ] as const;
  for (const key of keys) {
    checkBlkio(["cgroups", key], cgroups?.[key] ?? [], report);
  }
  for (const [index, limit] of (cgroups?.hugetlbLimit ?? []).entries()) {
    if (/^\d+[KMG]B$/.test(limit.pageSize) && limit.limit >= 0) continue;
    const found = quote(limit.pageSize);
    const message = `found ${found}, wanted a page size like 2MB and a limit`;
    report(["cgroups", "hugetlbLimit", index], message);
  }
  for (const [index, entry] of (cgroups?.netPrioIfpriomap ?? []).entries()) {
    if (/^[^\s/]{1,15}$/.test(entry.interface) && entry.priority >= 0) continue;
    const message = "wanted an interface and a priority of 0 or more";
    report(["cgroups", "netPrioIfpriomap", index], message);
  }
}

function checkRdma({ cgroups }: Config, report: Report): void {
  const seen = new Set<string>();
  for (const [index, limit] of (cgroups?.rdma ?? []).entries()) {
    const { device, hcaHandles, hcaObjects } = limit;
    const at = ["cgroups", "rdma", index];
    // It becomes a word of a line that the kernel splits.
    if (!/^[\w.:-]{1,63}$/.test(device)) {
      report([...at, "device"], `found ${quote(device)}, wanted a device`);
    } else if (seen.has(device)) report(at, `${device} is listed twice`);
    seen.add(device);
    const counts = [hcaHandles, hcaObjects].filter((count) =>
      count !== undefined
    );
    const isRange = counts.every((count) =>
      Number.isInteger(count) && count >= 0 && count <= 0xffffffff
    );
    if (!isRange) report(at, "wanted numbers of 32 bits");
  }
}

/** Files of a group that are no controller's would move or kill processes. */
function checkUnified({ cgroups }: Config, report: Report): void {
  for (const [file, value] of Object.entries(cgroups?.unified ?? {})) {
    const at = ["cgroups", "unified", file];
    if (!/^[a-z_]+(\.\w+)+$/.test(file) || file.startsWith("cgroup.")) {
      report(at, "wanted the name of a controller's file, like memory.high");
    } else if (hasControl(value.replaceAll("\n", "")) || value.length > 4095) {
      report(at, "holds a control character, or is too long");
    }
  }
}

/** Checks of cgroup paths and limits. */
export const CGROUP_CHECKS: readonly Check[] = [
  { name: "cgroup paths stay below their parent", run: checkPlace },
  { name: "limits are in range", run: checkRanges },
  { name: "memory and swap fit together", run: checkSwap },
  { name: "CPU and node lists can be read", run: checkSets },
  {
    name: "device, page and interface limits are valid",
    run: checkDeviceLimits,
  },
  { name: "limits of RDMA devices are valid", run: checkRdma },
  { name: "files of version 2 are controllers'", run: checkUnified },
];

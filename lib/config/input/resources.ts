/**
 * Shapes of devices, cgroups and their limits.
 *
 * @module
 */
import { defaultAllowedDevices } from "../defaults.ts";
import type { JsonPath } from "../json_scan.ts";
import type { Findings } from "../problems.ts";
import type {
  BlkioDevice,
  Cgroup,
  Device,
  HugepageLimit,
  IfPrioMap,
  RdmaLimit,
  Resources,
} from "../types.ts";
import {
  type Fields,
  FLAG,
  INTEGER,
  INTEGER64,
  list,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
  TEXTS,
} from "./shape.ts";

const NODE_MODE = 0o666;

/** One device node, or a rule of the device cgroup: that has no path. */
export const DEVICE: Shape<Device> = record<Device>({
  type: required(oneOf(["c", "b", "p", "a"], "type of device")),
  path: or(TEXT, ""),
  major: required(INTEGER),
  minor: required(INTEGER),
  permissions: or(TEXT, "rwm"),
  fileMode: or(
    INTEGER,
    (device: Partial<Device>) => device.path ? NODE_MODE : 0,
  ),
  uid: or(INTEGER, 0),
  gid: or(INTEGER, 0),
});

const RATES: Shape<readonly BlkioDevice[]> = list(
  record<BlkioDevice>({
    major: required(INTEGER),
    minor: required(INTEGER),
    value: required(INTEGER64),
  }),
);

const LIMITS: Fields<Resources> = {
  allowAllDevices: FLAG,
  allowedDevices: list(DEVICE),
  deniedDevices: list(DEVICE),
  memory: INTEGER64,
  memoryReservation: INTEGER64,
  memorySwap: INTEGER64,
  kernelMemory: INTEGER64,
  kernelMemoryTcp: INTEGER64,
  memorySwappiness: INTEGER,
  oomKillDisable: FLAG,
  cpuShares: INTEGER64,
  cpuQuota: INTEGER64,
  cpuPeriod: INTEGER64,
  cpuRtRuntime: INTEGER64,
  cpuRtPeriod: INTEGER64,
  cpusetCpus: TEXT,
  cpusetMems: TEXT,
  pidsLimit: INTEGER64,
  blkioWeight: INTEGER,
  blkioWeightDevice: RATES,
  blkioThrottleReadBpsDevice: RATES,
  blkioThrottleWriteBpsDevice: RATES,
  blkioThrottleReadIopsDevice: RATES,
  blkioThrottleWriteIopsDevice: RATES,
  hugetlbLimit: list(record<HugepageLimit>({
    pageSize: required(TEXT),
    limit: required(INTEGER64),
  })),
  rdma: list(record<RdmaLimit>({
    device: required(TEXT),
    hcaHandles: INTEGER,
    hcaObjects: INTEGER,
  })),
  netPrioIfpriomap: list(record<IfPrioMap>({
    interface: required(TEXT),
    priority: required(INTEGER),
  })),
  netClsClassid: INTEGER,
  freezer: oneOf(["", "FROZEN", "THAWED"], "freezer state"),
  cpuBurst: INTEGER64,
  cpuIdle: oneOf([0, 1], "setting"),
  unified: TEXTS,
};

/** Limits alone, as they are changed. */
export const RESOURCES: Shape<Resources> = record<Resources>(LIMITS);

const PLACED: Shape<Cgroup> = record<Cgroup>({
  ...LIMITS,
  name: or(TEXT, ""),
  parent: or(TEXT, "nsinit"),
  slice: TEXT,
});

function readGroup(
  value: unknown,
  path: JsonPath,
  findings: Findings,
): Cgroup | undefined {
  const group = PLACED(value, path, findings);
  const isSilent = group && group.allowAllDevices === undefined &&
    group.allowedDevices === undefined && group.deniedDevices === undefined;
  return isSilent ? { ...group, allowedDevices: defaultAllowedDevices } : group;
}

/**
 * Where the groups are, and the limits. Without a word about devices they get
 * the default list, as a container.json does: with none at all not even
 * /dev/null could be opened.
 */
export const CGROUP: Shape<Cgroup> = readGroup;

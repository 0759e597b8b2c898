/**
 * The place of the groups and the limits in the JSON Schema.
 *
 * @module
 */
import type { Json } from "../../lib/config/json.ts";
import {
  boolean,
  either,
  int32,
  integer,
  type Key,
  type Keys,
  limit,
  listOf,
  matching,
  object,
  type ObjectShape,
  oneOf,
  string,
  stringMap,
  uint32,
  uint64,
} from "./shapes.ts";

const MAX_UINT64 = 2n ** 64n - 1n;

function limitKey(member: string, example: Json, needs?: string): Key {
  const key = { shape: limit, member: `Resources.${member}`, default: 0 };
  return { ...key, example, ...needs === undefined ? {} : { needs } };
}

/** One device as text, or a list. */
function blockDevices(
  member: string,
  item: "WeightDevice" | "RateDevice",
  value: number,
): Key {
  return {
    shape: either(
      listOf(object(item)),
      matching("^([0-9]{1,7}:[0-9]{1,7} [0-9]{1,19})?$"),
    ),
    member: `Resources.${member}`,
    text: "One device may be written as `MAJOR:MINOR VALUE`.",
    default: [],
    example: `8:0 ${value}`,
    needs: "the blkio or io controller",
  };
}

const rate = (member: string): Key =>
  blockDevices(member, "RateDevice", 1048576);

const devices = listOf(object("Device"));
const rule: Json = {
  type: 99,
  major: 1,
  minor: 3,
  permissions: "rwm",
};

const PLACE: Keys = {
  name: {
    shape: string,
    member: "Cgroup.name",
    default: "",
    example: "web",
  },
  parent: {
    shape: string,
    member: "Cgroup.parent",
    text: "`nsinit` without `cgroups`.",
    default: "",
    example: "nsinit",
  },
  path: {
    shape: string,
    text: "Parent and name together, as early runc wrote them.",
    isDeprecated: true,
    example: "/nsinit/web",
  },
  scope_prefix: {
    shape: string,
    text: "Not used; a warning tells so.",
    isDeprecated: true,
    example: "",
  },
  paths: {
    shape: { type: "object", maxProperties: 0 },
    text:
      "Groups to join, by controller: not carried out, so it must be empty.",
    isDeprecated: true,
    example: {},
  },
  slice: {
    shape: string,
    member: "Cgroup.slice",
    default: "",
    example: "machine.slice",
    needs: "systemd",
  },
};

const DEVICES: Keys = {
  allow_all_devices: {
    shape: boolean,
    member: "Resources.allowAllDevices",
    default: false,
    example: true,
  },
  device_access: {
    shape: boolean,
    text: "As `allow_all_devices`, in the spelling of February 2014.",
    isDeprecated: true,
    example: true,
  },
  allowed_devices: {
    shape: devices,
    member: "Resources.allowedDevices",
    text: "The template's rules when absent.",
    example: [rule],
  },
  denied_devices: {
    shape: devices,
    member: "Resources.deniedDevices",
    default: [],
    example: [rule],
  },
};

const MEMORY: Keys = {
  memory: limitKey("memory", 268435456),
  memory_reservation: limitKey("memoryReservation", 134217728),
  memory_swap: limitKey("memorySwap", 536870912, "swap accounting"),
  kernel_memory: limitKey(
    "kernelMemory",
    67108864,
    "before Linux 5.16, or `memory` at most as large",
  ),
  kernel_memory_tcp: limitKey("kernelMemoryTcp", 16777216, "cgroup v1"),
  memory_swappiness: {
    shape: either(
      integer({ min: -1, max: 100 }),
      { type: "integer", const: MAX_UINT64 },
    ),
    member: "Resources.memorySwappiness",
    text: "-1, and 2^64 - 1 as early runc wrote it, leave the kernel's.",
    default: -1,
    example: 60,
    needs: "cgroup v1",
  },
  oom_kill_disable: {
    shape: boolean,
    member: "Resources.oomKillDisable",
    default: false,
    example: true,
    needs: "cgroup v1",
  },
};

const CPU: Keys = {
  cpu_shares: limitKey("cpuShares", 1024),
  cpu_quota: limitKey("cpuQuota", 50000),
  cpu_period: limitKey("cpuPeriod", 100000),
  cpu_rt_quota: limitKey(
    "cpuRtRuntime",
    10000,
    "cgroup v1, a kernel with real-time groups",
  ),
  cpu_rt_period: limitKey(
    "cpuRtPeriod",
    1000000,
    "cgroup v1, a kernel with real-time groups",
  ),
  cpu_burst: {
    shape: uint64,
    member: "Resources.cpuBurst",
    default: 0,
    example: 20000,
    needs: "Linux 5.14",
  },
  cpu_idle: {
    shape: oneOf([0, 1]),
    member: "Resources.cpuIdle",
    example: 1,
    needs: "Linux 5.15",
  },
  cpuset_cpus: {
    shape: string,
    member: "Resources.cpusetCpus",
    default: "",
    example: "0-1,3",
  },
  cpuset_mems: {
    shape: string,
    member: "Resources.cpusetMems",
    default: "",
    example: "0",
  },
  pids_limit: limitKey("pidsLimit", 100, "the pids controller, Linux 4.3"),
};

const BLOCK: Keys = {
  blkio_weight: {
    shape: uint32,
    member: "Resources.blkioWeight",
    text: "0 leaves the kernel's.",
    default: 0,
    example: 500,
    needs: "the BFQ scheduler or io.cost",
  },
  blkio_leaf_weight: {
    shape: uint32,
    text: "Not used: it went with the scheduler that knew it, in Linux 5.0.",
    isDeprecated: true,
    example: 500,
  },
  blkio_weight_device: blockDevices("blkioWeightDevice", "WeightDevice", 300),
  blkio_throttle_read_bps_device: rate("blkioThrottleReadBpsDevice"),
  blkio_throttle_write_bps_device: rate("blkioThrottleWriteBpsDevice"),
  blkio_throttle_read_iops_device: rate("blkioThrottleReadIopsDevice"),
  blkio_throttle_write_iops_device: rate("blkioThrottleWriteIopsDevice"),
};

const OTHER: Keys = {
  freezer: {
    shape: oneOf(["", "FROZEN", "THAWED"]),
    member: "Resources.freezer",
    default: "",
    example: "FROZEN",
  },
  hugetlb_limit: {
    shape: listOf(object("HugepageLimit")),
    member: "Resources.hugetlbLimit",
    default: [],
    example: [{ page_size: "2MB", limit: 4194304 }],
    needs: "the hugetlb controller",
  },
  rdma: {
    shape: listOf(object("RdmaLimit")),
    member: "Resources.rdma",
    default: [],
    example: [{ device: "mlx5_1", hca_handles: 3 }],
    needs: "the rdma controller",
  },
  net_prio_ifpriomap: {
    shape: listOf(object("IfPrioMap")),
    member: "Resources.netPrioIfpriomap",
    default: [],
    example: [{ interface: "eth0", priority: 5 }],
    needs: "cgroup v1",
  },
  net_cls_classid: {
    shape: matching("^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})?$"),
    member: "Resources.netClsClassid",
    default: "",
    example: "0x100001",
    needs: "cgroup v1",
  },
  net_cls_classid_u: {
    shape: uint32,
    text: "As `net_cls_classid`, as a number.",
    isDeprecated: true,
    example: 1048577,
  },
  unified: {
    shape: stringMap,
    member: "Resources.unified",
    default: {},
    example: { "memory.high": "200M" },
    needs: "cgroup v2",
  },
};

function blockDevice(value: "weight" | "rate", example: number): ObjectShape {
  return {
    model: "BlkioDevice",
    keys: {
      major: {
        shape: int32,
        member: "BlkioDevice.major",
        default: 0,
        example: 8,
      },
      minor: {
        shape: int32,
        member: "BlkioDevice.minor",
        default: 0,
        example: 0,
      },
      [value]: {
        shape: uint64,
        member: "BlkioDevice.value",
        default: 0,
        example,
      },
      leafWeight: {
        shape: uint32,
        text: "Not used.",
        isDeprecated: true,
        example: 0,
      },
    },
  };
}

/** Definitions of this part. */
export const CGROUP_OBJECTS: Readonly<Record<string, ObjectShape>> = {
  Cgroup: {
    model: "Cgroup",
    keys: { ...PLACE, ...DEVICES, ...MEMORY, ...CPU, ...BLOCK, ...OTHER },
  },
  WeightDevice: blockDevice("weight", 300),
  RateDevice: blockDevice("rate", 1048576),
  HugepageLimit: {
    model: "HugepageLimit",
    keys: {
      page_size: {
        shape: string,
        member: "HugepageLimit.pageSize",
        isRequired: true,
        example: "2MB",
      },
      limit: {
        shape: uint64,
        member: "HugepageLimit.limit",
        default: 0,
        example: 4194304,
      },
    },
  },
  RdmaLimit: {
    model: "RdmaLimit",
    keys: {
      device: {
        shape: string,
        member: "RdmaLimit.device",
        isRequired: true,
        example: "mlx5_1",
      },
      hca_handles: {
        shape: uint32,
        member: "RdmaLimit.hcaHandles",
        example: 3,
      },
      hca_objects: {
        shape: uint32,
        member: "RdmaLimit.hcaObjects",
        example: 10000,
      },
    },
  },
  IfPrioMap: {
    model: "IfPrioMap",
    keys: {
      interface: {
        shape: string,
        member: "IfPrioMap.interface",
        default: "",
        example: "eth0",
      },
      priority: {
        shape: int32,
        member: "IfPrioMap.priority",
        default: 0,
        example: 5,
      },
    },
  },
};

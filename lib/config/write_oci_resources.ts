/**
 * Limits as `linux.resources` of an OCI config.json.
 *
 * @module
 */
import { OCI_ALLOWED_DEVICES } from "./dialects/oci_devices.ts";
import type { Json, JsonObject } from "./json.ts";
import { compact } from "./reading.ts";
import type { BlkioDevice, Cgroup, Device } from "./types.ts";
import type { WarningSink } from "./write_seccomp.ts";

/** An object without its missing members; nothing when all are missing. */
function section(
  members: Readonly<Record<string, Json | undefined>>,
): JsonObject | undefined {
  const present = Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]]
  );
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

/** -1 stands for any number, which OCI says by leaving it out. */
function writeRule(device: Device, allow: boolean): JsonObject {
  const { type, major, minor, permissions } = device;
  return {
    allow,
    type,
    ...major < 0 ? {} : { major },
    ...minor < 0 ? {} : { minor },
    access: permissions,
  };
}

function writeRules(cgroup: Cgroup): Json[] {
  const { allowAllDevices: allow = false } = cgroup;
  const exceptions = allow ? cgroup.deniedDevices : cgroup.allowedDevices;
  return [
    { allow, access: "rwm" },
    ...(exceptions ?? []).map((device) => writeRule(device, !allow)),
  ];
}

function writeDevices(
  devices: readonly BlkioDevice[] | undefined,
  key: "weight" | "rate",
): Json | undefined {
  return devices?.map(({ major, minor, value }) => ({
    major,
    minor,
    [key]: value,
  }));
}

function writeBlockIo(cgroup: Cgroup): JsonObject | undefined {
  return section({
    weight: cgroup.blkioWeight,
    weightDevice: writeDevices(cgroup.blkioWeightDevice, "weight"),
    throttleReadBpsDevice: writeDevices(
      cgroup.blkioThrottleReadBpsDevice,
      "rate",
    ),
    throttleWriteBpsDevice: writeDevices(
      cgroup.blkioThrottleWriteBpsDevice,
      "rate",
    ),
    throttleReadIOPSDevice: writeDevices(
      cgroup.blkioThrottleReadIopsDevice,
      "rate",
    ),
    throttleWriteIOPSDevice: writeDevices(
      cgroup.blkioThrottleWriteIopsDevice,
      "rate",
    ),
  });
}

function writeMemory(cgroup: Cgroup): JsonObject | undefined {
  return section({
    limit: cgroup.memory,
    reservation: cgroup.memoryReservation,
    swap: cgroup.memorySwap,
    kernel: cgroup.kernelMemory,
    kernelTCP: cgroup.kernelMemoryTcp,
    swappiness: cgroup.memorySwappiness,
    disableOOMKiller: cgroup.oomKillDisable,
  });
}

function writeCpu(cgroup: Cgroup): JsonObject | undefined {
  return section({
    shares: cgroup.cpuShares,
    quota: cgroup.cpuQuota,
    period: cgroup.cpuPeriod,
    realtimeRuntime: cgroup.cpuRtRuntime,
    realtimePeriod: cgroup.cpuRtPeriod,
    burst: cgroup.cpuBurst,
    idle: cgroup.cpuIdle,
    cpus: cgroup.cpusetCpus,
    mems: cgroup.cpusetMems,
  });
}

function writeRdma({ rdma }: Cgroup): JsonObject | undefined {
  return rdma && Object.fromEntries(
    rdma.map(({ device, ...limits }) => [device, limits]),
  );
}

function same(left: Device, right: Device): boolean {
  return left.type === right.type && left.major === right.major &&
    left.minor === right.minor;
}

/** OCI runtimes add rules of their own, which nothing can take back. */
function warnRules(cgroup: Cgroup, warn: WarningSink): void {
  if (cgroup.allowAllDevices) return;
  const { allowedDevices = [] } = cgroup;
  const added = OCI_ALLOWED_DEVICES.filter((device) =>
    [...device.permissions].some((letter) =>
      !allowedDevices.some((rule) =>
        same(rule, device) && rule.permissions.includes(letter)
      )
    )
  );
  if (added.length === 0) return;
  const names = added.map(({ major, minor }) =>
    [major, minor].map((number) => number < 0 ? "*" : number).join(":")
  );
  warn(`devices ${names.join(", ")} are allowed by every OCI runtime`);
}

/**
 * Turns limits into `linux.resources`.
 *
 * Pure. A limit that is not set is left out.
 *
 * @param cgroup The limits.
 * @param warn Takes a sentence for each setting that is lost.
 * @returns The JSON value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeOciResources } from "./write_oci_resources.ts";
 *
 * const cgroup = { name: "a", parent: "b", memory: 4096 };
 * const json = writeOciResources(cgroup, () => {});
 * assertEquals(json["memory"], { limit: 4096 });
 * ```
 */
export function writeOciResources(
  cgroup: Cgroup,
  warn: WarningSink,
): JsonObject {
  if (cgroup.freezer === "FROZEN") warn("cgroups.freezer is left out");
  warnRules(cgroup, warn);
  const { pidsLimit: limit } = cgroup;
  return compact<Record<string, Json>>({
    devices: writeRules(cgroup),
    ...section({
      memory: writeMemory(cgroup),
      cpu: writeCpu(cgroup),
      pids: limit === undefined ? undefined : { limit },
      blockIO: writeBlockIo(cgroup),
      unified: cgroup.unified,
      hugepageLimits: cgroup.hugetlbLimit?.map(({ pageSize, limit }) => ({
        pageSize,
        limit,
      })),
      rdma: writeRdma(cgroup),
      network: section({
        classID: cgroup.netClsClassid,
        priorities: cgroup.netPrioIfpriomap?.map((entry) => ({
          name: entry.interface,
          priority: entry.priority,
        })),
      }),
    }),
  });
}

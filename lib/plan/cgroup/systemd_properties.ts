/**
 * Limits -> properties of a systemd unit, so that systemd, which writes the
 * files it knows again now and then, writes the same. Pure.
 *
 * Worked out from the writes of the planner: a limit's meaning is said once.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import { HostError } from "../../errors.ts";
import type { DevicePolicy, DeviceRule } from "./devices.ts";
import { DEVICE_ACCESS } from "./devices.ts";
import type { LimitWrite } from "./types.ts";

/** What a write says, for the properties: file and text. */
export type WrittenFile = Pick<LimitWrite, "file" | "value">;

const MICROSECONDS = 1_000_000n;
const DEFAULT_PERIOD = "100000";
/** All runtimes tell systemd whole percents of a CPU, which is what it had at first. */
const STEP_US = 10_000n;

/** Files that hold one number, or no limit, with the property of the same meaning. */
const PLAIN: Readonly<Record<string, string>> = {
  "memory.max": "MemoryMax",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "memory.zswap.max": "MemoryZSwapMax",
  "memory.limit_in_bytes": "MemoryLimit",
  "pids.max": "TasksMax",
  "cpu.weight": "CPUWeight",
  "cpu.shares": "CPUShares",
  "cpuset.cpus": "AllowedCPUs",
  "cpuset.mems": "AllowedMemoryNodes",
  "blkio.weight": "BlockIOWeight",
  "blkio.bfq.weight": "BlockIOWeight",
};

/** Files with a line for each block device. */
const KEYED: Readonly<Record<string, string>> = {
  "blkio.throttle.read_bps_device": "BlockIOReadBandwidth",
  "blkio.throttle.write_bps_device": "BlockIOWriteBandwidth",
  "blkio.weight_device": "BlockIODeviceWeight",
};

/** Keys of `io.max`. */
const IO_MAX: Readonly<Record<string, string>> = {
  rbps: "IOReadBandwidthMax",
  wbps: "IOWriteBandwidthMax",
  riops: "IOReadIOPSMax",
  wiops: "IOWriteIOPSMax",
};

function amount(text: string): string {
  return text === "max" || text.startsWith("-") ? "infinity" : text;
}

/** Quota per second, rounded up to what systemd can keep, so that it is never less. */
function quotaPerSecond(quota: bigint, period: bigint): bigint {
  const unit = period * STEP_US;
  return (quota * MICROSECONDS + unit - 1n) / unit * STEP_US;
}

/**
 * Rounds a CPU quota up to what systemd keeps. It writes that again whenever it
 * writes the files of a unit: so it holds from the beginning. Pure.
 *
 * @param resources Limits; the quota in microseconds a period.
 * @returns The same with that quota.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { withKeptQuota } from "./systemd_properties.ts";
 *
 * const asked = { cpuQuota: 500_000, cpuPeriod: 900_000 };
 * assertEquals(withKeptQuota(asked), { cpuQuota: 504_000n, cpuPeriod: 900_000 });
 * ```
 */
export function withKeptQuota<T extends Resources>(
  resources: T,
): Omit<T, "cpuQuota"> & Pick<Resources, "cpuQuota"> {
  const quota = BigInt(resources.cpuQuota ?? 0);
  const period = BigInt(resources.cpuPeriod || DEFAULT_PERIOD);
  if (quota <= 0n || period <= 0n) return resources;
  const kept = quotaPerSecond(quota, period) * period / MICROSECONDS;
  return { ...resources, cpuQuota: kept };
}

function bandwidth(quota: string, period: string): string[] {
  const isFree = quota === "max" || quota.startsWith("-");
  const perSecond = quotaPerSecond(BigInt(isFree ? 0 : quota), BigInt(period));
  return [
    `CPUQuotaPerSecUSec=${isFree ? "infinity" : perSecond}`,
    `CPUQuotaPeriodUSec=${period}`,
  ];
}

/** systemd thinks in `io.weight` and scales it down for BFQ; this is the way back. */
function fromBfqWeight(weight: string): string {
  const value = Number(weight);
  return String(value <= 100 ? value : 100 + (value - 100) * 11);
}

function ioWeight(file: string, value: string): string[] {
  const scale = file === "io.weight" ? String : fromBfqWeight;
  const match = /^(?:(\d+:\d+) )?(?:default )?(\d+|default)$/.exec(value);
  const [, device, weight = "default"] = match ?? [];
  const number = weight === "default" ? "100" : scale(weight);
  return device === undefined
    ? [`IOWeight=${number}`]
    : [`IODeviceWeight=/dev/block/${device} ${number}`];
}

function ioMax(value: string): string[] {
  const [device = "", ...limits] = value.split(" ");
  return limits.flatMap((limit) => {
    const [key = "", rate = "max"] = limit.split("=");
    const name = IO_MAX[key];
    return name === undefined
      ? []
      : [`${name}=/dev/block/${device} ${amount(rate)}`];
  });
}

function propertiesOfWrite({ file, value }: WrittenFile): string[] {
  const plain = PLAIN[file];
  if (plain !== undefined) return [`${plain}=${amount(value)}`];
  const keyed = KEYED[file];
  if (keyed !== undefined) {
    const [device = "", rate = "0"] = value.split(" ");
    // Version 1 lifts by 0.
    const limit = rate === "0" ? "infinity" : rate;
    return [`${keyed}=/dev/block/${device} ${limit}`];
  }
  switch (file) {
    case "cpu.max": {
      const [quota = "max", period = DEFAULT_PERIOD] = value.split(" ");
      return bandwidth(quota, period);
    }
    case "cpu.idle":
      // Since systemd 252 a weight of 0 is "idle".
      return value === "1" ? ["CPUWeight=0"] : ["CPUWeight=100"];
    case "io.weight":
    case "io.bfq.weight":
      return ioWeight(file, value);
    case "io.max":
      return ioMax(value);
    default:
      return [];
  }
}

/** Version 1 has quota and period in two files, systemd needs both. */
function bandwidthV1(writes: readonly WrittenFile[]): string[] {
  const find = (file: string): string | undefined =>
    writes.find((write) => write.file === file)?.value;
  const quota = find("cpu.cfs_quota_us");
  const period = find("cpu.cfs_period_us");
  if (quota === undefined && period === undefined) return [];
  return bandwidth(quota ?? "-1", period ?? DEFAULT_PERIOD);
}

/**
 * Turns writes into unit properties. Pure.
 *
 * Limits that systemd does not know give none: their files are ours alone.
 *
 * @param writes The writes in order; a later one of the same meaning wins.
 * @returns `Name=value`, in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { systemdProperties } from "./systemd_properties.ts";
 *
 * assertEquals(systemdProperties([{ file: "cpu.max", value: "50000 100000" }]), [
 *   "CPUQuotaPerSecUSec=500000",
 *   "CPUQuotaPeriodUSec=100000",
 * ]);
 * ```
 */
export function systemdProperties(writes: readonly WrittenFile[]): string[] {
  const all = [...writes.flatMap(propertiesOfWrite), ...bandwidthV1(writes)];
  const isList = (property: string): boolean => property.includes("/dev/");
  const nameOf = (property: string): string =>
    property.slice(0, property.indexOf("="));
  return all.filter((property, at) =>
    isList(property) ||
    !all.slice(at + 1).some((later) => nameOf(later) === nameOf(property))
  );
}

function accessText(access: number): string {
  return (["r", "w", "m"] as const)
    .filter((letter) => (access & DEVICE_ACCESS[letter]) !== 0).join("");
}

function allowedDevice(rule: DeviceRule): string[] {
  const { type, major, minor, access } = rule;
  if (type === "a") {
    return (["c", "b"] as const)
      .flatMap((each) => allowedDevice({ ...rule, type: each }));
  }
  const [directory, group] = type === "c"
    ? ["char", "char"]
    : ["block", "block"];
  if (major >= 0 && minor >= 0) {
    return [`/dev/${directory}/${major}:${minor} ${accessText(access)}`];
  }
  if (minor < 0) {
    return [`${group}-${major < 0 ? "*" : major} ${accessText(access)}`];
  }
  throw new HostError(
    `Cannot keep a device rule for any major number and minor ${minor} with systemd on cgroup v1, which knows no such rule; name the major number, or use the cgroupfs driver`,
  );
}

/**
 * Turns device rules into unit properties, for version 1, where systemd writes
 * the files of the devices controller itself. Pure.
 *
 * @param policy The rules.
 * @returns `Name=value`; the empty one clears what was there before.
 * @throws {HostError} `HostUnsupported` for rules that systemd does not know.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deviceProperties } from "./systemd_properties.ts";
 *
 * const rule = { type: "c", major: 1, minor: 3, access: 6 } as const;
 * assertEquals(deviceProperties({ allow: false, rules: [rule] }), [
 *   "DevicePolicy=strict",
 *   "DeviceAllow=",
 *   "DeviceAllow=/dev/char/1:3 rw",
 * ]);
 * ```
 */
export function deviceProperties({ allow, rules }: DevicePolicy): string[] {
  if (allow && rules.length > 0) {
    throw new HostError(
      "Cannot allow all devices but some with systemd on cgroup v1: it only knows what is allowed; list allowedDevices, or use the cgroupfs driver",
    );
  }
  return [
    `DevicePolicy=${allow ? "auto" : "strict"}`,
    "DeviceAllow=",
    ...rules.flatMap(allowedDevice).map((entry) => `DeviceAllow=${entry}`),
  ];
}

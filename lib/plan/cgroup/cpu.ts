/**
 * CPU limits -> files of the cpu controller.
 *
 * @module
 */
import type { Int64, Resources } from "../../config/types.ts";
import { refuse } from "../refusal.ts";
import {
  type CgroupVersion,
  isSet,
  type LimitWrite,
  notInV2,
} from "./types.ts";

/** The kernel's default period in microseconds. */
const DEFAULT_PERIOD_US = 100_000;
/** Range of version 1 shares. */
const SHARES = { min: 2n, max: 262144n } as const;

/**
 * Converts version 1 shares to a version 2 weight. Pure.
 *
 * The formula is that of runc since 1.3.2, crun since 1.23 and Kubernetes: it maps
 * the least, the default and the greatest of version 1 to those of version 2. The
 * line that runtimes drew before made 39 of the default 1024, so that a container
 * got less than half of what processes beside it have that ask for nothing.
 *
 * @param shares Shares, 2 to 262144.
 * @returns The weight, 1 to 10000.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sharesToWeight } from "./cpu.ts";
 *
 * assertEquals([2, 1024, 262144].map(sharesToWeight), ["1", "100", "10000"]);
 * ```
 */
export function sharesToWeight(shares: Int64): string {
  const value = Number(shares);
  if (value <= Number(SHARES.min)) return "1";
  if (value >= Number(SHARES.max)) return "10000";
  const l = Math.log2(value);
  // A square function of the logarithm through the three points.
  return String(Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34)));
}

function write(
  limit: LimitWrite["limit"],
  file: string,
  value: Int64 | string,
): LimitWrite {
  return { limit, controller: "cpu", file, value: String(value) };
}

function shareWrites(
  { cpuShares }: Resources,
  version: CgroupVersion,
): LimitWrite[] {
  if (!isSet(cpuShares)) return [];
  const shares = BigInt(cpuShares);
  if (shares < SHARES.min || shares > SHARES.max) {
    throw refuse(
      "cgroups.cpuShares",
      `Cannot set CPU shares to ${cpuShares}: must be ${SHARES.min} to ${SHARES.max}`,
    );
  }
  return version === 1
    // Older kernels clamp instead of refusing: the original reads it back too.
    ? [{ ...write("cpuShares", "cpu.shares", cpuShares), verify: true }]
    : [write("cpuShares", "cpu.weight", sharesToWeight(cpuShares))];
}

/** A share of time: so much in each period; both in microseconds. */
interface Bandwidth {
  readonly quota: Int64 | undefined;
  readonly period: Int64 | undefined;
}

/** Parts of a CPU; no quota, or a negative one, is all of them. */
function ratio(quota: Int64 | undefined, period: Int64 | undefined): number {
  if (!isSet(quota) || BigInt(quota) < 0n) return Infinity;
  return Number(quota) / Number(period ?? DEFAULT_PERIOD_US);
}

/**
 * Whether the quota has to be written before the period: between the two writes
 * the kernel checks the mixture against the group above, so the smaller of the
 * two possible mixtures is taken. Without a quota in force every order will do.
 */
function isQuotaFirst(next: Bandwidth, now: Bandwidth): boolean {
  if (!isSet(now.quota)) return false;
  const { quota = now.quota, period = now.period } = next;
  return ratio(quota, now.period) < ratio(now.quota, period);
}

function quotaWrites(
  { cpuQuota, cpuPeriod }: Resources,
  version: CgroupVersion,
  current: Resources,
): LimitWrite[] {
  if (version === 1) {
    const period = isSet(cpuPeriod)
      ? [write("cpuPeriod", "cpu.cfs_period_us", cpuPeriod)]
      : [];
    const quota = isSet(cpuQuota)
      ? [write("cpuQuota", "cpu.cfs_quota_us", cpuQuota)]
      : [];
    const isReversed = isQuotaFirst(
      { quota: cpuQuota, period: cpuPeriod },
      { quota: current.cpuQuota, period: current.cpuPeriod },
    );
    return isReversed ? [...quota, ...period] : [...period, ...quota];
  }
  if (!isSet(cpuQuota) && !isSet(cpuPeriod)) return [];
  const quota = isSet(cpuQuota) && BigInt(cpuQuota) > 0n ? cpuQuota : "max";
  const period = isSet(cpuPeriod) ? cpuPeriod : DEFAULT_PERIOD_US;
  return [
    write(
      isSet(cpuQuota) ? "cpuQuota" : "cpuPeriod",
      "cpu.max",
      `${quota} ${period}`,
    ),
  ];
}

function realtimeWrites(
  { cpuRtPeriod, cpuRtRuntime }: Resources,
  version: CgroupVersion,
  current: Resources,
): LimitWrite[] {
  const period = isSet(cpuRtPeriod)
    ? [write("cpuRtPeriod", "cpu.rt_period_us", cpuRtPeriod)]
    : [];
  const runtime = isSet(cpuRtRuntime)
    ? [write("cpuRtRuntime", "cpu.rt_runtime_us", cpuRtRuntime)]
    : [];
  const isReversed = isQuotaFirst(
    { quota: cpuRtRuntime, period: cpuRtPeriod },
    { quota: current.cpuRtRuntime, period: current.cpuRtPeriod },
  );
  const writes = isReversed ? [...runtime, ...period] : [...period, ...runtime];
  const [first] = writes;
  if (version === 2 && first) {
    throw notInV2(first.limit, "leave cpuRtPeriod and cpuRtRuntime out");
  }
  return writes;
}

/** Time saved up above the quota; the kernel never lets it exceed the quota. */
function burstWrites(
  { cpuBurst }: Resources,
  version: CgroupVersion,
): LimitWrite[] {
  if (cpuBurst === undefined) return [];
  const file = version === 1 ? "cpu.cfs_burst_us" : "cpu.max.burst";
  return [write("cpuBurst", file, cpuBurst)];
}

/** An idle group takes no weight: it stops being idle first, and becomes so last. */
function idleWrites(
  { cpuIdle }: Resources,
  wanted: 0 | 1,
): LimitWrite[] {
  return cpuIdle === wanted ? [write("cpuIdle", "cpu.idle", wanted)] : [];
}

/**
 * Lists the writes for the CPU limits of a group. Pure.
 *
 * @param resources The limits: shares, quota, period and burst in microseconds.
 * @param version Version of the hierarchy that carries the controller.
 * @param current The limits in force, for a group that lives: they decide the
 * order, since every step has to be one that the kernel takes.
 * @returns The writes in order.
 * @throws {ConfigError} `ConfigInvalid` for shares out of range.
 * @throws {HostError} `HostUnsupported` for real-time limits on version 2.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cpuWrites } from "./cpu.ts";
 *
 * assertEquals(cpuWrites({ cpuQuota: 50_000 }, 2)[0]?.value, "50000 100000");
 * assertEquals(cpuWrites({ cpuShares: 512 }, 1)[0]?.verify, true);
 * ```
 */
export function cpuWrites(
  resources: Resources,
  version: CgroupVersion,
  current: Resources = {},
): LimitWrite[] {
  const burst = burstWrites(resources, version);
  const lowersBurst =
    BigInt(resources.cpuBurst ?? 0) < BigInt(current.cpuBurst ?? 0);
  return [
    ...idleWrites(resources, 0),
    ...shareWrites(resources, version),
    ...(lowersBurst ? burst : []),
    ...quotaWrites(resources, version, current),
    ...(lowersBurst ? [] : burst),
    ...realtimeWrites(resources, version, current),
    ...idleWrites(resources, 1),
  ];
}

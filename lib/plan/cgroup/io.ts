/**
 * Block IO limits -> files of blkio (version 1) and io (version 2).
 *
 * @module
 */
import type { BlkioDevice, Int64, Resources } from "../../config/types.ts";
import { HostError } from "../../errors.ts";
import { refuse } from "../refusal.ts";
import type { CgroupVersion, LimitWrite } from "./types.ts";

/** Range of weights in configurations. */
const WEIGHT = { min: 10n, max: 1000n } as const;

/** The four throttles: key, version 1 file, version 2 key of `io.max`. */
const THROTTLES = [
  ["blkioThrottleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"],
  ["blkioThrottleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"],
  ["blkioThrottleReadIopsDevice", "blkio.throttle.read_iops_device", "riops"],
  ["blkioThrottleWriteIopsDevice", "blkio.throttle.write_iops_device", "wiops"],
] as const;

/**
 * Converts a version 1 weight (10 to 1000) to `io.weight` (1 to 10000). Pure.
 *
 * @param weight The weight.
 * @returns The same proportion.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { blkioToIoWeight } from "./io.ts";
 *
 * assertEquals([10, 500, 1000].map(blkioToIoWeight), ["1", "4950", "10000"]);
 * ```
 */
export function blkioToIoWeight(weight: Int64): string {
  return String(1n + ((BigInt(weight) - WEIGHT.min) * 9999n) / 990n);
}

function checkWeight(weight: Int64, path: string): void {
  const value = BigInt(weight);
  if (value >= WEIGHT.min && value <= WEIGHT.max) return;
  throw refuse(
    path,
    `Cannot set block IO weight to ${weight}: must be ${WEIGHT.min} to ${WEIGHT.max}`,
  );
}

/** File of a device's weight: version 1 has a second one for it. */
function deviceWeightFile(file: string, version: CgroupVersion): string {
  return version === 1 ? `${file}_device` : file;
}

function weightWrites(
  { blkioWeight, blkioWeightDevice }: Resources,
  version: CgroupVersion,
  weightFile: string | undefined,
): LimitWrite[] {
  const controller = version === 1 ? "blkio" : "io";
  const writes: LimitWrite[] = [];
  const scale = weightFile === "io.weight" ? blkioToIoWeight : String;
  const file = weightFile ?? "";
  if (blkioWeight !== undefined && blkioWeight !== 0) {
    checkWeight(blkioWeight, "cgroups.blkioWeight");
    const value = scale(blkioWeight);
    writes.push({ limit: "blkioWeight", controller, file, value });
  }
  (blkioWeightDevice ?? []).forEach(({ major, minor, value }, index) => {
    // 0 takes the group's own weight again: how a running group is changed.
    const isDefault = BigInt(value) === 0n;
    if (!isDefault) {
      checkWeight(value, `cgroups.blkioWeightDevice[${index}].value`);
    }
    const own = version === 1 ? "0" : "default";
    writes.push({
      limit: "blkioWeightDevice",
      controller,
      file: deviceWeightFile(file, version),
      value: `${major}:${minor} ${isDefault ? own : scale(value)}`,
    });
  });
  const [first] = writes;
  if (first && weightFile === undefined) {
    throw new HostError(
      `Cannot apply the limit ${first.limit}: no scheduler of this host takes block IO weights; leave it out, or limit rates instead`,
      { context: { limit: first.limit } },
    );
  }
  return writes;
}

function throttleWrites(
  resources: Resources,
  version: CgroupVersion,
): LimitWrite[] {
  return THROTTLES.flatMap(([limit, file, key]) =>
    (resources[limit] ?? []).map((
      { major, minor, value }: BlkioDevice,
    ): LimitWrite =>
      version === 1
        ? {
          limit,
          controller: "blkio",
          file,
          value: `${major}:${minor} ${value}`,
        }
        : {
          limit,
          controller: "io",
          file: "io.max",
          // Version 1 lifts a throttle by 0, version 2 by "max".
          value: `${major}:${minor} ${key}=${
            BigInt(value) === 0n ? "max" : value
          }`,
        }
    )
  );
}

/**
 * Lists the writes for the block IO limits of a group. Pure.
 *
 * @param resources The limits: weights 10 to 1000, rates per second.
 * @param version Version of the hierarchy that carries the controller.
 * @param weightFile The file that takes weights on this host, e.g.
 * `blkio.bfq.weight` or `io.weight`.
 * @returns The writes in order.
 * @throws {ConfigError} `ConfigInvalid` for a weight out of range.
 * @throws {HostError} `HostUnsupported` for a weight where the host has none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ioWrites } from "./io.ts";
 *
 * const limit = { blkioThrottleReadBpsDevice: [{ major: 8, minor: 0, value: 1024 }] };
 * assertEquals(ioWrites(limit, 1)[0]?.value, "8:0 1024");
 * assertEquals(ioWrites(limit, 2)[0]?.value, "8:0 rbps=1024");
 * ```
 */
export function ioWrites(
  resources: Resources,
  version: CgroupVersion,
  weightFile?: string,
): LimitWrite[] {
  return [
    ...weightWrites(resources, version, weightFile),
    ...throttleWrites(resources, version),
  ];
}

/**
 * What `update` is told -> changes of limits, by the rules that clients of
 * runc's `update` know.
 *
 * @module
 */
import { readOciResources } from "../config/dialects/oci_resources.ts";
import { isJsonObject, parseJson } from "../config/json.ts";
import { ObjectReader } from "../config/object_reader.ts";
import {
  Findings,
  formatProblems,
  locateFindings,
} from "../config/problems.ts";
import { compact } from "../config/reading.ts";
import type { Int64, Resources } from "../config/types.ts";
import { ConfigError, UsageError } from "../errors.ts";
import { losesWeight } from "../plan/cgroup/merge.ts";
import { parseInt64, parseRamSize } from "./sizes.ts";

/** What is to change. */
export interface UpdateRequest {
  /** Limits; absent ones stay. */
  readonly resources: Resources;
  /** Whether a memory limit below what is in use is refused (version 2). */
  readonly checksMemory: boolean;
  /** What was asked for and is left out, one sentence each. */
  readonly warnings: readonly string[];
}

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n } as const;
const UINT64 = { min: 0n, max: 2n ** 64n - 1n } as const;
const WEIGHT = { min: 0n, max: 0xffffn } as const;
const IDLE = { min: 0n, max: 1n } as const;

type NumberKey =
  | "blkioWeight"
  | "cpuShares"
  | "cpuPeriod"
  | "cpuQuota"
  | "cpuBurst"
  | "cpuRtPeriod"
  | "cpuRtRuntime"
  | "pidsLimit";

/** Options that are numbers. */
const NUMBERS: readonly (readonly [
  string,
  NumberKey,
  { readonly min: bigint; readonly max: bigint },
])[] = [
  ["blkio-weight", "blkioWeight", WEIGHT],
  ["cpu-period", "cpuPeriod", UINT64],
  ["cpu-quota", "cpuQuota", INT64],
  ["cpu-share", "cpuShares", UINT64],
  ["cpu-rt-period", "cpuRtPeriod", UINT64],
  ["cpu-rt-runtime", "cpuRtRuntime", INT64],
  ["pids-limit", "pidsLimit", INT64],
];
/** Options that are sizes, -1 for no limit. */
const SIZES = [
  ["memory", "memory"],
  ["memory-reservation", "memoryReservation"],
  ["memory-swap", "memorySwap"],
] as const;
/** Options of kernels before 5.4. */
const IGNORED = ["kernel-memory", "kernel-memory-tcp"] as const;
const NO_WEIGHT =
  "unable to apply both cpu.idle and a CPU weight: an idle group has none";
const KERNEL_MEMORY = "Kernel memory settings are ignored and will be removed";

/** Members that an update of a live container changes; the others stay as they were. */
const CHANGEABLE = [
  "memory",
  "memoryReservation",
  "memorySwap",
  "cpuShares",
  "cpuQuota",
  "cpuPeriod",
  "cpuRtRuntime",
  "cpuRtPeriod",
  "cpuBurst",
  "cpuIdle",
  "cpusetCpus",
  "cpusetMems",
  "pidsLimit",
  "blkioWeight",
  "blkioWeightDevice",
  "blkioThrottleReadBpsDevice",
  "blkioThrottleWriteBpsDevice",
  "blkioThrottleReadIopsDevice",
  "blkioThrottleWriteIopsDevice",
  "hugetlbLimit",
  "unified",
] as const;

function pick(resources: Resources): Resources {
  const entries = CHANGEABLE.map((key) => [key, resources[key]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

/**
 * Reads the JSON of `update --resources`: `linux.resources` of a config.json, of
 * which what is absent, 0 or empty stays. Device rules, swappiness and the OOM
 * killer are not touched.
 *
 * @param text The text.
 * @param name Name of the file, for messages.
 * @returns What is to change.
 * @throws {ConfigError} `ConfigInvalid` with every fault found.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readUpdate } from "./update_resources.ts";
 *
 * const text = '{"memory":{"limit":4096},"cpu":{"cpus":""}}';
 * assertEquals((await readUpdate(text, "-")).resources, { memory: 4096 });
 * ```
 */
export async function readUpdate(
  text: string,
  name: string,
): Promise<UpdateRequest> {
  const json = await parseJson(text, name);
  const findings = new Findings({ ignoresUnknownKeys: true });
  if (!isJsonObject(json)) {
    const problem = { path: "", message: "wanted a JSON object" };
    throw new ConfigError(formatProblems(name, [problem]), [problem]);
  }
  // Rules of devices are no part of an update, whatever they say.
  const { devices: _, ...resources } = json;
  const read = readOciResources(new ObjectReader(findings, { resources }, []));
  if (findings.problems.length > 0) {
    const located = locateFindings(
      text.replace(/^\uFEFF/, ""),
      findings.problems.map((problem) => ({
        ...problem,
        path: problem.path.slice(1),
      })),
    );
    throw new ConfigError(formatProblems(name, located), located);
  }
  const { memory, cpu } = json;
  // In a config.json it means none; here it takes away what was there.
  const endsBurst = isJsonObject(cpu) && cpu["burst"] === 0;
  const { kernelMemory, kernelMemoryTcp } = read;
  return {
    resources: { ...pick(read), ...endsBurst && { cpuBurst: 0 } },
    checksMemory: isJsonObject(memory) && memory["checkBeforeUpdate"] === true,
    warnings: [
      ...findings.warnings.map(({ message }) => message),
      ...kernelMemory || kernelMemoryTcp ? [KERNEL_MEMORY] : [],
      ...losesWeight(read) ? [NO_WEIGHT] : [],
    ],
  };
}

function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`invalid value for ${name}: ${error.message}`);
  }
}

function sizeOf(text: string): Int64 {
  return text === "-1" ? -1 : parseRamSize(text);
}

/**
 * Reads the options of `update`. Pure.
 *
 * @param valueOf Text of an option by its name; undefined or empty where it is
 * not given.
 * @returns What is to change.
 * @throws {UsageError} `UsageInvalid` for a value that cannot be.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { updateOfOptions } from "./update_resources.ts";
 *
 * const given = new Map([["memory", "64m"], ["cpu-quota", "-1"]]);
 * assertEquals(updateOfOptions((name) => given.get(name)).resources, {
 *   memory: 67108864,
 *   cpuQuota: -1,
 * });
 * ```
 */
export function updateOfOptions(
  valueOf: (name: string) => string | undefined,
): UpdateRequest {
  const number = (
    name: string,
    bounds: { readonly min: bigint; readonly max: bigint },
  ): Int64 | undefined => {
    const text = valueOf(name) || undefined;
    return text === undefined
      ? undefined
      : named(name, () => parseInt64(text, bounds));
  };
  const size = (name: string): Int64 | undefined => {
    const text = valueOf(name) || undefined;
    return text === undefined ? undefined : named(name, () => sizeOf(text));
  };
  const sizes = SIZES.map(([name, key]) => [key, size(name) || undefined]);
  // 0 means that a number is not given, as in the JSON.
  const numbers = NUMBERS.map(([name, key, bounds]) => [
    key,
    number(name, bounds) || undefined,
  ]);
  const idle = number("cpu-idle", IDLE);
  const resources = compact<Resources>({
    ...Object.fromEntries([...sizes, ...numbers]),
    // These two have a meaning as 0: no burst, and no longer idle.
    cpuBurst: number("cpu-burst", UINT64),
    cpuIdle: idle === undefined ? undefined : idle === 1 ? 1 : 0,
    cpusetCpus: valueOf("cpuset-cpus") || undefined,
    cpusetMems: valueOf("cpuset-mems") || undefined,
  });
  const isIgnored = IGNORED.some((name) => BigInt(size(name) ?? 0) !== 0n);
  return {
    resources,
    checksMemory: false,
    warnings: [
      ...isIgnored ? [KERNEL_MEMORY] : [],
      ...losesWeight(resources) ? [NO_WEIGHT] : [],
    ],
  };
}

/**
 * Adds what a change implies. Pure.
 *
 * Without a limit of memory there is none of memory and swap together either,
 * unless it is given; an idle group has no weight.
 *
 * @param change What is to change.
 * @param current The limits in force.
 * @returns All that is to change.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { completeUpdate } from "./update_resources.ts";
 *
 * const current = { memory: 4096, memorySwap: 8192 };
 * assertEquals(completeUpdate({ memory: -1 }, current).memorySwap, -1);
 * ```
 */
export function completeUpdate(
  change: Resources,
  current: Resources | undefined,
): Resources {
  const lifts = change.memory !== undefined && BigInt(change.memory) === -1n;
  const isBound = current?.memorySwap !== undefined &&
    BigInt(current.memorySwap) > 0n;
  return change.memorySwap === undefined && lifts && isBound
    ? { ...change, memorySwap: -1 }
    : change;
}

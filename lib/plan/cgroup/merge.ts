/**
 * A change of limits: what a container has afterwards, and what has to be
 * written for it.
 *
 * @module
 */
import type {
  BlkioDevice,
  Cgroup,
  HugepageLimit,
  IfPrioMap,
  Resources,
} from "../../config/types.ts";

/** Limits for which 0 means "not given". */
const ZERO_IS_ABSENT = [
  "memory",
  "memoryReservation",
  "memorySwap",
  "kernelMemory",
  "kernelMemoryTcp",
  "cpuShares",
  "cpuQuota",
  "cpuPeriod",
  "cpuRtRuntime",
  "cpuRtPeriod",
  "blkioWeight",
  "netClsClassid",
] as const;
/** Texts that are not given when they are empty. */
const EMPTY_IS_ABSENT = ["cpusetCpus", "cpusetMems", "freezer"] as const;
/** Members that are taken as they are. */
const PLAIN = [
  "allowAllDevices",
  "allowedDevices",
  "deniedDevices",
  "memorySwappiness",
  "oomKillDisable",
  "pidsLimit",
  "blkioWeightDevice",
  "blkioThrottleReadBpsDevice",
  "blkioThrottleWriteBpsDevice",
  "blkioThrottleReadIopsDevice",
  "blkioThrottleWriteIopsDevice",
  "hugetlbLimit",
  "netPrioIfpriomap",
  "cpuBurst",
  "cpuIdle",
  "unified",
] as const;
/** Lists of block devices; one that leaves a list is set free. */
const DEVICE_LISTS = [
  "blkioWeightDevice",
  "blkioThrottleReadBpsDevice",
  "blkioThrottleWriteBpsDevice",
  "blkioThrottleReadIopsDevice",
  "blkioThrottleWriteIopsDevice",
] as const;
/** Limits that are written together, since one is counted or ordered by the other. */
const COMPANIONS: readonly (readonly (keyof Resources)[])[] = [
  ["memory", "memorySwap", "kernelMemory"],
  ["cpuQuota", "cpuPeriod"],
];

/** Some members of an object. */
function pick<K extends keyof Resources>(
  from: Resources,
  keys: readonly K[],
): Pick<Resources, K> {
  const entries = keys.map((key) => [key, from[key]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Pick<Resources, K>;
}

/** The members that say something. */
function givenMembers(resources: Resources): Resources {
  return {
    ...pick(resources, PLAIN),
    ...pick(
      resources,
      ZERO_IS_ABSENT.filter((key) => BigInt(resources[key] ?? 0) !== 0n),
    ),
    ...pick(resources, EMPTY_IS_ABSENT.filter((key) => resources[key])),
  };
}

/** What was in a list and is no longer, by a name. */
function removed<T>(
  before: readonly T[] | undefined,
  after: readonly T[] | undefined,
  nameOf: (item: T) => string,
): T[] {
  const kept = new Set((after ?? []).map(nameOf));
  return (before ?? []).filter((item) => !kept.has(nameOf(item)));
}

/** The given lists, with an entry that sets free for everything that left them. */
function withLifted(given: Resources, current: Resources): Resources {
  const lists = DEVICE_LISTS.filter((key) => given[key]).map((key) => {
    const gone = removed<BlkioDevice>(
      current[key],
      given[key],
      ({ major, minor }) => `${major}:${minor}`,
    );
    const lifted = gone.map((device) => ({ ...device, value: 0 }));
    return [key, [...lifted, ...given[key] ?? []]] as const;
  });
  const pages = removed<HugepageLimit>(
    current.hugetlbLimit,
    given.hugetlbLimit,
    ({ pageSize }) => pageSize,
  ).map((limit) => ({ ...limit, limit: -1 }));
  const priorities = removed<IfPrioMap>(
    current.netPrioIfpriomap,
    given.netPrioIfpriomap,
    (entry) => entry.interface,
  ).map((entry) => ({ ...entry, priority: 0 }));
  return {
    ...Object.fromEntries(lists),
    ...(given.hugetlbLimit && {
      hugetlbLimit: [...pages, ...given.hugetlbLimit],
    }),
    ...(given.netPrioIfpriomap && {
      netPrioIfpriomap: [...priorities, ...given.netPrioIfpriomap],
    }),
  };
}

/** Files of the weight. */
const WEIGHTS = ["cpu.weight", "cpu.weight.nice"] as const;
const IDLE = "cpu.idle";

/** Whether limits say that a group is idle, or is not; undefined where they do not. */
function idleOf({ cpuIdle, unified }: Resources): boolean | undefined {
  const file = unified?.[IDLE];
  if (file !== undefined) return file.trim() !== "0";
  return cpuIdle === undefined ? undefined : cpuIdle === 1;
}

function hasWeight({ cpuShares, unified }: Resources): boolean {
  return cpuShares !== undefined ||
    WEIGHTS.some((file) => unified?.[file] !== undefined);
}

/** Who gives an idle group a weight wants it idle no more, unless he says so. */
function withIdle(given: Resources, current: Resources): Resources {
  const endsIdle = idleOf(current) === true && idleOf(given) === undefined &&
    hasWeight(given);
  if (!endsIdle) return given;
  const { unified } = given;
  const hasFile = current.unified?.[IDLE] !== undefined;
  return {
    ...given,
    cpuIdle: 0,
    ...(hasFile && { unified: { [IDLE]: "0", ...unified } }),
  };
}

/**
 * Whether limits give a weight to a group that they make idle, which takes none.
 * Pure.
 *
 * @param resources The limits.
 * @returns True where the weight will not be.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { losesWeight } from "./merge.ts";
 *
 * assert(losesWeight({ cpuShares: 512, cpuIdle: 1 }));
 * assert(!losesWeight({ cpuShares: 512 }));
 * ```
 */
export function losesWeight(resources: Resources): boolean {
  return idleOf(resources) === true && hasWeight(resources);
}

/** What is given, as far as the kernel takes it: no weight for an idle group. */
function writable(given: Resources): Resources {
  if (!losesWeight(given)) return given;
  const { cpuShares: _, unified, ...rest } = given;
  const weights: readonly string[] = WEIGHTS;
  const files = Object.entries(unified ?? {})
    .filter(([file]) => !weights.includes(file));
  return unified ? { ...rest, unified: Object.fromEntries(files) } : rest;
}

/** A group that stops being idle has lost its weight. */
function sharesOf(given: Resources, current: Resources): Resources {
  return idleOf(given) === false
    ? pick({ ...current, ...given }, ["cpuShares"])
    : {};
}

/** A change of limits, worked out. */
export interface MergedResources {
  /** All limits afterwards, with the place of the groups. */
  readonly next: Cgroup;
  /** What has to be written: what was given, what depends on it, what is lifted. */
  readonly written: Resources;
  /** Whether the device rules change. */
  readonly changesDevices: boolean;
}

/**
 * Works out a change of limits. Pure.
 *
 * Only members that are given change. Numbers for which 0 means "not set" in a
 * configuration, and empty texts, count as not given; -1 lifts a limit. A list
 * replaces the list before it, and what is no longer in it is set free. Files
 * in `unified` are added to those before. `name`, `parent` and `slice` stay. A
 * weight ends that the group is idle, unless it is given together with that.
 *
 * @param current The limits in force; absent where the container was started
 * without `cgroups`, and so without device rules.
 * @param resources The change.
 * @returns What holds afterwards, and what is to be written.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mergeResources } from "./merge.ts";
 *
 * const current = { name: "a", parent: "b", memory: 100, memorySwap: 200, pidsLimit: 5 };
 * const { next, written } = mergeResources(current, { memory: 50, cpuShares: 0 });
 * assertEquals([next.memory, next.pidsLimit], [50, 5]);
 * assertEquals(written, { memory: 50, memorySwap: 200 });
 * ```
 */
export function mergeResources(
  current: Cgroup | undefined,
  resources: Resources,
): MergedResources {
  const before = current ??
    { name: "", parent: "nsinit", allowAllDevices: true };
  const given = withIdle(givenMembers(resources), before);
  const next: Cgroup = {
    ...before,
    ...given,
    ...(given.unified && { unified: { ...before.unified, ...given.unified } }),
  };
  const companions = COMPANIONS.filter((keys) =>
    keys.some((key) => given[key] !== undefined)
  ).map((keys) => pick(next, keys));
  const written: Resources = Object.assign(
    { ...writable(given) },
    ...companions,
    sharesOf(given, before),
    withLifted(given, before),
  );
  const { allowAllDevices: a, allowedDevices: b, deniedDevices: c } = given;
  return {
    next,
    written,
    changesDevices: (a ?? b ?? c) !== undefined,
  };
}

/**
 * Memory limits -> files of the memory controller.
 *
 * @module
 */
import type { Int64, Resources } from "../../config/types.ts";
import { HostError } from "../../errors.ts";
import { refuse } from "../refusal.ts";
import {
  type CgroupVersion,
  isSet,
  type LimitWrite,
  notInV2,
} from "./types.ts";

/** What the writes of a group depend on besides its limits. */
export interface MemoryOptions {
  /** Whether this kernel (before 5.16) keeps kernel memory limits. */
  readonly hasKernelLimit?: boolean;
  /** The limits in force, for a group that lives: they decide the order. */
  readonly current?: Resources;
}

/** Bytes as version 2 writes them. */
function bytesV2(value: Int64): string {
  return BigInt(value) < 0n ? "max" : String(value);
}

function write(
  limit: LimitWrite["limit"],
  file: string,
  value: Int64 | string,
): LimitWrite {
  return { limit, controller: "memory", file, value: String(value) };
}

/** Swap without memory, which is how version 2 counts. */
function swapAlone(memory: Int64 | undefined, total: Int64): string {
  if (BigInt(total) < 0n) return "max";
  if (!isSet(memory) || BigInt(memory) < 0n) {
    throw refuse(
      "cgroups.memorySwap",
      `Cannot limit memory plus swap to ${total} bytes without a memory limit: set memory as well`,
    );
  }
  const swap = BigInt(total) - BigInt(memory);
  if (swap < 0n) {
    throw refuse(
      "cgroups.memorySwap",
      `Cannot limit memory plus swap to ${total} bytes: memory alone has ${memory}; memorySwap counts both`,
    );
  }
  return String(swap);
}

/**
 * Kernel memory counts as memory since Linux 4.5, and the separate limit is
 * ignored or refused since 5.16. A limit that is not below the memory limit is
 * therefore already in force; another one could not be kept and is refused.
 */
function kernelMemoryWrites(
  { memory, kernelMemory }: Resources,
  version: CgroupVersion,
  hasKernelLimit: boolean,
): LimitWrite[] {
  if (!isSet(kernelMemory) || BigInt(kernelMemory) < 0n) return [];
  if (version === 1 && hasKernelLimit) {
    return [
      write("kernelMemory", "memory.kmem.limit_in_bytes", kernelMemory),
    ];
  }
  const bound = isSet(memory) && BigInt(memory) > 0n &&
    BigInt(memory) <= BigInt(kernelMemory);
  if (bound) return [];
  throw new HostError(
    `Cannot limit kernel memory to ${kernelMemory} bytes: this kernel counts it as memory and no longer limits it apart; leave kernelMemory out and set memory`,
    { context: { limit: "kernelMemory" } },
  );
}

/** A limit for comparing: none is more than any. */
function rank(limit: Int64 | undefined): number {
  return isSet(limit) && BigInt(limit) > 0n ? Number(limit) : Infinity;
}

/**
 * Memory plus swap may never be below memory, at no moment: it is raised before
 * and lowered after. A group starts without limits.
 */
function boundsV1(
  { memory, memorySwap }: Resources,
  current: Resources,
): LimitWrite[] {
  const alone = isSet(memory)
    ? [write("memory", "memory.limit_in_bytes", memory)]
    : [];
  const total = isSet(memorySwap)
    ? [write("memorySwap", "memory.memsw.limit_in_bytes", memorySwap)]
    : [];
  const isRaised = isSet(current.memorySwap) &&
    rank(memorySwap) > rank(current.memorySwap);
  return isRaised ? [...total, ...alone] : [...alone, ...total];
}

function writesV1(
  resources: Resources,
  { hasKernelLimit = false, current = {} }: MemoryOptions,
): LimitWrite[] {
  const { memoryReservation } = resources;
  const writes = boundsV1(resources, current);
  if (isSet(memoryReservation)) {
    writes.push(
      write(
        "memoryReservation",
        "memory.soft_limit_in_bytes",
        memoryReservation,
      ),
    );
  }
  writes.push(...kernelMemoryWrites(resources, 1, hasKernelLimit));
  const tcp = resources.kernelMemoryTcp;
  if (isSet(tcp)) {
    writes.push(
      write("kernelMemoryTcp", "memory.kmem.tcp.limit_in_bytes", tcp),
    );
  }
  return writes;
}

function writesV2(resources: Resources): LimitWrite[] {
  const { memory, memorySwap, memoryReservation } = resources;
  const writes: LimitWrite[] = [];
  if (isSet(memory)) {
    writes.push(write("memory", "memory.max", bytesV2(memory)));
  }
  if (isSet(memorySwap)) {
    writes.push(
      write("memorySwap", "memory.swap.max", swapAlone(memory, memorySwap)),
    );
  }
  if (isSet(memoryReservation)) {
    writes.push(
      write("memoryReservation", "memory.low", bytesV2(memoryReservation)),
    );
  }
  writes.push(...kernelMemoryWrites(resources, 2, false));
  if (isSet(resources.kernelMemoryTcp)) {
    throw notInV2("kernelMemoryTcp", "leave it out and set memory");
  }
  return writes;
}

function behaviourWrites(
  { memorySwappiness, oomKillDisable }: Resources,
  version: CgroupVersion,
  current: Resources,
): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (memorySwappiness !== undefined && memorySwappiness !== -1) {
    if (memorySwappiness < 0 || memorySwappiness > 100) {
      throw refuse(
        "cgroups.memorySwappiness",
        `Cannot set memory swappiness to ${memorySwappiness}: must be 0 to 100`,
      );
    }
    if (version === 2) {
      throw notInV2(
        "memorySwappiness",
        "leave it out, or limit swap by memorySwap",
      );
    }
    writes.push(
      write("memorySwappiness", "memory.swappiness", memorySwappiness),
    );
  }
  if (oomKillDisable === true && version === 2) {
    throw notInV2("oomKillDisable", "leave it out, or use oomScoreAdj");
  }
  const isChanged = oomKillDisable === false && current.oomKillDisable === true;
  if (version === 1 && (oomKillDisable === true || isChanged)) {
    const value = oomKillDisable ? 1 : 0;
    writes.push(write("oomKillDisable", "memory.oom_control", value));
  }
  return writes;
}

/**
 * Lists the writes for the memory limits of a group. Pure.
 *
 * | limit | v1 | v2 |
 * |---|---|---|
 * | memory | `memory.limit_in_bytes` | `memory.max` |
 * | memorySwap (total) | `memory.memsw.limit_in_bytes` | `memory.swap.max`, less memory |
 * | memoryReservation | `memory.soft_limit_in_bytes` | `memory.low` |
 * | kernelMemory | `memory.kmem.limit_in_bytes` before 5.16 | - |
 *
 * @param resources The limits; -1 lifts one, 0 is as good as absent.
 * @param version Version of the hierarchy that carries the controller.
 * @param options What this kernel keeps, and the limits in force.
 * @returns The writes in order.
 * @throws {ConfigError} `ConfigInvalid` for limits that contradict each other.
 * @throws {HostError} `HostUnsupported` for a limit that the host cannot keep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryWrites } from "./memory.ts";
 *
 * const [limit, swap] = memoryWrites({ memory: 100, memorySwap: 150 }, 2);
 * assertEquals([limit?.file, limit?.value], ["memory.max", "100"]);
 * assertEquals([swap?.file, swap?.value], ["memory.swap.max", "50"]);
 * ```
 */
export function memoryWrites(
  resources: Resources,
  version: CgroupVersion,
  options: MemoryOptions = {},
): LimitWrite[] {
  const writes = version === 1
    ? writesV1(resources, options)
    : writesV2(resources);
  return [
    ...writes,
    ...behaviourWrites(resources, version, options.current ?? {}),
  ];
}

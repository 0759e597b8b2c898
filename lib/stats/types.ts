/**
 * What a container has used, with the meanings and units of libcontainer.
 *
 * A member is absent where the kernel has no figure for it: the controller is
 * not there, swap is not accounted, pressure is not measured. Where a figure
 * exists in one version of control groups only, its doc says so. Numbers above
 * 2^53 - 1 are `bigint`, all others `number`, so nothing is ever rounded.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";

/** A table of the kernel: its names, with its numbers. */
export type Counters = Readonly<Record<string, Int64>>;

/** How long processes waited for a resource; of `some avg10=...` and the like. */
export interface PressureLine {
  /** Share of the last 10 seconds, in percent. */
  readonly avg10: number;
  /** Share of the last 60 seconds, in percent. */
  readonly avg60: number;
  /** Share of the last 300 seconds, in percent. */
  readonly avg300: number;
  /** Time of waiting since the group was made, in microseconds. */
  readonly total: Int64;
}

/** Pressure stall information of one resource (version 2: `cpu.pressure`, `memory.pressure`, `io.pressure`). */
export interface Pressure {
  /** At least one task waited. */
  readonly some?: PressureLine;
  /** All tasks that were not idle waited at once. */
  readonly full?: PressureLine;
}

/** CPU time. */
export interface CpuUsage {
  /** Nanoseconds, all CPUs (v1 `cpuacct.usage`; v2 `usage_usec` of `cpu.stat`). */
  readonly total: Int64;
  /**
   * Nanoseconds outside the kernel (v1 `user` of `cpuacct.stat`, in steps of 10
   * ms; v2 `user_usec` of `cpu.stat`).
   */
  readonly user: Int64;
  /** Nanoseconds in the kernel (v1 `system` of `cpuacct.stat`; v2 `system_usec` of `cpu.stat`). */
  readonly kernel: Int64;
  /** Nanoseconds on each CPU, in order (v1 `cpuacct.usage_percpu`). */
  readonly perCpu?: readonly Int64[];
  /** Nanoseconds outside the kernel on each CPU (v1 `cpuacct.usage_all`). */
  readonly perCpuUser?: readonly Int64[];
  /** Nanoseconds in the kernel on each CPU (v1 `cpuacct.usage_all`). */
  readonly perCpuKernel?: readonly Int64[];
}

/** What a CPU quota has held back (`cpu.stat`); all 0 without a quota. */
export interface CpuThrottling {
  /** Periods of the quota that have passed while something ran (`nr_periods`). */
  readonly periods: Int64;
  /** Of those, periods in which the quota was used up (`nr_throttled`). */
  readonly throttledPeriods: Int64;
  /** Nanoseconds that tasks were held back (v1 `throttled_time`; v2 `throttled_usec`). */
  readonly throttledTime: Int64;
  /** Periods in which a burst above the quota was used (`nr_bursts`; since Linux 5.14). */
  readonly bursts?: Int64;
  /** Nanoseconds used above the quota in bursts (v1 `burst_time`; v2 `burst_usec`). */
  readonly burstTime?: Int64;
}

/** The CPU. */
export interface CpuStats {
  /** Time used. Absent in version 1 without the `cpuacct` controller. */
  readonly usage?: CpuUsage;
  /** Held back by a quota. Absent without the `cpu` controller. */
  readonly throttling?: CpuThrottling;
  /** Time of waiting for a CPU (version 2). */
  readonly pressure?: Pressure;
}

/** Use of one kind of memory. */
export interface MemoryUsage {
  /** Bytes now. */
  readonly usage: Int64;
  /** Most bytes ever. */
  readonly max?: Int64;
  /** How often the limit was hit. */
  readonly failcnt: Int64;
  /** Limit in bytes; absent when there is none. */
  readonly limit?: Int64;
}

/** Memory. */
export interface MemoryStats {
  /** All memory, page cache included (v1 `memory.*_in_bytes`, `memory.failcnt`; v2 `memory.current`, `.peak`, `.max`, `max` of `memory.events.local`). */
  readonly usage: MemoryUsage;
  /**
   * Memory and swap together (v1 `memory.memsw.*`; v2 the sums of
   * `memory.current` and `memory.swap.current`, of the limits, `max` of
   * `memory.swap.events`; no `max`). Absent where swap is not accounted.
   */
  readonly swap?: MemoryUsage;
  /** Swap alone (v1 `total_swap` of `memory.stat`; v2 `memory.swap.*`). Absent where swap is not accounted. */
  readonly swapOnly?: MemoryUsage;
  /** Memory of the kernel on the container's behalf (v1 `memory.kmem.*`; v2 `kernel` of `memory.stat`). */
  readonly kernel?: MemoryUsage;
  /** Buffers of TCP (v1 `memory.kmem.tcp.*`; v2 `sock` of `memory.stat`, all protocols). */
  readonly kernelTcp?: MemoryUsage;
  /** Bytes of page cache, groups below included (v1 `total_cache` of `memory.stat`; v2 `file`). */
  readonly cache: Int64;
  /** Bytes of anonymous memory, groups below included (v1 `total_rss` of `memory.stat`; v2 `anon`). */
  readonly rss: Int64;
  /** Processes killed for want of memory (v1 `oom_kill` of `memory.oom_control`, of this group alone; v2 of `memory.events`, groups below included). */
  readonly oomKills?: Int64;
  /** Every line of `memory.stat`, with the kernel's names. */
  readonly raw: Counters;
  /** Every line of `memory.events` (version 2). */
  readonly events?: Counters;
  /** Time of waiting for memory (version 2). */
  readonly pressure?: Pressure;
}

/** A figure of one block device. */
export interface BlkioEntry {
  /** Major number of the device. */
  readonly major: number;
  /** Minor number of the device. */
  readonly minor: number;
  /** Kind of operation: `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`; version 2 knows `Read`, `Write` and `Discard`; empty for files without one. */
  readonly op: string;
  /** The figure. */
  readonly value: Int64;
}

/**
 * Block devices. In version 1 from the BFQ scheduler's files, else those of
 * CFQ, else (bytes and operations alone) those of the throttling layer, which
 * every device has; since Linux 6.10 that layer counts only for groups that have
 * a limit (`blkio_throttle_*`). In version 2 bytes and operations come from
 * `io.stat`; the other lists are empty.
 */
export interface BlkioStats {
  /** Bytes transferred (`io_service_bytes_recursive`). */
  readonly ioServiceBytesRecursive: readonly BlkioEntry[];
  /** Operations (`io_serviced_recursive`). */
  readonly ioServicedRecursive: readonly BlkioEntry[];
  /** Requests queued now (`io_queued_recursive`). */
  readonly ioQueueRecursive: readonly BlkioEntry[];
  /** Nanoseconds from dispatch to completion (`io_service_time_recursive`). */
  readonly ioServiceTimeRecursive: readonly BlkioEntry[];
  /** Nanoseconds of waiting in the scheduler (`io_wait_time_recursive`). */
  readonly ioWaitTimeRecursive: readonly BlkioEntry[];
  /** Requests merged into others (`io_merged_recursive`). */
  readonly ioMergedRecursive: readonly BlkioEntry[];
  /** Milliseconds of disk time (`time_recursive`). */
  readonly ioTimeRecursive: readonly BlkioEntry[];
  /** Sectors transferred (`sectors_recursive`). */
  readonly sectorsRecursive: readonly BlkioEntry[];
  /** `io.stat` with the kernel's names, by `MAJOR:MINOR` (version 2). */
  readonly raw?: Readonly<Record<string, Counters>>;
  /** Time of waiting for devices (version 2). */
  readonly pressure?: Pressure;
}

/** Huge pages of one size. */
export interface HugetlbStats extends MemoryUsage {
  /** Bytes reserved, not only touched (`hugetlb.SIZE.rsvd.*`). */
  readonly reserved?: MemoryUsage;
}

/** Processes and threads. */
export interface PidsStats {
  /** How many there are (`pids.current`). */
  readonly current: Int64;
  /** Limit; absent when there is none (`pids.max`). */
  readonly limit?: Int64;
  /** Most that there ever were (`pids.peak`; since Linux 6.6). */
  readonly max?: Int64;
  /** How often the limit refused one (`max` of `pids.events`). */
  readonly failcnt?: Int64;
}

/** RDMA resources, by device. */
export interface RdmaStats {
  /** Handles and objects in use (`rdma.current`). */
  readonly current: Readonly<Record<string, Counters>>;
  /** Limits; those that are `max` are left out (`rdma.max`). */
  readonly limit: Readonly<Record<string, Counters>>;
}

/** CPUs and memory nodes. */
export interface CpusetStats {
  /** CPUs that may be used (v1 `cpuset.effective_cpus`, else `cpuset.cpus`; v2 `cpuset.cpus.effective`). */
  readonly cpus: readonly number[];
  /** Memory nodes that may be used (likewise `mems`). */
  readonly mems: readonly number[];
  /** The flags of version 1 without their prefix, e.g. `cpu_exclusive`; `sched_relax_domain_level` may be -1. */
  readonly raw: Counters;
}

/** Traffic of one network interface, as the container sees it (`/proc/PID/net/dev`). */
export interface InterfaceStats {
  /** Name inside the container. */
  readonly name: string;
  /** Bytes received. */
  readonly rxBytes: Int64;
  /** Packets received. */
  readonly rxPackets: Int64;
  /** Packets received with errors. */
  readonly rxErrors: Int64;
  /** Packets received and dropped. */
  readonly rxDropped: Int64;
  /** Bytes sent. */
  readonly txBytes: Int64;
  /** Packets sent. */
  readonly txPackets: Int64;
  /** Packets not sent for errors. */
  readonly txErrors: Int64;
  /** Packets dropped instead of being sent. */
  readonly txDropped: Int64;
}

/** All figures of a container at one moment. */
export interface Stats {
  /** When they were read: milliseconds since 1970, as `Date.now()`. */
  readonly time: number;
  /** The CPU. */
  readonly cpu?: CpuStats;
  /** CPUs and memory nodes. */
  readonly cpuset?: CpusetStats;
  /** Memory. */
  readonly memory?: MemoryStats;
  /** Block devices. */
  readonly blkio?: BlkioStats;
  /** Huge pages, by size, e.g. `2MB`. */
  readonly hugetlb?: Readonly<Record<string, HugetlbStats>>;
  /** Processes and threads. */
  readonly pids?: PidsStats;
  /** RDMA resources. */
  readonly rdma?: RdmaStats;
  /**
   * Interfaces of the container's network namespace, loopback included; absent
   * when it has none of its own.
   */
  readonly interfaces?: readonly InterfaceStats[];
}

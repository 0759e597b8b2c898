/**
 * Names and numbers of scheduling policies, their flags, classes of IO, memory
 * policies and execution domains.
 *
 * @module
 */
import type {
  IoPriority,
  MemoryPolicy,
  Personality,
  Scheduler,
} from "../types.ts";

/** Policies of sched_setattr(2). ISO has a number, but no kernel has ever had it. */
export const SCHEDULING_POLICIES: Readonly<
  Record<Scheduler["policy"], number>
> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

/** Flags of sched_setattr(2). */
export const SCHEDULING_FLAGS = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

/** Name of a flag of sched_setattr(2). */
export type SchedulingFlag = keyof typeof SCHEDULING_FLAGS;

/** Classes of ioprio_set(2). */
export const IO_CLASSES: Readonly<Record<IoPriority["class"], number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

/** Domains of personality(2). */
export const PERSONALITIES: Readonly<Record<Personality["domain"], number>> = {
  LINUX: 0,
  LINUX32: 8,
};

/** Modes of set_mempolicy(2). */
export const MEMORY_POLICIES: Readonly<Record<MemoryPolicy["mode"], number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

/** Flags of set_mempolicy(2), part of the mode. */
export const MEMORY_POLICY_FLAGS: Readonly<Record<string, number>> = {
  MPOL_F_STATIC_NODES: 0x8000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_NUMA_BALANCING: 0x2000,
};

/** Memory nodes that a Linux kernel can be built for. */
export const NODE_LIMIT = 1024;

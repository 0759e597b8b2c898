/**
 * Declarations of the options by which limits are changed.
 *
 * @module
 */
import type { Option } from "./command.ts";

const MEMORY = "Memory";
const CPU = "CPU";
const TASKS = "Tasks and devices";
const IO = "Block devices";
const OTHER = "Other";

function bytes(
  name: string,
  doc: string,
  aliases: readonly string[] = [],
): Option {
  return { name, aliases, type: "size", metavar: "BYTES", doc, group: MEMORY };
}

function cpu(
  name: string,
  metavar: string,
  doc: string,
  aliases: readonly string[] = [],
): Option {
  return { name, aliases, type: "integer", metavar, doc, group: CPU };
}

function list(
  name: string,
  metavar: string,
  doc: string,
  group: string,
): Option {
  return { name, type: "text", metavar, doc, group, repeatable: true };
}

/** Options for every limit; those of nsinit's generator keep their names. */
export const LIMIT_OPTIONS: readonly Option[] = [
  bytes("memory-limit", "memory that may be used, e.g. 64m; -1: no limit", [
    "memory",
  ]),
  bytes(
    "memory-swap",
    "memory and swap that may be used together; -1: no limit",
  ),
  bytes(
    "memory-reservation",
    "memory that is left when others are short of it",
  ),
  bytes("kernel-memory", "kernel memory (cgroup v1)"),
  bytes("kernel-memory-tcp", "buffers of TCP (cgroup v1)"),
  {
    name: "memory-swappiness",
    type: "integer",
    metavar: "0-100",
    doc: "how readily memory is swapped (cgroup v1)",
    group: MEMORY,
  },
  {
    name: "oom-kill-disable",
    type: "boolean",
    doc: "wait instead of being killed when memory is short (cgroup v1); " +
      "=false takes it back",
    group: MEMORY,
  },
  list(
    "hugetlb-limit",
    "SIZE=BYTES",
    "huge pages of a size, e.g. 2MB=64m; -1: no limit",
    MEMORY,
  ),
  cpu(
    "cpushares",
    "N",
    "share of the CPU against other groups; the kernel's default is 1024",
    ["cpu-shares", "cpu-share"],
  ),
  cpu("cpu-quota", "USEC", "CPU time in each period; -1: no limit"),
  cpu("cpu-period", "USEC", "length of a period"),
  cpu("cpu-burst", "USEC", "CPU time that may be saved up above the quota"),
  cpu("cpu-idle", "0|1", "1: run only when nothing else wants the CPU"),
  cpu(
    "cpu-rt-runtime",
    "USEC",
    "real-time CPU time in each period (cgroup v1)",
  ),
  cpu("cpu-rt-period", "USEC", "length of a real-time period (cgroup v1)"),
  {
    name: "cpuset-cpus",
    type: "text",
    metavar: "LIST",
    doc: "CPUs that may be used, e.g. 0-1,3",
    group: CPU,
  },
  {
    name: "cpuset-mems",
    type: "text",
    metavar: "LIST",
    doc: "memory nodes that may be used",
    group: CPU,
  },
  {
    name: "pids-limit",
    type: "integer",
    metavar: "N",
    doc: "how many tasks there may be; -1: no limit",
    group: TASKS,
  },
  list(
    "device-allow",
    "RULE",
    'let a device be used: type, numbers and letters, e.g. "c 10:200 rwm"',
    TASKS,
  ),
  list("device-deny", "RULE", "take a rule away, or forbid a device", TASKS),
  {
    name: "blkio-weight",
    type: "integer",
    metavar: "10-1000",
    doc: "share of block devices against other groups",
    group: IO,
  },
  list("blkio-weight-device", "DEV:WEIGHT", "the share of one device", IO),
  list("device-read-bps", "DEV:BYTES", "bytes read in a second; 0: any", IO),
  list("device-write-bps", "DEV:BYTES", "bytes written in a second", IO),
  list("device-read-iops", "DEV:N", "reads in a second", IO),
  list("device-write-iops", "DEV:N", "writes in a second", IO),
  {
    name: "net-cls-classid",
    type: "integer",
    metavar: "N",
    doc: "class of packets (cgroup v1)",
    group: OTHER,
  },
  list(
    "net-prio",
    "INTERFACE=N",
    "priority of packets by an interface (cgroup v1)",
    OTHER,
  ),
  list("unified", "FILE=VALUE", "a file of cgroup v2, written as it is", OTHER),
];

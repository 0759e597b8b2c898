/**
 * Declarations of the options that make or change a configuration.
 *
 * @module
 */
import type { Option } from "./command.ts";
import { SECURITY_PROFILES } from "./security_profiles.ts";

const ROOT = "Root file system";
const ISOLATION = "Namespaces and network";
const LIMITS = "Limits";
const SECURITY = "Security";

function namespaceOption(name: string, what: string): Option {
  return {
    name,
    type: "text",
    metavar: "host|private|PATH",
    doc: `${what}: the host's, a new one, or the one of a file to join`,
    group: ISOLATION,
  };
}

/** Options of nsinit's generator; they change a configuration file too. */
export const GENERATOR_OPTIONS: readonly Option[] = [
  {
    name: "rootfs",
    type: "text",
    metavar: "DIR",
    doc: "root file system (default the configuration's, else the current " +
      "directory)",
    group: ROOT,
  },
  {
    name: "read-only",
    type: "boolean",
    doc: "make the root read-only",
    group: ROOT,
  },
  {
    name: "overlay",
    type: "size",
    optionalValue: true,
    metavar: "SIZE",
    doc: "throw away at the end what is written to the root; up to SIZE " +
      "bytes, e.g. 64m, are kept in memory (default half of it)",
    group: ROOT,
  },
  {
    name: "overlay-upper",
    type: "text",
    metavar: "DIR",
    doc: "keep what is written to the root in DIR, made if missing; the root " +
      "itself stays as it is",
    group: ROOT,
  },
  {
    name: "overlay-work",
    type: "text",
    metavar: "DIR",
    doc: "directory that the kernel needs beside --overlay-upper, on the " +
      "same file system (default its name and .work)",
    group: ROOT,
  },
  {
    name: "host-root",
    type: "size",
    optionalValue: true,
    metavar: "SIZE",
    doc: "no root file system: the host's programs read-only, and private " +
      "/tmp, /home and /run of SIZE bytes together (default 256m); " +
      "container.json is not read, only what --config names",
    group: ROOT,
  },
  {
    name: "host-path",
    type: "text",
    metavar: "PATH",
    repeatable: true,
    doc: "show PATH of the host read-only in the root of --host-root",
    group: ROOT,
  },
  {
    name: "bind",
    type: "text",
    metavar: "SRC:DST[:ro|rw]",
    repeatable: true,
    doc: "bind SRC of the host, with what is mounted below it, to DST",
    group: ROOT,
  },
  {
    name: "tmpfs",
    type: "text",
    metavar: "DST",
    repeatable: true,
    doc: "mount an empty tmpfs at DST",
    group: ROOT,
  },
  {
    name: "cgroup",
    type: "boolean",
    doc: "show the container its cgroups at /sys/fs/cgroup",
    group: ROOT,
  },
  {
    name: "hostname",
    type: "text",
    metavar: "NAME",
    doc: "host name (default of the template: nsinit)",
    group: ISOLATION,
  },
  namespaceOption("net", "network"),
  namespaceOption("mnt", "mounts"),
  namespaceOption("pid", "processes"),
  namespaceOption("ipc", "System V IPC and message queues"),
  namespaceOption("uts", "host name"),
  {
    name: "userns-root-uid",
    type: "integer",
    metavar: "UID",
    doc: "make a user namespace in which root is UID of the host; 0: make none",
    group: ISOLATION,
  },
  {
    name: "veth-bridge",
    type: "text",
    metavar: "BRIDGE",
    doc: "make an interface eth0 whose outer end joins BRIDGE",
    group: ISOLATION,
  },
  {
    name: "veth-address",
    type: "text",
    metavar: "CIDR",
    doc: "address of eth0, e.g. 10.0.0.2/24",
    group: ISOLATION,
  },
  {
    name: "veth-gateway",
    type: "text",
    metavar: "ADDRESS",
    doc: "default gateway by eth0",
    group: ISOLATION,
  },
  {
    name: "veth-mtu",
    type: "integer",
    metavar: "BYTES",
    doc: "MTU of eth0 (default the kernel's)",
    group: ISOLATION,
  },
  {
    name: "sysctl",
    type: "text",
    metavar: "KEY=VALUE",
    repeatable: true,
    doc: "set a kernel parameter of the container's namespaces",
    group: ISOLATION,
  },
  {
    name: "memory-limit",
    type: "size",
    metavar: "BYTES",
    doc: "memory that may be used, e.g. 64m; -1: no limit",
    group: LIMITS,
  },
  {
    name: "memory-swap",
    type: "size",
    metavar: "BYTES",
    doc: "memory and swap that may be used together; -1: no limit",
    group: LIMITS,
  },
  {
    name: "memory-swappiness",
    type: "integer",
    metavar: "0-100",
    doc: "how readily memory is swapped (cgroup v1)",
    group: LIMITS,
  },
  {
    name: "cpushares",
    type: "integer",
    metavar: "N",
    doc: "share of the CPU against other groups; the kernel's default is 1024",
    group: LIMITS,
  },
  {
    name: "cpu-quota",
    type: "integer",
    metavar: "USEC",
    doc: "CPU time in each period; -1: no limit",
    group: LIMITS,
  },
  {
    name: "cpu-period",
    type: "integer",
    metavar: "USEC",
    doc: "length of a period (default of the kernel: 100000)",
    group: LIMITS,
  },
  {
    name: "pids-limit",
    type: "integer",
    metavar: "N",
    doc: "how many tasks there may be; -1: no limit",
    group: LIMITS,
  },
  {
    name: "cpuset-cpus",
    type: "text",
    metavar: "LIST",
    doc: "CPUs that may be used, e.g. 0-1,3",
    group: LIMITS,
  },
  {
    name: "cpuset-mems",
    type: "text",
    metavar: "LIST",
    doc: "memory nodes that may be used",
    group: LIMITS,
  },
  {
    name: "parent-death-signal",
    type: "text",
    metavar: "SIGNAL",
    doc: "signal that the program gets when nsinit dies; 0: none " +
      "(default of the template: KILL)",
    group: LIMITS,
  },
  {
    name: "security",
    type: "text",
    metavar: "PROFILE",
    choices: SECURITY_PROFILES,
    doc: "replace capabilities, seccomp filter, rlimits and labels by those " +
      "of a profile: high, medium or low",
    group: SECURITY,
  },
  {
    name: "groups",
    type: "text",
    metavar: "GROUP",
    repeatable: true,
    doc: "add a supplementary group, by name or number",
    group: SECURITY,
  },
  {
    name: "apparmor-profile",
    type: "text",
    metavar: "NAME",
    doc: "AppArmor profile of the program",
    group: SECURITY,
  },
  {
    name: "process-label",
    type: "text",
    metavar: "LABEL",
    doc: "SELinux label of the program",
    group: SECURITY,
  },
  {
    name: "mount-label",
    type: "text",
    metavar: "LABEL",
    doc: "SELinux label of the mounts",
    group: SECURITY,
  },
];

/**
 * The template of a sandbox that is made of the host's own programs.
 *
 * @module
 */
import {
  defaultConfig,
  defaultDevices,
  defaultMounts,
  defaultReadonlyPaths,
  type TemplateConfig,
} from "./defaults.ts";
import { defaultSeccomp } from "./default_seccomp.ts";
import type { HostRoot, Mount } from "./types.ts";

/** Tasks at once: enough for a build, too few to take the host's. */
const PIDS = 1024;
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;

/** What tells of the machine, or of keys, beyond what a program needs. */
const MASKED: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/kmsg",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  "/sys/kernel/debug",
  "/sys/kernel/tracing",
];

/** `/dev` is written by root alone, but even that takes memory. */
function withSize(mount: Mount): Mount {
  return mount.destination === "/dev"
    ? { ...mount, data: `${mount.data},size=64k,nr_inodes=1k` }
    : mount;
}

/**
 * Makes the template of a sandbox for code of strangers, with the host's own
 * programs: no image is needed.
 *
 * Pure. The root is made anew for each container: the host's `/usr` and its like
 * read-only, without setuid programs and devices; of `/etc` what programs need,
 * with accounts of its own; private and writable, in memory of limited size,
 * `/tmp`, `/var/tmp`, `/home` and `/run`. Nothing else of the host is there: no
 * home, no `/root`, `/opt`, `/srv`, `/boot`, `/var/lib`, no socket of a service.
 *
 * A process that names no user is `nobody` (65534) with the home `/home/nobody`.
 * It has no capabilities and gets none (`noNewPrivileges`), sees only its own
 * processes, has no network but its own loopback, at most 1024 tasks, and the
 * system calls of {@linkcode defaultSeccomp}. Limits of memory and CPU time are
 * the caller's to give, by `cgroups`.
 *
 * @param options Size in bytes of what may be written, and further host paths
 * that are shown read-only at the same place.
 * @returns A fresh configuration that may be spread and changed.
 *
 * @example With a tool, a limit of memory, and a directory to write to
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostRootConfig } from "./host_root.ts";
 *
 * const base = hostRootConfig({ size: 64 << 20, paths: ["/opt/tool"] });
 * const config = {
 *   ...base,
 *   cgroups: { ...base.cgroups, memory: 256 << 20 },
 * };
 * assertEquals([config.rootfs, config.capabilities], ["/", []]);
 * ```
 */
export function hostRootConfig(
  options: HostRoot = {},
): TemplateConfig {
  const base = defaultConfig("/");
  return {
    ...base,
    hostRoot: options,
    hostname: "sandbox",
    mounts: defaultMounts.map(withSize),
    capabilities: [],
    noNewPrivileges: true,
    seccomp: defaultSeccomp,
    cgroups: {
      name: "",
      parent: "nsinit",
      allowAllDevices: false,
      allowedDevices: [...defaultDevices, PTY, PTMX],
      pidsLimit: PIDS,
    },
    rlimits: [
      { type: RLIMIT_NOFILE, hard: 1024, soft: 1024 },
      { type: RLIMIT_CORE, hard: 0, soft: 0 },
    ],
    maskPaths: MASKED,
    readonlyPaths: [...defaultReadonlyPaths, "/proc/fs"],
  };
}

const PTY = {
  type: "c",
  path: "",
  major: 136,
  minor: -1,
  permissions: "rwm",
  fileMode: 0,
  uid: 0,
  gid: 0,
} as const;

const PTMX = { ...PTY, major: 5, minor: 2 } as const;

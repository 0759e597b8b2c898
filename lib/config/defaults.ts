/**
 * The built-in template of nsinit, and its parts.
 *
 * @module
 */
import { LOOPBACK } from "./loopback.ts";
import type { CapabilityName } from "./names/capabilities.ts";
import type {
  Config,
  Device,
  DeviceType,
  Mount,
  MountDevice,
} from "./types.ts";

/** `MS_NOSUID | MS_STRICTATIME`, as the original mounted `/dev`. */
const DEV_FLAGS = 0x1000002;
/** `MS_NOSUID | MS_NOEXEC`, as the original mounted `/dev/pts`. */
const DEVPTS_FLAGS = 10;
/** `MS_NOSUID | MS_NODEV | MS_NOEXEC`. */
const PLAIN_FLAGS = 14;

function systemMount(
  device: MountDevice,
  source: string,
  destination: string,
  flags: number,
  data: string,
): Mount {
  return { device, source, destination, flags, data, relabel: "" };
}

function device(
  type: DeviceType,
  major: number,
  minor: number,
  permissions: string,
  path = "",
  fileMode = 0,
): Device {
  return { type, path, major, minor, permissions, fileMode, uid: 0, gid: 0 };
}

/**
 * The six mounts of the template: /proc, /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultMounts } from "./defaults.ts";
 *
 * assertEquals(defaultMounts.length, 6);
 * ```
 */
export const defaultMounts: readonly Mount[] = [
  systemMount("proc", "proc", "/proc", PLAIN_FLAGS, ""),
  systemMount("tmpfs", "tmpfs", "/dev", DEV_FLAGS, "mode=755"),
  systemMount(
    "devpts",
    "devpts",
    "/dev/pts",
    DEVPTS_FLAGS,
    "newinstance,ptmxmode=0666,mode=0620,gid=5",
  ),
  systemMount("tmpfs", "shm", "/dev/shm", PLAIN_FLAGS, "mode=1777,size=65536k"),
  systemMount("mqueue", "mqueue", "/dev/mqueue", PLAIN_FLAGS, ""),
  systemMount("sysfs", "sysfs", "/sys", PLAIN_FLAGS | 1, ""),
];

/**
 * The six nodes of the template. The original also made `/dev/fuse`, which its
 * own device rules then refused to open; it is left out, as in runc.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultDevices } from "./defaults.ts";
 *
 * assert(defaultDevices.some(({ path }) => path === "/dev/null"));
 * ```
 */
export const defaultDevices: readonly Device[] = [
  device("c", 1, 3, "rwm", "/dev/null", 0o666),
  device("c", 1, 5, "rwm", "/dev/zero", 0o666),
  device("c", 1, 7, "rwm", "/dev/full", 0o666),
  device("c", 5, 0, "rwm", "/dev/tty", 0o666),
  device("c", 1, 9, "rwm", "/dev/urandom", 0o666),
  device("c", 1, 8, "rwm", "/dev/random", 0o666),
];

/**
 * The device rules of the template: any node may be made, and the console,
 * ttys, ptys, tun and the default nodes may be used.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultAllowedDevices } from "./defaults.ts";
 *
 * assert(defaultAllowedDevices.some(({ permissions }) => permissions === "m"));
 * ```
 */
export const defaultAllowedDevices: readonly Device[] = [
  device("c", -1, -1, "m"),
  device("b", -1, -1, "m"),
  device("c", 5, 1, "rwm", "/dev/console"),
  device("c", 4, 0, "rwm", "/dev/tty0"),
  device("c", 4, 1, "rwm", "/dev/tty1"),
  device("c", 136, -1, "rwm"),
  device("c", 5, 2, "rwm"),
  device("c", 10, 200, "rwm"),
  ...defaultDevices,
];

/**
 * The 14 capabilities of the template.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultCapabilities } from "./defaults.ts";
 *
 * assert(!defaultCapabilities.includes("SYS_ADMIN"));
 * ```
 */
export const defaultCapabilities: readonly CapabilityName[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "MKNOD",
  "NET_RAW",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "SYS_CHROOT",
  "KILL",
  "AUDIT_WRITE",
];

/**
 * Paths that the template hides.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultMaskPaths } from "./defaults.ts";
 *
 * assertEquals(defaultMaskPaths, ["/proc/kcore"]);
 * ```
 */
export const defaultMaskPaths: readonly string[] = ["/proc/kcore"];

/**
 * Paths that the template makes read-only.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultReadonlyPaths } from "./defaults.ts";
 *
 * assert(defaultReadonlyPaths.includes("/proc/sys"));
 * ```
 */
export const defaultReadonlyPaths: readonly string[] = [
  "/proc/sys",
  "/proc/sysrq-trigger",
  "/proc/irq",
  "/proc/bus",
];

/** A configuration made from the template, in which some members are always there. */
export type TemplateConfig =
  & Config
  & Required<Pick<Config, "capabilities" | "cgroups" | "networks" | "rlimits">>;

/**
 * Makes the built-in template: what `nsinit config` prints.
 *
 * Pure. Five new namespaces (all but the user namespace), the default mounts,
 * devices and capabilities, one loopback interface, host name `nsinit`.
 *
 * @param rootfs Absolute path of the root file system.
 * @returns A fresh configuration that may be spread and changed.
 *
 * @example Another host name
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 *
 * const config = { ...defaultConfig("/srv/root"), hostname: "testing" };
 * assertEquals(config.namespaces.length, 5);
 * ```
 */
export function defaultConfig(rootfs: string): TemplateConfig {
  return {
    rootfs,
    readonlyfs: false,
    noPivotRoot: false,
    parentDeathSignal: 9,
    mounts: defaultMounts,
    devices: defaultDevices,
    hostname: "nsinit",
    namespaces: [
      { type: "NEWNS" },
      { type: "NEWUTS" },
      { type: "NEWIPC" },
      { type: "NEWPID" },
      { type: "NEWNET" },
    ],
    capabilities: defaultCapabilities,
    networks: [{ ...LOOPBACK }],
    cgroups: {
      name: "",
      parent: "nsinit",
      allowAllDevices: false,
      allowedDevices: defaultAllowedDevices,
    },
    rlimits: [{ type: 7, hard: 1024, soft: 1024 }],
    maskPaths: defaultMaskPaths,
    readonlyPaths: defaultReadonlyPaths,
  };
}

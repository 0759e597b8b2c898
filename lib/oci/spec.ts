/**
 * The configuration that a new bundle begins with, as runc's `spec` writes it.
 *
 * @module
 */
import type { Json, JsonObject } from "../config/json.ts";

/** For whom a configuration is made. */
export interface SpecOptions {
  /** Ids of a user who is not root; a user namespace shows them as root's. */
  readonly rootless?: { readonly uid: number; readonly gid: number };
  /** Whether the container gets a cgroup namespace, as it does on cgroup v2. */
  readonly hasCgroupNamespace?: boolean;
}

const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
/** Options of a terminal's owner that a namespace of one id does not know. */
const IDS = /^(uid|gid)=/;

function mount(
  destination: string,
  type: string,
  source: string,
  ...options: string[]
): JsonObject {
  return { destination, type, source, ...options.length > 0 && { options } };
}

const PLAIN = ["nosuid", "noexec", "nodev"];
const MOUNTS: readonly JsonObject[] = [
  mount("/proc", "proc", "proc"),
  mount(
    "/dev",
    "tmpfs",
    "tmpfs",
    ...["nosuid", "strictatime", "mode=755", "size=65536k"],
  ),
  mount(
    "/dev/pts",
    "devpts",
    "devpts",
    ...["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
    "gid=5",
  ),
  mount("/dev/shm", "tmpfs", "shm", ...PLAIN, "mode=1777", "size=65536k"),
  mount("/dev/mqueue", "mqueue", "mqueue", ...PLAIN),
  mount("/sys", "sysfs", "sysfs", ...PLAIN, "ro"),
  mount("/sys/fs/cgroup", "cgroup", "cgroup", ...PLAIN, "relatime", "ro"),
];
const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];
const READONLY_PATHS = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** Without root: the host's sysfs in place of a new one, and no foreign ids. */
function rootlessMount(entry: JsonObject): JsonObject {
  if (entry["destination"] === "/sys") {
    return mount("/sys", "none", "/sys", "rbind", ...PLAIN, "ro");
  }
  const { options } = entry;
  if (!Array.isArray(options)) return entry;
  const kept = options.filter((option: Json) => !IDS.test(String(option)));
  return { ...entry, options: kept };
}

function namespaces({ rootless, hasCgroupNamespace }: SpecOptions): Json[] {
  const types = [
    "pid",
    ...rootless ? [] : ["network"],
    ...["ipc", "uts", "mount"],
    ...hasCgroupNamespace ? ["cgroup"] : [],
    ...rootless ? ["user"] : [],
  ];
  return types.map((type) => ({ type }));
}

function linux(options: SpecOptions): JsonObject {
  const { rootless } = options;
  const mapping = (hostID: number): Json[] => [
    { containerID: 0, hostID, size: 1 },
  ];
  return {
    ...rootless
      ? {
        uidMappings: mapping(rootless.uid),
        gidMappings: mapping(rootless.gid),
      }
      : { resources: { devices: [{ allow: false, access: "rwm" }] } },
    namespaces: namespaces(options),
    maskedPaths: MASKED_PATHS,
    readonlyPaths: READONLY_PATHS,
  };
}

/**
 * Makes the configuration of a new bundle. Pure.
 *
 * @param options For whom.
 * @returns The JSON value, keys in runc's order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeSpec } from "./spec.ts";
 *
 * assertEquals(makeSpec()["root"], { path: "rootfs", readonly: true });
 * ```
 */
export function makeSpec(options: SpecOptions = {}): JsonObject {
  return {
    ociVersion: "1.1.0",
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TERM=xterm",
      ],
      cwd: "/",
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: options.rootless ? MOUNTS.map(rootlessMount) : MOUNTS,
    linux: linux(options),
  };
}

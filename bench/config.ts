/**
 * The one configuration that all contenders run: the template with all that a
 * container of today has switched on.
 *
 * @module
 */
import { join } from "@std/path";
import { defaultConfig } from "../lib/config/defaults.ts";
import { defaultSeccomp } from "../lib/config/default_seccomp.ts";
import type { Json, JsonObject } from "../lib/config/json.ts";
import type { Config } from "../lib/config/types.ts";
import { formatConfig } from "../lib/config/format.ts";
import { toOciJson } from "../lib/config/write_oci.ts";

/** `MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY`. */
const READ_ONLY = 15;

/** What runc's own template hides. */
export const MASKED: readonly string[] = [
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

/** What runc's own template makes read-only. */
export const READONLY: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** Environment of every payload. */
export const ENV: readonly string[] = ["PATH=/bin:/usr/bin"];

/** Limits of memory in bytes and of tasks; shares of CPU, and their weight in version 2. */
export const LIMITS = {
  memory: 256 * 2 ** 20,
  pids: 512,
  shares: 512,
  weight: 59,
} as const;

/** Where a container of the bench has its cgroups. */
export interface Place {
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  /** Parent of its groups, from the root of each hierarchy. */
  readonly parent: string;
  /** Name of its groups; its id when empty. */
  readonly name: string;
}

/**
 * Makes the configuration. Pure.
 *
 * @param place Root file system and cgroups.
 * @param args Program and arguments.
 * @returns The configuration.
 */
export function benchConfig(place: Place, args: readonly string[]): Config {
  const { rootfs, parent, name } = place;
  const template = defaultConfig(rootfs);
  return {
    ...template,
    hostname: "bench",
    noNewPrivileges: true,
    seccomp: defaultSeccomp,
    maskPaths: MASKED,
    readonlyPaths: READONLY,
    mounts: [...template.mounts, {
      device: "cgroup",
      source: "cgroup",
      destination: "/sys/fs/cgroup",
      flags: READ_ONLY,
      data: "",
      relabel: "",
    }],
    cgroups: {
      ...template.cgroups,
      name,
      parent,
      memory: LIMITS.memory,
      pidsLimit: LIMITS.pids,
      cpuShares: LIMITS.shares,
    },
    process: { args, env: ENV, cwd: "/" },
  };
}

/** crun 1.8 and runc 1.1 refuse files of later versions. */
const OCI_VERSION = "1.0.2";

/**
 * Writes the configuration for the peers. Pure.
 *
 * @param place Root file system and cgroups.
 * @param args Program and arguments.
 * @returns The text of a config.json.
 */
export function ociText(place: Place, args: readonly string[]): string {
  const { parentDeathSignal: _, ...config } = benchConfig(place, args);
  const json: JsonObject = toOciJson(config, refuseLoss);
  const all: Record<string, Json> = { ...json, ociVersion: OCI_VERSION };
  return JSON.stringify(all);
}

/** What the file cannot say would be work that the peers do not do. */
function refuseLoss(warning: string): never {
  throw new Error(`Cannot write the peers' configuration: ${warning}`);
}

/**
 * Writes both files into a directory.
 *
 * @param dir The directory; made.
 * @param place Root file system and cgroups.
 * @param args Program and arguments.
 */
export async function writeBundle(
  dir: string,
  place: Place,
  args: readonly string[],
): Promise<void> {
  const own = formatConfig(benchConfig(place, args), "container.json");
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(join(dir, "config.json"), ociText(place, args));
  await Deno.writeTextFile(join(dir, "container.json"), own);
}

/**
 * All limits of a container -> writes, each to the hierarchy that can keep it.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import { HostError } from "../../errors.ts";
import {
  type CgroupHierarchy,
  type Host,
  isKernelAtLeast,
} from "../../host/types.ts";
import { cpuWrites } from "./cpu.ts";
import { cpusetWrites } from "./cpuset.ts";
import { hugetlbWrites } from "./hugetlb.ts";
import { ioWrites } from "./io.ts";
import { memoryWrites } from "./memory.ts";
import { networkWrites } from "./network.ts";
import { pidsWrites } from "./pids.ts";
import { rdmaWrites } from "./rdma.ts";
import type { CgroupVersion, LimitWrite } from "./types.ts";
import { unifiedWrites } from "./unified.ts";

/** Keys of a configuration's `cgroups` that {@linkcode limitWrites} leaves alone. */
const NOT_LIMITS: ReadonlySet<string> = new Set([
  "name",
  "parent",
  "slice",
  "allowAllDevices",
  "allowedDevices",
  "deniedDevices",
  "freezer",
]);

/** A write with the hierarchy that it goes to. */
export interface PlacedWrite {
  /** The hierarchy. */
  readonly hierarchy: CgroupHierarchy;
  /** The write. */
  readonly write: LimitWrite;
}

/** A group of limits that one controller (or its version 1 sisters) keeps. */
interface Family {
  /** Controllers of version 1, then of version 2. */
  readonly names: readonly (readonly string[])[];
  /** The writes for a version. */
  readonly writes: (
    resources: Resources,
    version: CgroupVersion,
    context: FamilyContext,
  ) => LimitWrite[];
}

/** What the writes of a family depend on besides the limits. */
interface FamilyContext {
  readonly host: Host;
  /** The hierarchy of the family's first controller. */
  readonly hierarchy: CgroupHierarchy | undefined;
  /** The limits in force, for groups that live. */
  readonly current: Resources;
}

/** Files that came with a kernel; without the check the error is a missing file. */
function checkCpuKernel({ cpuBurst, cpuIdle }: Resources, host: Host): void {
  const [limit, minor] = cpuIdle !== undefined
    ? ["cpuIdle", 15] as const
    : ["cpuBurst", 14] as const;
  if (cpuBurst === undefined && cpuIdle === undefined) return;
  if (isKernelAtLeast(host, 5, minor)) return;
  throw new HostError(
    `Cannot apply the limit ${limit}: it needs Linux 5.${minor}; leave it out`,
    { context: { limit } },
  );
}

const FAMILIES: readonly Family[] = [
  // cpuset first: a version 1 group without CPUs and nodes takes no process.
  { names: [["cpuset"], ["cpuset"]], writes: cpusetWrites },
  {
    names: [["cpu"], ["cpu"]],
    writes: (resources, version, { host, current }) => {
      checkCpuKernel(resources, host);
      return cpuWrites(resources, version, current);
    },
  },
  {
    names: [["memory"], ["memory"]],
    writes: (resources, version, { host, current }) =>
      memoryWrites(resources, version, {
        hasKernelLimit: !isKernelAtLeast(host, 5, 16),
        current,
      }),
  },
  { names: [["pids"], ["pids"]], writes: pidsWrites },
  {
    names: [["blkio"], ["io"]],
    writes: (resources, version, { hierarchy }) =>
      ioWrites(resources, version, hierarchy?.weightFile),
  },
  { names: [["hugetlb"], ["hugetlb"]], writes: hugetlbWrites },
  { names: [["rdma"], ["rdma"]], writes: rdmaWrites },
  { names: [["net_cls", "net_prio"], []], writes: networkWrites },
];

/**
 * Finds the hierarchy that carries a controller. Pure.
 *
 * @param host The machine.
 * @param controller Name of the controller.
 * @param version Only this version, when given.
 * @returns The hierarchy, if one is mounted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findHierarchy } from "./limits.ts";
 *
 * assertEquals(findHierarchy({ cgroup: { mode: "none", hierarchies: [] } }, "cpu"), undefined);
 * ```
 */
export function findHierarchy(
  host: Pick<Host, "cgroup">,
  controller: string,
  version?: CgroupVersion,
): CgroupHierarchy | undefined {
  return host.cgroup.hierarchies.find((hierarchy) =>
    (version === undefined || hierarchy.version === version) &&
    hierarchy.controllers.includes(controller)
  );
}

/**
 * Makes the error for a limit that no mounted controller can keep. Pure.
 *
 * @param limit Key of the configuration.
 * @param controller Name of the controller.
 * @param host Who starts the container.
 * @returns The error, to be thrown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { missingController } from "./limits.ts";
 *
 * assertEquals(missingController("pidsLimit", "pids").code, "HostUnsupported");
 * ```
 */
export function missingController(
  limit: string,
  controller: string,
  host: Pick<Host, "euid"> = { euid: 0 },
): HostError {
  const context = { limit, controller };
  if (host.euid !== 0) {
    return new HostError(
      `Cannot apply the limit ${limit}: no cgroup with the controller ${controller} has been delegated to this user; start it below "systemd-run --user --scope -p Delegate=yes", as root, or leave ${limit} out`,
      { context },
    );
  }
  return new HostError(
    `Cannot apply the limit ${limit}: this host has no cgroup controller ${controller} mounted; mount it (or enable it in cgroup.subtree_control), or leave ${limit} out`,
    { context },
  );
}

/** The version whose files a family's limits are written to on this host. */
function familyVersion(host: Host, { names }: Family): CgroupVersion {
  const [v1 = [], v2 = []] = names;
  if (v1.some((name) => findHierarchy(host, name, 1))) return 1;
  if (v2.some((name) => findHierarchy(host, name, 2))) return 2;
  return host.cgroup.mode === "v2" ? 2 : 1;
}

/**
 * Lists the writes for all limits but device rules, in order. Pure.
 *
 * @param resources The limits.
 * @param host The machine.
 * @param current The limits in force, for groups that live: they decide the
 * order of the writes.
 * @returns The writes with their hierarchies.
 * @throws {ConfigError} `ConfigInvalid` for values that cannot be.
 * @throws {HostError} `HostUnsupported` for a limit that the host cannot keep.
 *
 * @example A host without cgroups keeps no limit
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import type { Host } from "../../host/types.ts";
 * import { limitWrites } from "./limits.ts";
 *
 * const host: Host = {
 *   cgroup: { mode: "none", hierarchies: [] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * assertThrows(() => limitWrites({ pidsLimit: 5 }, host), Error, "pids");
 * ```
 */
export function limitWrites(
  resources: Resources,
  host: Host,
  current: Resources = {},
): PlacedWrite[] {
  // Most containers have none, and a start waits for every function compiled.
  const isLimited = Object.entries(resources).some(([key, value]) =>
    value !== undefined && !NOT_LIMITS.has(key)
  );
  if (!isLimited) return [];
  return [
    ...FAMILIES.flatMap((family) => {
      const version = familyVersion(host, family);
      const [main = ""] = family.names[version - 1] ?? [];
      const hierarchy = findHierarchy(host, main, version);
      const context = { host, hierarchy, current };
      return family.writes(resources, version, context)
        .map((write) => placeWrite(write, host, version));
    }),
    // Last: what is written by its file's name has the last word.
    ...unifiedWrites(resources).map((write) => placeWrite(write, host, 2)),
  ];
}

function placeWrite(
  write: LimitWrite,
  host: Host,
  version: CgroupVersion,
): PlacedWrite {
  const hierarchy = findHierarchy(host, write.controller, version);
  if (hierarchy) return { hierarchy, write };
  if (write.limit !== "unified") {
    throw missingController(write.limit, write.controller, host);
  }
  throw new HostError(
    `Cannot write ${write.file} (cgroups.unified): invalid configuration: the requested cgroup controller \`${write.controller}\` is not available: no cgroup v2 of this host has it; leave it out`,
    { context: { limit: "unified", controller: write.controller } },
  );
}

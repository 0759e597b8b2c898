/**
 * The container's cgroups: which groups are made, limited and joined.
 *
 * @module
 */
import type { Cgroup, Config } from "../config/types.ts";
import { HostError } from "../errors.ts";
import {
  type CgroupHierarchy,
  type Host,
  isHostRoot,
  isKernelAtLeast,
} from "../host/types.ts";
import {
  type DevicePolicy,
  devicePolicy,
  deviceWrites,
  isOpenPolicy,
} from "./cgroup/devices.ts";
import { deviceProgram } from "./cgroup/devices_bpf.ts";
import { freezerWrite } from "./cgroup/freezer.ts";
import {
  findHierarchy,
  limitWrites,
  missingController,
} from "./cgroup/limits.ts";
import type { ChildOp, Op, ParentOp } from "./ops.ts";
import { SLOTS } from "./ops.ts";
import { writeFlags } from "./cgroup/types.ts";
import { SlotAllocator } from "./slots.ts";
import { refuse } from "./refusal.ts";
import type { Placement, ResourceCgroup, ScopeUnit } from "./types.ts";

/** Version 2 controllers that a container with limits gets, for its statistics. */
const ALWAYS_ENABLED = ["cpu", "io", "memory", "pids"];
/** Version 1 hierarchies that hold a container without limits together. */
const TRACKING = ["freezer", "pids", "name=systemd"];

/** What the cgroups add to a Plan. */
export interface CgroupPart {
  /** The groups. */
  readonly groups: readonly ResourceCgroup[];
  /** Parent, before the child exists: the group that it is cloned into. */
  readonly before: readonly ParentOp[];
  /** Parent, while the child begins: makes and limits the others. */
  readonly parent: readonly ParentOp[];
  /** Parent, once the program runs: a process would stop where it enters a frozen group. */
  readonly late: readonly ParentOp[];
  /** Child: joins those that clone3(2) does not enter. */
  readonly child: readonly ChildOp[];
  /** Slots of the groups that the child joins. */
  readonly slots: readonly number[];
  /** Slot of the version 2 group for `spawn`, -1 for none. */
  readonly spawnSlot: number;
  /**
   * Parent, once the child exists and waits at point `group`: has systemd put it
   * into the groups that it makes. Empty where groups are made before.
   */
  readonly around: readonly ParentOp[];
  /** The systemd unit that the groups belong to, when it makes them. */
  readonly scope?: ScopeUnit;
}

/** Checks a group path; it becomes part of host paths. */
function checkPath(path: string): void {
  const parts = path.split("/").filter((part) => part !== "");
  if (
    parts.length > 0 && !parts.some((part) => part === "." || part === "..")
  ) {
    return;
  }
  throw refuse(
    "cgroups",
    `Cannot make cgroups at ${
      JSON.stringify(path)
    }: a path has at least one name, and none is . or ..`,
  );
}

/**
 * Finds the directory of a group in a hierarchy. Pure.
 *
 * @param hierarchy The hierarchy.
 * @param path Path of the group; an absolute one counts from the mount point,
 * a relative one from pid 1's group.
 * @returns The group and the directory below which it is made.
 * @throws {ConfigError} `ConfigInvalid` for an empty path or one with `..`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { locateGroup } from "./cgroups.ts";
 *
 * const pids = { version: 1, controllers: ["pids"], mount: "/cg", root: "/", base: "/cg/a" } as const;
 * assertEquals(locateGroup(pids, "nsinit/demo").path, "/cg/a/nsinit/demo");
 * assertEquals(locateGroup(pids, "/nsinit/demo").path, "/cg/nsinit/demo");
 * ```
 */
export function locateGroup(
  hierarchy: CgroupHierarchy,
  path: string,
): Omit<ResourceCgroup, "owner"> {
  checkPath(path);
  const { version, controllers, mount } = hierarchy;
  const base = path.startsWith("/") ? mount : hierarchy.base;
  const below = path.split("/").filter((part) => part !== "").join("/");
  return { version, controllers, base, path: `${base}/${below}` };
}

/** Hierarchies in which the container gets a group. */
function chooseHierarchies(
  config: Config,
  host: Host,
): readonly CgroupHierarchy[] {
  const { hierarchies } = host.cgroup;
  if (config.cgroups) return hierarchies;
  const unified = hierarchies.filter(({ version }) => version === 2);
  if (unified.length > 0) return unified;
  return hierarchies.filter(({ controllers }) =>
    controllers.some((name) => TRACKING.includes(name))
  );
}

/**
 * What of cgroups a container has that is to have none: it stays in its
 * starter's, and its limits and device rules are nobody's. Pure.
 *
 * @param config The configuration.
 * @returns No groups and no operations.
 * @throws {HostError} `HostUnsupported` for a container without a pid namespace of
 * its own, whose processes nobody could find again.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { noCgroups } from "./cgroups.ts";
 *
 * assertEquals(noCgroups(defaultConfig("/srv/root")).groups, []);
 * ```
 */
export function noCgroups({ namespaces }: Config): CgroupPart {
  if (!hasOwnPids(namespaces)) {
    throw new HostError(
      "Cannot start a container without a pid namespace and without cgroups: its processes could not be found again; let it have cgroups, or add the namespace NEWPID",
    );
  }
  return {
    groups: [],
    before: [],
    parent: [],
    late: [],
    child: [],
    slots: [],
    spawnSlot: -1,
    around: [],
  };
}

function hasOwnPids(namespaces: Config["namespaces"]): boolean {
  return namespaces.some(({ type, path }) =>
    type === "NEWPID" && path === undefined
  );
}

/** Without any group only a pid namespace holds a container's processes together. */
function checkHeld(
  config: Config,
  groups: readonly unknown[],
  { euid }: Pick<Host, "euid">,
): void {
  if (groups.length > 0) return;
  if (hasOwnPids(config.namespaces)) return;
  if (euid !== 0) {
    throw new HostError(
      "Cannot start a container without a pid namespace: no cgroup has been delegated to this user, so its processes could not be found again; start it below systemd-run --user --scope, as root, or add the namespace NEWPID",
    );
  }
  throw new HostError(
    "Cannot start a container without a pid namespace: this host has no cgroups mounted, so its processes could not be found again; mount cgroup2 at /sys/fs/cgroup, or add the namespace NEWPID",
  );
}

/**
 * Enables controllers of version 2 for a group. Pure.
 *
 * A user's group may hold processes, which forbids controllers: there only
 * those go on that a limit needs.
 *
 * @param group The group.
 * @param wanted Controllers besides those that are needed for statistics.
 * @param host Who starts the container.
 * @returns One operation, or none where the hierarchy has none of them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { enableOp } from "./cgroups.ts";
 *
 * const group = { version: 2, controllers: ["pids"], base: "/cg", path: "/cg/a", owner: "" } as const;
 * assertEquals(enableOp(group, [], { euid: 0 }).map(({ controllers }) => controllers), [["+pids"]]);
 * ```
 */
export function enableOp(
  group: ResourceCgroup,
  wanted: readonly string[],
  host: Pick<Host, "euid" | "userNamespaceInode">,
): Op<"cgroup.enable">[] {
  const always = isHostRoot(host) ? ALWAYS_ENABLED : [];
  const controllers = group.controllers
    .filter((name) => always.includes(name) || wanted.includes(name))
    .map((name) => `+${name}`);
  if (controllers.length === 0) return [];
  const { base, path } = group;
  return [{ op: "cgroup.enable", base, path, controllers }];
}

/**
 * Makes a group ready for processes. Pure.
 *
 * @param group The group.
 * @param slot Slot for its descriptor, -1 for none.
 * @param takes Whether it may be there, empty; else it must not exist yet.
 * @returns The operations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeOps } from "./cgroups.ts";
 *
 * const group = { version: 1, controllers: ["cpuset"], base: "/cg", path: "/cg/a", owner: "" } as const;
 * assertEquals(makeOps(group).map(({ op }) => op), ["cgroup.make", "cgroup.cpuset"]);
 * ```
 */
export function makeOps(
  group: ResourceCgroup,
  slot = -1,
  takes = false,
): ParentOp[] {
  const { version, base, path, controllers, owner } = group;
  const make: ParentOp = {
    op: "cgroup.make",
    flags: takes ? 2 : 1,
    slot,
    base,
    path,
    owner,
    note: version === 2 ? "v2" : controllers.join(","),
  };
  return version === 1 && controllers.includes("cpuset")
    ? [make, { op: "cgroup.cpuset", base, path }]
    : [make];
}

/** Directory of the container's group in a hierarchy. */
export type GroupLocator = (hierarchy: CgroupHierarchy) => string;

/** Device rules: the version 1 controller, else a program on the version 2 group. */
function deviceOps(
  policy: DevicePolicy,
  host: Host,
  pathIn: GroupLocator,
): ParentOp[] {
  // Only root may attach a device program. A user needs none: in a user
  // namespace nobody can make nodes, and those bound are his to open or not.
  if (isOpenPolicy(policy) || !isHostRoot(host)) return [];
  const v1 = findHierarchy(host, "devices", 1);
  if (v1) {
    const path = pathIn(v1);
    return deviceWrites(policy).map(({ file, value }) => ({
      op: "cgroup.write",
      flags: 0,
      path,
      file,
      value,
    }));
  }
  const v2 = host.cgroup.hierarchies.find(({ version }) => version === 2);
  if (!v2) {
    const limit = policy.allow ? "deniedDevices" : "allowedDevices";
    throw missingController(limit, "devices");
  }
  const path = pathIn(v2);
  return [{
    op: "cgroup.devices",
    flags: 0,
    path,
    program: deviceProgram(policy),
  }];
}

/**
 * Writes all limits of a configuration, with what enables them first. Pure.
 *
 * @param cgroups The limits.
 * @param groups The container's groups.
 * @param host The machine.
 * @param pathIn Where the group of a hierarchy is.
 * @param isEngines Whether an engine's container gets all controllers of version
 * 2, as from other runtimes: engines and suites look for them.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
 * @throws {HostError} `HostUnsupported` for limits that the host cannot keep.
 */
export function limitOps(
  cgroups: Cgroup,
  groups: readonly ResourceCgroup[],
  host: Host,
  pathIn: GroupLocator,
  isEngines = false,
): ParentOp[] {
  const placed = limitWrites(cgroups, host);
  const needed = placed
    .filter(({ hierarchy }) => hierarchy.version === 2)
    .map(({ write }) => write.controller);
  const getsAll = isEngines && isHostRoot(host);
  return [
    ...groups.filter(({ version }) => version === 2)
      .flatMap((group) =>
        enableOp(group, getsAll ? group.controllers : needed, host)
      ),
    ...placed.map(({ hierarchy, write }): ParentOp => ({
      op: "cgroup.write",
      flags: writeFlags(write),
      path: pathIn(hierarchy),
      file: write.file,
      value: write.value,
      note: write.limit,
    })),
    ...deviceOps(devicePolicy(cgroups), host, pathIn),
  ];
}

/** Freezes the groups where the configuration asks for it; throws where nothing can. */
export function freezeOps(
  { freezer }: Cgroup,
  groups: readonly ResourceCgroup[],
  host: Host,
): ParentOp[] {
  if (freezer !== "FROZEN") return [];
  const group =
    groups.find(({ controllers }) => controllers.includes("freezer")) ??
      groups.find(({ version }) => version === 2);
  if (!group) throw missingController("freezer", "freezer", host);
  const { file, value, limit } = freezerWrite(freezer, group.version);
  const { path } = group;
  return [{ op: "cgroup.write", flags: 0, path, file, value, note: limit }];
}

/**
 * Lists how a process enters groups. Pure.
 *
 * Version 1 groups are joined by the single-threaded child through `tasks`,
 * which does not wait for the kernel's grace period; the version 2 group is
 * entered by clone3(2) since Linux 5.7, before by `cgroup.procs`.
 *
 * @param groups The groups.
 * @param host The machine.
 * @returns Parent and child operations, and the slot for `spawn`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planCgroupEntry } from "./cgroups.ts";
 *
 * const v2 = { version: 2, path: "/cg/demo" } as const;
 * assertEquals(planCgroupEntry([v2], { kernel: [6, 1] }).spawnSlot, 7);
 * assertEquals(planCgroupEntry([v2], { kernel: [5, 4] }).child.length, 1);
 * ```
 */
export function planCgroupEntry(
  groups: readonly (
    & Pick<ResourceCgroup, "version" | "path">
    & { readonly slot?: number }
  )[],
  host: Pick<Host, "kernel">,
): Pick<CgroupPart, "parent" | "child" | "spawnSlot" | "around"> {
  const canClone = isKernelAtLeast(host, 5, 7);
  const cloned = canClone && groups.find(({ version }) => version === 2);
  return {
    parent: cloned
      ? [{ op: "cgroup.open", slot: SLOTS.cgroup, path: cloned.path }]
      : [],
    child: groups.filter((group) => group !== cloned).map((
      { version, path, slot = -1 },
    ): ChildOp => ({
      op: "cgroup.join",
      slot,
      path,
      file: version === 1 ? "tasks" : "cgroup.procs",
    })),
    spawnSlot: cloned ? SLOTS.cgroup : -1,
    around: [],
  };
}

/**
 * Plans the cgroups of a new container. Pure.
 *
 * With `cgroups` in the configuration: a group in every hierarchy, limits, and
 * device rules that start at "deny all". Without: a group to be found by, in
 * the version 2 hierarchy or else in a few of version 1, and no rules.
 *
 * @param config The configuration.
 * @param host The machine.
 * @param place Path of the groups and the mark of their owner; or the part
 * itself, planned before (`planScope`).
 * @returns The groups and the operations.
 * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
 * @throws {HostError} `HostUnsupported` for limits that the host cannot keep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { planCgroups } from "./cgroups.ts";
 *
 * const unified = { version: 2, controllers: ["cpu"], mount: "/cg", root: "/", base: "/cg" } as const;
 * const host: Host = {
 *   cgroup: { mode: "v2", hierarchies: [unified] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * const part = planCgroups(defaultConfig("/srv/root"), host, {
 *   cgroupPath: "nsinit/demo",
 *   alias: "nsinit:demo",
 * });
 * assertEquals(part.groups.map(({ path }) => path), ["/cg/nsinit/demo"]);
 * assertEquals(part.spawnSlot, 7);
 * ```
 */
export function planCgroups(
  config: Config,
  host: Host,
  place: Pick<
    Placement,
    "cgroupPath" | "alias" | "cgroups" | "isEngines"
  >,
  slots: SlotAllocator = new SlotAllocator(),
): CgroupPart {
  if (place.cgroups) return place.cgroups;
  const { cgroupPath, alias: owner, isEngines = false } = place;
  const groups = chooseHierarchies(config, host)
    .map((hierarchy) => ({ ...locateGroup(hierarchy, cgroupPath), owner }));
  checkHeld(config, groups, host);
  const joined = groups.filter(({ version }) => version === 1)
    .map((group) => ({ ...group, slot: slots.take() }));
  const unified = groups.filter(({ version }) => version === 2);
  const entry = planCgroupEntry([...joined, ...unified], host);
  const isCloned = entry.spawnSlot !== -1;
  const makeUnified = unified.flatMap((group) => makeOps(group, -1, isEngines));
  const limits = config.cgroups
    ? limitOps(
      config.cgroups,
      groups,
      host,
      (hierarchy) => locateGroup(hierarchy, cgroupPath).path,
      isEngines,
    )
    : [];
  return {
    ...entry,
    groups,
    slots: joined.map(({ slot }) => slot),
    before: isCloned ? [...makeUnified, ...entry.parent] : [],
    parent: [
      ...joined.flatMap(({ slot, ...group }) =>
        makeOps(group, slot, isEngines)
      ),
      ...isCloned ? [] : makeUnified,
      ...limits,
    ],
    late: config.cgroups ? freezeOps(config.cgroups, groups, host) : [],
  };
}

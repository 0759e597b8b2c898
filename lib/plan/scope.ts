/**
 * The container's cgroups, made by systemd: a transient scope around its first
 * process.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { HostError } from "../errors.ts";
import { groupBelowMount } from "../host/kernel_files.ts";
import type { CgroupHierarchy, Host } from "../host/types.ts";
import { devicePolicy } from "./cgroup/devices.ts";
import { findHierarchy, limitWrites } from "./cgroup/limits.ts";
import {
  deviceProperties,
  systemdProperties,
  withKeptQuota,
} from "./cgroup/systemd_properties.ts";
import { replaceProperties, unitProperties } from "./cgroup/unit_labels.ts";
import {
  type CgroupPart,
  freezeOps,
  limitOps,
  locateGroup,
  makeOps,
  planCgroupEntry,
} from "./cgroups.ts";
import type { ParentOp } from "./ops.ts";
import { groupName, slicePath } from "./systemd_names.ts";
import type { ResourceCgroup, ScopePlace } from "./types.ts";

/** What systemd gives a container between SIGTERM and SIGKILL, in microseconds. */
const STOP_TIMEOUT_US = 10_000_000;

/** Whose scope it is, and where. */
export interface ScopeInput {
  /** Container id. */
  readonly id: string;
  /** Mark of the groups. */
  readonly alias: string;
  /** The unit. */
  readonly scope: ScopePlace;
  /** Whether systemd is to keep the unit when it has failed, so that it can be looked at. */
  readonly keepsFailed?: boolean;
}

/** Path of a unit's groups, counted from a hierarchy's mount. */
function scopePath(
  { root, slice, unit }: ScopePlace,
  hierarchy: CgroupHierarchy,
): string {
  const path = `${root}${slicePath(slice)}/${groupName(unit)}`;
  return groupBelowMount(path, hierarchy.root);
}

/** Whether systemd makes the group of a hierarchy before it lets the unit start. */
function isMadeBySystemd(
  { version, controllers }: Pick<ResourceCgroup, "version" | "controllers">,
): boolean {
  return version === 2 || controllers.includes("name=systemd");
}

/** Groups of systemd are marked; those that it may have left out are made. */
function adoptOps(group: ResourceCgroup): ParentOp[] {
  const { path, owner } = group;
  const adopt: ParentOp = { op: "cgroup.adopt", path, owner };
  if (isMadeBySystemd(group)) return [adopt];
  const made = makeOps(group).map((op) =>
    op.op === "cgroup.make" ? { ...op, flags: 0 } : op
  );
  return [...made, adopt];
}

/** Properties of every scope; without `TasksMax` systemd has a default of its own. */
function scopeProperties(
  { id, scope: { slice }, keepsFailed = false }: ScopeInput,
): string[] {
  return [
    `Description=nsinit container ${id}`,
    `Slice=${slice}`,
    "Delegate=true",
    "DefaultDependencies=false",
    ...(keepsFailed ? [] : ["CollectMode=inactive-or-failed"]),
    "CPUAccounting=true",
    "MemoryAccounting=true",
    "TasksAccounting=true",
    `TimeoutStopUSec=${STOP_TIMEOUT_US}`,
  ];
}

/**
 * Plans the cgroups of a new container in a transient scope of systemd. Pure.
 *
 * The unit is made around the child, which waits meanwhile. Its properties say
 * the limits that systemd knows, since it writes those files again now and
 * then; after that all limits are written to the files as without systemd, those
 * that it does not know among them.
 *
 * @param config The configuration.
 * @param host The machine.
 * @param input Whose scope it is, where, and what becomes of it when it fails.
 * @returns The groups and the operations.
 * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
 * @throws {HostError} `HostUnsupported` for limits that the host cannot keep, and
 * where neither cgroup v2 nor systemd's own hierarchy is mounted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { planScope } from "./scope.ts";
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
 * const scope = { bus: "system", unit: "nsinit-demo.scope", slice: "system.slice", root: "" } as const;
 * const part = planScope(defaultConfig("/srv"), host, { id: "demo", alias: "nsinit:demo", scope });
 * assertEquals(part.groups.map(({ path }) => path), ["/cg/system.slice/nsinit-demo.scope"]);
 * assertEquals(part.around[0]?.op, "systemd.scope");
 * ```
 */
export function planScope(
  config: Config,
  host: Host,
  input: ScopeInput,
): CgroupPart {
  const { alias: owner, scope } = input;
  const { bus, unit } = scope;
  const cgroups = config.cgroups && withKeptQuota(config.cgroups);
  const pathIn = (hierarchy: CgroupHierarchy): string =>
    locateGroup(hierarchy, `/${scopePath(scope, hierarchy)}`).path;
  const groups = host.cgroup.hierarchies.map((hierarchy): ResourceCgroup => {
    const group = locateGroup(hierarchy, `/${scopePath(scope, hierarchy)}`);
    const managed = isMadeBySystemd(group);
    return { ...group, owner, ...(managed && { managed }) };
  });
  const path = groups.find(isMadeBySystemd)?.path;
  if (path === undefined) {
    throw new HostError(
      "Cannot have systemd make the cgroups: neither cgroup v2 nor the hierarchy name=systemd is mounted; use the cgroupfs driver",
    );
  }
  const writes = cgroups ? limitWrites(cgroups, host) : [];
  const hasV1Devices = findHierarchy(host, "devices", 1) !== undefined;
  const properties = replaceProperties([
    ...scopeProperties(input),
    ...(cgroups?.pidsLimit === undefined ? ["TasksMax=infinity"] : []),
    ...systemdProperties(writes.map(({ write }) => write)),
    ...(cgroups && hasV1Devices ? deviceProperties(devicePolicy(cgroups)) : []),
  ], unitProperties(config.labels ?? []));
  const group = `${scope.root}${slicePath(scope.slice)}/${groupName(unit)}`;
  const joined = groups.filter(({ version }) => version === 1);
  return {
    groups,
    scope: { bus, unit },
    slots: [],
    before: [],
    parent: [],
    spawnSlot: -1,
    around: [
      { op: "systemd.scope", bus, unit, group, path, properties },
      ...groups.flatMap(adoptOps),
      ...(cgroups ? limitOps(cgroups, groups, host, pathIn) : []),
    ],
    child: planCgroupEntry(joined, host).child,
    late: cgroups ? freezeOps(cgroups, groups, host) : [],
  };
}

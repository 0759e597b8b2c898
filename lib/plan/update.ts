/**
 * New limits for a container that lives -> Plan.
 *
 * @module
 */
import { writeFlags } from "./cgroup/types.ts";
import type { Cgroup, Resources } from "../config/types.ts";
import { HostError } from "../errors.ts";
import type { Host } from "../host/types.ts";
import {
  type DevicePolicy,
  devicePolicy,
  deviceTransition,
  isOpenPolicy,
} from "./cgroup/devices.ts";
import { deviceProgram } from "./cgroup/devices_bpf.ts";
import { limitWrites, missingController } from "./cgroup/limits.ts";
import { mergeResources } from "./cgroup/merge.ts";
import { withKeptQuota } from "./cgroup/systemd_properties.ts";
import { enableOp } from "./cgroups.ts";
import type { Op, ParentOp } from "./ops.ts";
import type { ResourceCgroup } from "./types.ts";

/** A container whose limits are changed. */
export interface UpdateTarget {
  /** Its id. */
  readonly id: string;
  /** The limits in force; absent for one that was started without `cgroups`. */
  readonly cgroups?: Cgroup;
  /** Its groups, as recorded. */
  readonly groups: readonly ResourceCgroup[];
  /** Whether systemd has made them, and writes limits as well. */
  readonly isScope?: boolean;
}

/** Writes of an update; each has a `note` that says which limit it is for. */
export type UpdateOp = Op<"cgroup.enable" | "cgroup.write" | "cgroup.devices">;

/** How device rules are led from one list to another. */
export interface DeviceUpdate {
  /** The operations. */
  readonly ops: readonly UpdateOp[];
  /** The operations that lead back. */
  readonly back: readonly UpdateOp[];
  /** Whether no process of the container may run meanwhile. */
  readonly needsPause: boolean;
}

/** An update, planned. */
export interface UpdatePlan {
  /** All limits afterwards, to be recorded. */
  readonly next: Cgroup;
  /** The limits, in an order that the kernel takes at every step. */
  readonly limits: readonly UpdateOp[];
  /** The device rules. */
  readonly devices: DeviceUpdate;
  /** Whether the container is to be frozen or thawed at the end. */
  readonly freezer: "FROZEN" | "THAWED" | undefined;
}

const NO_DEVICES: DeviceUpdate = { ops: [], back: [], needsPause: false };

/** The container's group where a controller is. */
function groupOf(
  { id, groups }: UpdateTarget,
  version: 1 | 2,
  controller: string,
  limit: string,
): ResourceCgroup {
  const group = groups.find((each) =>
    each.version === version &&
    (version === 2 || each.controllers.includes(controller))
  );
  if (group) return group;
  throw new HostError(
    `Cannot change ${limit} of container ${id}: it has no group in the hierarchy of ${controller}, since it was started without cgroups in its configuration; start it with them`,
    { context: { id, limit, controller } },
  );
}

function limitOps(
  target: UpdateTarget,
  written: Resources,
  host: Host,
): UpdateOp[] {
  const placed = limitWrites(written, host, target.cgroups);
  const wanted = placed
    .filter(({ hierarchy }) => hierarchy.version === 2)
    .map(({ write }) => write.controller);
  const unified = wanted.length === 0
    ? []
    : target.groups.filter(({ version }) => version === 2);
  return [
    ...unified.flatMap((group) => enableOp(group, wanted, host)),
    ...placed.map(({ hierarchy, write }): UpdateOp => ({
      op: "cgroup.write",
      flags: writeFlags(write),
      path: groupOf(target, hierarchy.version, write.controller, write.limit)
        .path,
      file: write.file,
      value: write.value,
      note: write.limit,
    })),
  ];
}

/** Rules of version 1: lines that change what is different. */
function transitionOps(
  { path }: ResourceCgroup,
  from: DevicePolicy,
  to: DevicePolicy,
): Pick<DeviceUpdate, "needsPause" | "ops"> {
  const { writes, isOpenBetween } = deviceTransition(from, to);
  const ops = writes.map(({ file, value, limit }): UpdateOp => ({
    op: "cgroup.write",
    flags: 0,
    path,
    file,
    value,
    note: limit,
  }));
  return { ops, needsPause: isOpenBetween };
}

/** Version 2: a program in the place of another. */
function programOp({ path }: ResourceCgroup, policy: DevicePolicy): UpdateOp {
  return {
    op: "cgroup.devices",
    flags: 1,
    path,
    program: deviceProgram(policy),
    note: "device rules",
  };
}

function deviceUpdate(
  { groups }: UpdateTarget,
  from: DevicePolicy,
  to: DevicePolicy,
): DeviceUpdate {
  if (isOpenPolicy(from) && isOpenPolicy(to)) return NO_DEVICES;
  const v1 = groups.find(({ controllers, version }) =>
    version === 1 && controllers.includes("devices")
  );
  if (v1) {
    const there = transitionOps(v1, from, to);
    const back = transitionOps(v1, to, from);
    return {
      ops: there.ops,
      back: back.ops,
      needsPause: there.needsPause || back.needsPause,
    };
  }
  const v2 = groups.find(({ version }) => version === 2);
  if (!v2) throw missingController("allowedDevices", "devices");
  return {
    ops: [programOp(v2, to)],
    back: [programOp(v2, from)],
    needsPause: false,
  };
}

/**
 * Plans new limits for a container that lives. Pure.
 *
 * Goes through the same functions as a start: what a limit becomes is said
 * once. Members that are not given stay (see `mergeResources`).
 *
 * @param target The container.
 * @param resources What changes.
 * @param host The machine.
 * @returns The operations, and the limits afterwards.
 * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
 * @throws {HostError} `HostUnsupported` for limits that the host cannot keep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import type { Host } from "../host/types.ts";
 * import { planUpdate } from "./update.ts";
 *
 * const pids = { version: 1, controllers: ["pids"], mount: "/cg", root: "/", base: "/cg" } as const;
 * const host: Host = {
 *   cgroup: { mode: "v1", hierarchies: [pids] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * const { limits } = planUpdate(
 *   {
 *     id: "demo",
 *     cgroups: { name: "", parent: "" },
 *     groups: [{ version: 1, controllers: ["pids"], base: "/cg", path: "/cg/demo", owner: "" }],
 *   },
 *   { pidsLimit: 9 },
 *   host,
 * );
 * assertEquals(limits.map(({ path }) => path), ["/cg/demo"]);
 * ```
 */
export function planUpdate(
  target: UpdateTarget,
  resources: Resources,
  host: Host,
): UpdatePlan {
  const { next, written, changesDevices } = mergeResources(
    target.cgroups,
    resources,
  );
  const from = devicePolicy(target.cgroups ?? { allowAllDevices: true });
  const devices = changesDevices
    ? deviceUpdate(target, from, devicePolicy(next))
    : NO_DEVICES;
  return {
    next,
    limits: limitOps(
      target,
      target.isScope ? withKeptQuota(written) : written,
      host,
    ),
    devices,
    freezer: written.freezer || undefined,
  };
}

/** The operations of an update as a Plan's list, e.g. for `explain`. */
export function updateOps({ limits, devices }: UpdatePlan): ParentOp[] {
  return [...limits, ...devices.ops];
}

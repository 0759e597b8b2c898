/**
 * Containers in transient scopes of systemd.
 *
 * @module
 */
import { HostError, KernelError } from "../errors.ts";
import { groupBelowMount, parseProcCgroup } from "../host/kernel_files.ts";
import { probeCgroups } from "../host/probe.ts";
import { type Host, isHostRoot } from "../host/types.ts";
import type { CgroupPart } from "../plan/cgroups.ts";
import type { Op } from "../plan/ops.ts";
import { planScope } from "../plan/scope.ts";
import { scopeName } from "../plan/systemd_names.ts";
import { type Bus, Manager } from "../systemd/manager.ts";
import { stateOfGroup } from "./freezer.ts";
import type { SandboxRequest } from "./start.ts";

const EBUSY = 16;

/** Slices where none is named: those that systemd has for services and applications. */
const DEFAULT_SLICES = { system: "system.slice", user: "app.slice" } as const;

/** The machine with the hierarchy that a user's systemd has, and what was delegated to it. */
async function hostOfUser(host: Host, root: string): Promise<Host> {
  const unified = probeCgroups().hierarchies.find(({ version }) =>
    version === 2
  );
  if (!unified) return { ...host, cgroup: { mode: "none", hierarchies: [] } };
  const base = unified.mount + groupBelowMount(root, unified.root);
  const text = await Deno.readTextFile(`${base}/cgroup.controllers`);
  const controllers = text.split(/\s+/).filter((name) => name !== "");
  const hierarchy = { ...unified, base, controllers };
  return { ...host, cgroup: { mode: "v2", hierarchies: [hierarchy] } };
}

/**
 * Plans the scope of a container: asks systemd where its groups are, makes
 * nothing.
 *
 * @param request What is to be started.
 * @param alias Mark of its groups.
 * @param host The machine.
 * @returns The part of the Plan.
 * @throws {ConfigError} `ConfigInvalid` for names that no unit can have.
 * @throws {HostError} `HostUnsupported` if systemd does not run.
 */
export async function placeScope(
  request: SandboxRequest,
  alias: string,
  host: Host,
): Promise<CgroupPart> {
  const { id, config, cgroupNameTaken = false } = request;
  const { name = "", parent = "nsinit", slice } = config.cgroups ?? {};
  // Root of a user namespace is an ordinary user, as engines are that work for one.
  const bus: Bus = isHostRoot(host) ? "system" : "user";
  const named = scopeName({
    id,
    name,
    parent,
    defaultSlice: DEFAULT_SLICES[bus],
    isTaken: cgroupNameTaken,
    ...(slice !== undefined && { slice }),
  });
  using manager = await Manager.connect(bus);
  const root = await manager.controlGroup();
  const scope = { bus, root, ...named };
  const seen = bus === "user" ? await hostOfUser(host, root) : host;
  const keepsFailed = request.keepsFailedUnit === true;
  return planScope(config, seen, { id, alias, scope, keepsFailed });
}

/**
 * Whether a process is in a group, by what the kernel says of it. Its paths
 * count from our own cgroup namespace, systemd's from the top.
 */
async function isInGroup(pid: number, group: string): Promise<boolean> {
  const text = await Deno.readTextFile(`/proc/${pid}/cgroup`);
  return parseProcCgroup(text).some(({ path, version, controllers }) =>
    (version === 2 || controllers.includes("name=systemd")) &&
    path !== "/" && group.endsWith(path)
  );
}

/**
 * A process stops where it enters a frozen group, before it can say anything;
 * systemd takes a group that is there already as it is.
 */
function checkThawed(unit: string, path: string): void {
  const now = stateOfGroup({ version: 2, path });
  if (now === undefined || now === "thawed") return;
  throw new KernelError(
    `Cannot have systemd start ${unit}: container's cgroup unexpectedly frozen: thaw it with "echo 0 > ${path}/cgroup.freeze", or name another`,
    {
      errno: EBUSY,
      errnoName: "EBUSY",
      operation: "systemd.scope",
      context: { unit, path },
    },
  );
}

/**
 * Has systemd start a scope around a process that waits.
 *
 * @param op The operation.
 * @param pid The process, as seen here.
 * @throws {KernelError} `SystemError`: EEXIST if there is a unit of that name,
 * EBUSY if its group is there and frozen.
 * @throws {HostError} `HostUnsupported` if systemd refuses, or puts the process
 * elsewhere than was recorded.
 */
export async function makeScope(
  op: Op<"systemd.scope">,
  pid: number,
): Promise<void> {
  const { unit, group, path, properties } = op;
  checkThawed(unit, path);
  using manager = await Manager.connect(op.bus === "user" ? "user" : "system");
  const found = await manager.startScope({ unit, pid, properties });
  if (found === group && await isInGroup(pid, group)) return;
  throw new HostError(
    `Cannot use the scope ${unit}: systemd put it at ${
      JSON.stringify(found)
    }, wanted ${
      JSON.stringify(group)
    } with the container's process in it; is nsinit in another pid namespace than systemd?`,
    { context: { unit, found, group, pid } },
  );
}

/**
 * Has systemd forget the unit of a container that is gone: it keeps one that has
 * failed, as after a time limit of its own.
 *
 * @param scope The unit; without systemd, as when its user has left, there is none.
 * @throws {HostError} `HostUnsupported` if systemd refuses.
 */
export async function forgetScope(
  scope: { readonly bus: Bus; readonly unit: string },
): Promise<void> {
  using manager = await Manager.connect(scope.bus).catch((error) => {
    if (error instanceof HostError) return undefined;
    throw error;
  });
  await manager?.resetFailed(scope.unit);
}

/**
 * Changes properties of a container's unit.
 *
 * @param scope The unit.
 * @param properties `Name=value`.
 * @throws {HostError} `HostUnsupported` if systemd refuses.
 */
export async function changeScope(
  scope: { readonly bus: Bus; readonly unit: string },
  properties: readonly string[],
): Promise<void> {
  if (properties.length === 0) return;
  using manager = await Manager.connect(scope.bus);
  await manager.setProperties(scope.unit, properties);
}

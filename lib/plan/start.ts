/**
 * The start of a container: (configuration, process, host, placement) -> Plan.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { planKeyring } from "./attributes.ts";
import { type CgroupPart, planCgroups } from "./cgroups.ts";
import { planDevices } from "./devices.ts";
import { type HookPart, planHooks, planPoststop } from "./hooks.ts";
import { type IdMapPart, planIdMaps } from "./id_maps.ts";
import {
  type MountPart,
  planMasks,
  planMounts,
  planProtection,
} from "./mounts.ts";
import { type NamespacePart, planNamespaces } from "./namespaces.ts";
import { type NetworkPart, planNetwork } from "./network.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import { planProcess, type ProcessPart } from "./process.ts";
import { refuse } from "./refusal.ts";
import {
  defaultCwd,
  planRoot,
  type RootKind,
  rootKind,
  type RootPart,
} from "./root.ts";
import { planTransfer, SlotAllocator, type Transfer } from "./slots.ts";
import { checkUnprivileged } from "./rootless.ts";
import { planSysctls } from "./sysctl.ts";
import { planTerminal, type TerminalPart } from "./terminal.ts";
import type {
  Placement,
  ProcessSpec,
  RecordedResources,
  StartPlan,
} from "./types.ts";
import { buildUndo } from "./undo.ts";

const NO_MOUNTS: MountPart = { parent: [], child: [], slots: [] };

/** What a start is planned from. */
interface StartInput {
  readonly config: Config;
  readonly process: ProcessSpec;
  readonly host: Host;
  readonly placement: Placement;
}

/** The parts of a start, before they are put in order. */
interface StartParts {
  readonly kind: RootKind;
  readonly terminal: TerminalPart;
  readonly namespaces: NamespacePart;
  readonly cgroups: CgroupPart;
  readonly root: RootPart;
  readonly mounts: MountPart;
  /** Trees of the host that the child copies, since the starter may not. */
  readonly trees: readonly ChildOp[];
  readonly hooks: HookPart;
  readonly idMaps: IdMapPart;
  readonly network: NetworkPart;
  readonly last: ProcessPart;
  readonly transfer: Transfer;
}

/** Host and domain name; both belong to a UTS namespace. */
function nameOps(config: Config): ChildOp[] {
  const { hostname, domainname } = config;
  const hasOwn = config.namespaces.some(({ type }) => type === "NEWUTS");
  const key = hostname ? "hostname" : domainname ? "domainname" : undefined;
  if (key !== undefined && !hasOwn) {
    throw refuse(
      key,
      `Cannot set ${key} of the host: add {"type": "NEWUTS"} to namespaces, or leave ${key} out`,
    );
  }
  return [
    ...(hostname ? [{ op: "hostname.set", name: hostname } as const] : []),
    ...(domainname
      ? [{ op: "domainname.set", name: domainname } as const]
      : []),
  ];
}

/** Everything that is made in the root before it is entered. */
function furnishOps(
  { config, host, placement }: StartInput,
  { kind, mounts, terminal }: StartParts,
): ChildOp[] {
  // A root that is not the container's own is used as it is.
  if (kind !== "own") return [...terminal.open];
  return [
    ...mounts.child,
    ...planDevices(config, host),
    ...terminal.open,
    ...terminal.console,
    ...planProtection(placement.protect),
    ...planMasks(config),
  ];
}

function recordOf(
  { groups, scope }: CgroupPart,
  interfaces: RecordedResources["interfaces"],
  { directory, marker }: Placement,
): RecordedResources {
  return {
    cgroups: groups,
    ...(scope && { scope }),
    interfaces,
    files: marker ? [{ dir: directory, name: marker.name }] : [],
  };
}

/** The last steps of the first process: its state is saved before it runs. */
function planFirstProcess(
  { config, process, host, placement }: StartInput,
  kind: RootKind,
  terminal: TerminalPart,
  { groupsDenied }: IdMapPart,
  hooks: HookPart,
): ProcessPart {
  return planProcess({
    config,
    process,
    host,
    terminal,
    filter: placement.filter,
    defaultCwd: defaultCwd(kind, config, process.user),
    groupsDenied,
    entersUserNamespace: config.namespaces.some(({ type, path }) =>
      type === "NEWUSER" && path !== undefined
    ),
    hooks: hooks.start,
    whenReady: [{ op: "state.save" }],
  });
}

/** Copies of trees that the starter makes, and those that the child makes. */
interface TreePart {
  readonly parent: readonly ParentOp[];
  readonly child: readonly ChildOp[];
  readonly sent: readonly number[];
}

/**
 * Tells who copies trees of the host: without root that takes a mount
 * namespace of one's own, so the child does, as root of its user namespace.
 */
function placeTrees(
  { parent, slots }: Pick<MountPart, "parent" | "slots">,
  { euid }: Host,
): TreePart {
  if (euid === 0) return { parent, child: [], sent: slots };
  return {
    parent: parent.filter(({ op }) => op !== "tree.open"),
    child: parent.filter((op) => op.op === "tree.open"),
    sent: [],
  };
}

function planParts(input: StartInput): StartParts {
  const { config, process, host, placement } = input;
  const slots = new SlotAllocator();
  const terminal = planTerminal(process, config, slots);
  const namespaces = planNamespaces(
    config.namespaces,
    slots,
    config.timeOffsets,
  );
  const joined = namespaces.joined.map(({ type }) => type);
  const kind = rootKind(namespaces.created, joined);
  const isOwn = kind === "own";
  const cgroups = planCgroups(config, host, placement);
  const { hostRoot } = placement;
  const root = planRoot(config, { kind, host, slots, hostRoot });
  const { groups } = cgroups;
  const { propagation } = root;
  const { joinedUser } = namespaces;
  const mounts = isOwn
    ? planMounts({
      config,
      host,
      slots,
      groups,
      propagation,
      ...(joinedUser !== undefined && { joinedUser }),
    })
    : NO_MOUNTS;
  const idMaps = planIdMaps(config, namespaces, host);
  const roots = placeTrees(root, host);
  const sources = placeTrees(mounts, host);
  const hooks = planHooks(
    config,
    placement,
    isOwn ? { path: config.rootfs, propagation } : undefined,
  );
  return {
    kind,
    terminal,
    namespaces,
    cgroups,
    root: { ...root, parent: roots.parent },
    mounts: { ...mounts, parent: sources.parent },
    trees: [...roots.child, ...sources.child],
    hooks,
    idMaps,
    network: planNetwork(config, placement),
    last: planFirstProcess(input, kind, terminal, idMaps, hooks),
    transfer: planTransfer([
      ...terminal.slots,
      ...roots.sent,
      ...namespaces.slots,
      ...sources.sent,
    ]),
  };
}

/** The parent's list. Groups are made before those mounts that show them. */
function parentOps(parts: StartParts): ParentOp[] {
  const { namespaces, cgroups, mounts } = parts;
  const isAround = cgroups.around.length > 0;
  return [
    ...parts.terminal.parent,
    ...parts.root.parent,
    ...namespaces.parent,
    ...cgroups.parent,
    ...(isAround ? [] : mounts.parent),
    { op: "spawn", flags: namespaces.spawnFlags, cgroup: cgroups.spawnSlot },
    ...(isAround ? aroundOps(cgroups, mounts) : []),
    ...parts.transfer.send,
    ...parts.idMaps.parent,
    ...parts.network.parent,
    ...parts.hooks.parent,
    ...parts.last.parent,
    ...parts.hooks.after,
    ...cgroups.late,
  ];
}

/** Groups that are made around the child, while it waits for them. */
function aroundOps(cgroups: CgroupPart, mounts: MountPart): ParentOp[] {
  const point = POINTS.group;
  return [
    { op: "await", point },
    ...cgroups.around,
    ...mounts.parent,
    { op: "release", point },
  ];
}

/** The child's list. */
function childOps(input: StartInput, parts: StartParts): ChildOp[] {
  const { config, placement } = input;
  return [
    // Before anything else: a cgroup namespace shows the groups of its maker.
    ...(parts.cgroups.around.length > 0
      ? [{ op: "sync", point: POINTS.group } as const]
      : []),
    ...parts.transfer.receive,
    { op: "proc.open" },
    ...parts.last.first,
    ...parts.cgroups.child,
    ...parts.last.early,
    ...parts.namespaces.child,
    ...parts.idMaps.child,
    ...parts.trees,
    ...planKeyring(config, placement.alias),
    { op: "session.new" },
    ...parts.network.child,
    ...parts.root.attach,
    ...furnishOps(input, parts),
    ...planSysctls(config),
    ...parts.hooks.child,
    ...parts.root.enter,
    ...nameOps(config),
    ...parts.last.child,
  ];
}

/**
 * Plans the start of a container. Pure.
 *
 * Direct shape: one clone makes all namespaces. Staged shape (a namespace is
 * joined by path, or a cgroup namespace is made): the spawned process joins,
 * then clones itself once more.
 *
 * @param config The configuration.
 * @param process The first process.
 * @param host The machine.
 * @param placement Names, paths and descriptors chosen by the caller.
 * @returns The program, and what it makes outside the container.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that cannot be.
 * @throws {HostError} `HostUnsupported` for one that this host cannot keep.
 * @throws {UsageError} `UsageInvalid` for a process without a program.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { buildStartPlan } from "./start.ts";
 *
 * const unified = { version: 2, controllers: ["pids"], mount: "/cg", root: "/", base: "/cg" } as const;
 * const host: Host = {
 *   cgroup: { mode: "v2", hierarchies: [unified] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * const { plan, resources } = buildStartPlan(
 *   defaultConfig("/srv/root"),
 *   {
 *     args: ["/bin/sh"],
 *     env: ["PATH=/bin"],
 *     user: "",
 *     cwd: "",
 *     tty: false,
 *     stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
 *   },
 *   host,
 *   {
 *     id: "demo",
 *     stateDir: "/run/nsinit/demo",
 *     directory: "/srv",
 *     cgroupPath: "nsinit/demo",
 *     protect: [],
 *     hostInterfaceNames: [],
 *     alias: "nsinit:demo",
 *   },
 * );
 * assertEquals(plan.child.at(-1)?.op, "exec");
 * assertEquals(resources.cgroups[0]?.path, "/cg/nsinit/demo");
 * ```
 */
export function buildStartPlan(
  config: Config,
  process: ProcessSpec,
  host: Host,
  placement: Placement,
): StartPlan {
  checkUnprivileged(config, host);
  const input = { config, process, host, placement };
  const parts = planParts(input);
  const { cgroups, network } = parts;
  const resources = recordOf(cgroups, network.interfaces, placement);
  const plan = {
    parent: parentOps(parts),
    child: childOps(input, parts),
    undo: buildUndo(resources, placement, planPoststop(config, placement)),
  };
  return { plan, resources };
}

/**
 * The parts of a sandbox, and which of the ways to make it are open to it:
 * whether its child may begin before its groups are there, leave the mounts of
 * the host, or copy sources itself.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { type CgroupPart, planCgroups } from "./cgroups.ts";
import { type HookPart, planHooks } from "./hooks.ts";
import { type IdMapPart, planIdMaps } from "./id_maps.ts";
import { type MountPart, NOTHING, planMounts } from "./mounts.ts";
import { type NamespacePart, planNamespaces } from "./namespaces.ts";
import { type NetworkPart, planNetwork } from "./network.ts";
import type { ChildOp, ParentOp } from "./ops.ts";
import {
  planRoot,
  type RootKind,
  rootKind,
  type RootPart,
  rootPlace,
} from "./root.ts";
import { planTransfer, type SlotAllocator, type Transfer } from "./slots.ts";
import type { Placement } from "./types.ts";

/** What a sandbox is planned from. */
export interface SandboxInput {
  readonly config: Config;
  readonly host: Host;
  readonly placement: Placement;
}

/** The parts of a sandbox, before they are put in order. */
export interface SandboxParts {
  readonly kind: RootKind;
  readonly namespaces: NamespacePart;
  readonly cgroups: CgroupPart;
  readonly root: RootPart;
  readonly mounts: MountPart;
  /** Trees of the host that the child copies, since the starter may not. */
  readonly trees: readonly ChildOp[];
  readonly hooks: HookPart;
  readonly idMaps: IdMapPart;
  readonly network: NetworkPart;
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** What it gets only when its groups are made: then it joins them. */
  readonly groupTransfer: Transfer;
  /** Whether it begins before that, and makes its namespaces itself. */
  readonly isEager: boolean;
  /** Slot of the mount namespace that such a child begins in, -1 for the caller's. */
  readonly anchor: number;
}

/** Whether the root is a tree of the container's own, to be filled. */
export function isTree(kind: RootKind): boolean {
  return kind === "own" || kind === "placed";
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

/**
 * Whether the child can begin while its groups are made: it has nothing to
 * wait for from its starter, and can still enter them when it has namespaces
 * and mounts.
 */
function canBegin(
  { host }: SandboxInput,
  { kind, cgroups, namespaces, idMaps, network }: Pick<
    SandboxParts,
    "kind" | "cgroups" | "namespaces" | "idMaps" | "network"
  >,
): boolean {
  const waits = cgroups.around.length + namespaces.child.length +
    idMaps.parent.length + idMaps.child.length + network.parent.length;
  return kind === "own" && host.euid === 0 && waits === 0;
}

/** Kinds of mount that name nothing of the host, but for what bind mounts open before. */
const PATHLESS: ReadonlySet<string> = new Set([
  "bind",
  "cgroup",
  "cgroup2",
  "devpts",
  "mqueue",
  "proc",
  "ramfs",
  "sysfs",
  "tmpfs",
]);

/**
 * Whether nothing is done by paths of the host when the child has left its
 * mounts: hooks, commands and file systems with a source or layers there may
 * be, and a root that is not pivoted stays on top of them.
 */
function canLeaveMounts({ config, placement }: SandboxInput): boolean {
  const { hooks = {}, mounts, noPivotRoot } = config;
  const hasCommands = mounts.some(({ premountCmds, postmountCmds }) =>
    (premountCmds ?? []).length + (postmountCmds ?? []).length > 0
  );
  const hasHooks = Object.values(hooks).some((list) => list.length > 0);
  return placement.hasAnchor === true && noPivotRoot !== true &&
    !hasCommands && !hasHooks &&
    mounts.every(({ device }) => PATHLESS.has(device));
}

/**
 * Whether the child may copy sources of the host itself, each at its turn: the
 * kernel lists mounts in the order in which they came to be, and whoever reads
 * that list expects the order of config.json, as with other runtimes. It must
 * see the host as its starter does, with the root attached where the host has
 * it: attached over /, every link that leads up to / would end in it.
 */
function opensInOrder(
  { config, host, placement }: SandboxInput,
  kind: RootKind,
): boolean {
  const { namespaces, noPivotRoot, rootfs } = config;
  return placement.isEngines === true && kind === "own" &&
    host.euid === 0 &&
    placement.hasAnchor !== true && noPivotRoot !== true && rootfs !== "/" &&
    !namespaces.some(({ type }) => type === "NEWUSER");
}

/**
 * Plans each part of a sandbox. Pure.
 *
 * @param input The configuration, the machine and where the container is.
 * @param slots Numbers of descriptors.
 * @returns The parts.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that cannot be.
 * @throws {HostError} `HostUnsupported` for one that this host cannot keep.
 */
export function planSandboxParts(
  input: SandboxInput,
  slots: SlotAllocator,
): SandboxParts {
  const { config, host, placement } = input;
  const namespaces = planNamespaces(
    config.namespaces,
    slots,
    config.timeOffsets,
    host.euid,
  );
  const joined = namespaces.joined.map(({ type }) => type);
  const place = rootPlace(config, placement.stateDir);
  const kind = place === undefined
    ? rootKind(namespaces.created, joined)
    : "placed";
  const isOwn = kind === "own";
  const cgroups = planCgroups(config, host, placement, slots);
  const { hostRoot } = placement;
  const { stateDir } = placement;
  const isInOrder = opensInOrder(input, kind);
  const root = planRoot(config, {
    kind,
    host,
    slots,
    stateDir,
    isWalked: isInOrder,
    hostRoot,
  });
  const { groups } = cgroups;
  const { propagation } = root;
  const { joinedUser } = namespaces;
  const mounts = isTree(kind)
    ? planMounts({
      config,
      host,
      slots,
      groups,
      propagation,
      isInOrder,
      isEngines: placement.isEngines ?? false,
      ...(joinedUser !== undefined && { joinedUser }),
    })
    : NOTHING;
  const roots = placeTrees(root, host);
  const sources = placeTrees(mounts, host);
  const idMaps = planIdMaps(config, namespaces, host);
  const network = planNetwork(config, placement);
  const waits = { kind, cgroups, namespaces, idMaps, network };
  const isEager = canBegin(input, waits);
  const anchor = isEager && canLeaveMounts(input) ? slots.take() : -1;
  const isLate = (slot: number): boolean =>
    isEager && mounts.shown.includes(slot);
  const [early, late] = isEager ? [[], cgroups.slots] : [cgroups.slots, []];
  return {
    kind,
    namespaces,
    cgroups,
    root: { ...root, parent: roots.parent },
    mounts: { ...mounts, parent: sources.parent },
    trees: [...roots.child, ...sources.child],
    hooks: planHooks(
      config,
      placement,
      isOwn ? { path: config.rootfs, propagation } : undefined,
    ),
    idMaps,
    network,
    slots: [
      ...(anchor < 0 ? [] : [anchor]),
      ...roots.sent,
      ...namespaces.slots,
      ...sources.sent.filter((slot) => !isLate(slot)),
      ...early,
    ],
    groupTransfer: planTransfer([...late, ...sources.sent.filter(isLate)]),
    isEager,
    anchor,
  };
}

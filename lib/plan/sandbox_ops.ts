/**
 * The order in which the parts of a sandbox are made, by its parent and by the
 * child itself.
 *
 * @module
 */
import { isWithin, normalizePath } from "../config/host_paths.ts";
import type { Config } from "../config/types.ts";
import { planKeyring } from "./attributes.ts";
import type { CgroupPart } from "./cgroups.ts";
import { planDevices } from "./devices.ts";
import {
  type MountPart,
  planMasks,
  planProtection,
  planSeals,
} from "./mounts.ts";
import { unshareOps } from "./namespaces.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import type { ArrivalPart } from "./process.ts";
import { refuse } from "./refusal.ts";
import {
  isTree,
  type SandboxInput,
  type SandboxParts,
} from "./sandbox_parts.ts";
import type { Transfer } from "./slots.ts";
import { planSysctls } from "./sysctl.ts";

/** What of the process comes in the middle of the sandbox; nothing for one that waits for its process. */
interface Inserts {
  readonly transfer: Transfer;
  readonly arrival: ArrivalPart;
  /** The terminal, where the root is furnished. */
  readonly terminal: readonly ChildOp[];
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

/** The working directory of an OCI process is made when it is missing. */
function cwdOps({ process }: Config): ChildOp[] {
  if (process?.makeCwd !== true || process.cwd === undefined) return [];
  const path = normalizePath(process.cwd);
  // What is in procfs is there, or is refused when it is entered.
  if (path === "/" || isWithin(path, "/proc")) return [];
  return [{ op: "dir.make", mode: 0o755, path }];
}

/** The mounts; a child that has begun without its groups enters them before they are shown. */
function mountOps(
  { mounts, cgroups, groupTransfer, isEager }: SandboxParts,
): ChildOp[] {
  if (!isEager) return [...mounts.child];
  const { child, shown } = mounts;
  const first = child.findIndex((op) =>
    op.op === "mount.tree" && shown.includes(Number(op.slot))
  );
  const cut = first < 0 ? child.length : first;
  return [
    ...child.slice(0, cut),
    ...groupTransfer.receive,
    ...cgroups.child,
    ...child.slice(cut),
  ];
}

/** Everything that is made in the root before it is entered. */
function furnishOps(
  { config, host, placement }: SandboxInput,
  parts: SandboxParts,
  terminal: readonly ChildOp[],
): ChildOp[] {
  // A root that is not the container's own is used as it is.
  if (!isTree(parts.kind)) return [...terminal];
  return [
    ...mountOps(parts),
    ...planDevices(config, host),
    ...terminal,
    ...planProtection(placement.protect),
    ...planMasks(config),
    ...cwdOps(config),
    ...planSeals(config),
  ];
}

/**
 * The parent's list for a sandbox. The child is made first, so that it begins
 * while its groups are made; those that mounts show are made before these.
 *
 * @param parts The parts.
 * @param transfer Descriptors that the child gets at its beginning.
 * @param terminal Operations for the terminal of the process.
 * @returns The list.
 */
export function sandboxParentOps(
  parts: SandboxParts,
  transfer: Transfer,
  terminal: readonly ParentOp[],
): ParentOp[] {
  const { namespaces, cgroups, mounts, isEager, anchor } = parts;
  const { spawnFlags } = isEager
    ? unshareOps(namespaces.spawnFlags, anchor)
    : namespaces;
  const isAround = cgroups.around.length > 0;
  const shows = (op: ParentOp): boolean =>
    isEager && op.op === "tree.open" && mounts.shown.includes(Number(op.slot));
  return [
    ...cgroups.before,
    { op: "spawn", flags: spawnFlags, cgroup: cgroups.spawnSlot },
    ...(anchor < 0 ? [] : [{ op: "anchor.open", slot: anchor } as const]),
    ...terminal,
    ...parts.root.parent,
    ...namespaces.parent,
    ...(isEager
      ? [
        ...mounts.parent.filter((op) => !shows(op)),
        ...transfer.send,
        ...cgroups.parent,
        ...mounts.parent.filter(shows),
        ...parts.groupTransfer.send,
      ]
      : [
        ...cgroups.parent,
        ...(isAround ? aroundOps(cgroups, mounts) : mounts.parent),
        ...transfer.send,
      ]),
    ...parts.idMaps.parent,
    ...parts.network.parent,
    ...parts.mounts.meanwhile ?? [],
    ...parts.hooks.parent,
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

/** The child's steps until its root is there, where it waits for its groups first. */
function waitingOps(
  { config, placement }: SandboxInput,
  parts: SandboxParts,
  { transfer, arrival }: Pick<Inserts, "transfer" | "arrival">,
): ChildOp[] {
  return [
    // Before anything else: a cgroup namespace shows the groups of its maker.
    ...(parts.cgroups.around.length > 0
      ? [{ op: "sync", point: POINTS.group } as const]
      : []),
    ...transfer.receive,
    { op: "proc.open" },
    ...arrival.first,
    ...parts.cgroups.child,
    ...arrival.early,
    ...parts.namespaces.child,
    ...parts.idMaps.child,
    ...parts.trees,
    ...planKeyring(config, placement.alias),
    { op: "session.new" },
    ...parts.network.child,
    ...parts.root.attach,
  ];
}

/** The same for a child that begins at once, and makes its namespaces itself. */
function eagerOps(
  { config, placement }: SandboxInput,
  parts: SandboxParts,
  { transfer, arrival }: Pick<Inserts, "transfer" | "arrival">,
): ChildOp[] {
  return [
    { op: "proc.open" },
    ...arrival.first,
    ...planKeyring(config, placement.alias),
    { op: "session.new" },
    ...transfer.receive,
    ...unshareOps(parts.namespaces.spawnFlags, parts.anchor).child,
    ...parts.network.child,
    ...parts.root.attach,
  ];
}

/**
 * The child's list up to the point where all of the sandbox is there.
 *
 * @param input What the sandbox is planned from.
 * @param parts Its parts.
 * @param inserts What of the process comes in the middle.
 * @returns The list.
 * @throws {ConfigError} `ConfigInvalid` for names of a host that is not the container's own.
 */
export function sandboxChildOps(
  input: SandboxInput,
  parts: SandboxParts,
  { transfer, arrival, terminal }: Inserts,
): ChildOp[] {
  const { config } = input;
  return [
    ...(parts.isEager
      ? eagerOps(input, parts, { transfer, arrival })
      : waitingOps(input, parts, { transfer, arrival })),
    ...furnishOps(input, parts, terminal),
    ...planSysctls(config),
    ...parts.hooks.child,
    ...parts.root.enter,
    ...nameOps(config),
  ];
}

/**
 * The start of a container: (configuration, process, host, placement) -> Plan.
 *
 * @module
 */
import { isWithin, normalizePath } from "../config/host_paths.ts";
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { planKeyring } from "./attributes.ts";
import { checkCarriedOut } from "./carried_out.ts";
import { type CgroupPart, planCgroups } from "./cgroups.ts";
import { planDevices } from "./devices.ts";
import { type HookPart, planHooks, planPoststop } from "./hooks.ts";
import { type IdMapPart, planIdMaps } from "./id_maps.ts";
import {
  type MountPart,
  NOTHING,
  planMasks,
  planMounts,
  planProtection,
  planSeals,
} from "./mounts.ts";
import {
  type NamespacePart,
  planNamespaces,
  unshareOps,
} from "./namespaces.ts";
import { type NetworkPart, planNetwork } from "./network.ts";
import { type ChildOp, type ParentOp, type Plan, POINTS } from "./ops.ts";
import {
  type ArrivalPart,
  planArrival,
  planProcess,
  type ProcessPart,
} from "./process.ts";
import { refuse } from "./refusal.ts";
import {
  defaultCwd,
  planRoot,
  type RootKind,
  rootKind,
  type RootPart,
  rootPlace,
} from "./root.ts";
import { planTransfer, SlotAllocator, type Transfer } from "./slots.ts";
import { checkUnprivileged } from "./rootless.ts";
import { planSysctls } from "./sysctl.ts";
import { planTerminal, type TerminalPart } from "./terminal.ts";
import type {
  Placement,
  ProcessSpec,
  RecordedResources,
  SandboxPlan,
  StartPlan,
} from "./types.ts";
import { buildUndo } from "./undo.ts";

/** Flag of `park`. */
const PARK_STRIP = 1;

/** What a sandbox is planned from. */
interface SandboxInput {
  readonly config: Config;
  readonly host: Host;
  readonly placement: Placement;
}

/** What a start is planned from. */
interface StartInput extends SandboxInput {
  readonly process: ProcessSpec;
}

/** The parts of a sandbox, before they are put in order. */
interface SandboxParts {
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

/** The parts of its first process. */
interface ProcessParts {
  readonly terminal: TerminalPart;
  readonly last: ProcessPart;
}

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

/** Whether the root is a tree of the container's own, to be filled. */
function isTree(kind: RootKind): boolean {
  return kind === "own" || kind === "placed";
}

/** The terminal of the process, in a root of the container's own on its console too. */
function terminalOps(kind: RootKind, terminal: TerminalPart): ChildOp[] {
  return [...terminal.open, ...(isTree(kind) ? terminal.console : [])];
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

function recordOf(
  { groups, scope }: CgroupPart,
  interfaces: RecordedResources["interfaces"],
  place: string | undefined,
  { directory, marker }: Placement,
): RecordedResources {
  return {
    cgroups: groups,
    ...(scope && { scope }),
    interfaces,
    ...(place !== undefined && { place }),
    files: marker ? [{ dir: directory, name: marker.name }] : [],
  };
}

/** Whether a user namespace that exists is entered. */
function entersUserNamespace({ namespaces }: Config): boolean {
  return namespaces.some(({ type, path }) =>
    type === "NEWUSER" && path !== undefined
  );
}

/** The first process: its streams and its last steps. Its state is saved before it runs. */
function planProcessParts(
  { config, process, host, placement }: StartInput,
  { kind, idMaps, hooks }: SandboxParts,
  slots: SlotAllocator,
  isRecordedFirst = false,
): ProcessParts {
  const terminal = planTerminal(process, config, slots);
  const last = planProcess({
    config,
    process,
    host,
    terminal,
    filter: placement.filter,
    defaultCwd: defaultCwd(kind, config, process.user),
    groupsDenied: idMaps.groupsDenied,
    entersUserNamespace: entersUserNamespace(config),
    hooks: hooks.start,
    whenReady: isRecordedFirst ? [] : [{ op: "state.save" }],
    isHeld: placement.isHeld ?? false,
    isEngines: placement.isEngines ?? false,
    ...(placement.findUser && { findUser: placement.findUser }),
  });
  return { terminal, last };
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

/**
 * Whether the record is whole once there is a child: it is the one that stays,
 * and what is recorded does not change on the way.
 */
function canRecordFirst(
  { config, placement }: SandboxInput,
  { isEager }: SandboxParts,
): boolean {
  const hasHooks = Object.values(config.hooks ?? {})
    .some((list) => list.length > 0);
  return placement.canRecordFirst === true && placement.isHeld !== true &&
    isEager && !hasHooks;
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

function planSandboxParts(
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

/**
 * The parent's list for a sandbox. The child is made first, so that it begins
 * while its groups are made; those that mounts show are made before these.
 */
function sandboxParentOps(
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
    ...parts.hooks.parent,
  ];
}

/** The parent's list for the first process of a sandbox. */
function processParentOps(
  { hooks, cgroups }: SandboxParts,
  { last }: ProcessParts,
): ParentOp[] {
  return [...last.parent, ...hooks.after, ...cgroups.late];
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

/** The child's list up to the point where all of the sandbox is there. */
function sandboxChildOps(
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
  checkCarriedOut(config);
  checkUnprivileged(config, host);
  const input = { config, process, host, placement };
  const slots = new SlotAllocator();
  const sandbox = planSandboxParts(input, slots);
  const isRecordedFirst = canRecordFirst(input, sandbox);
  const first = planProcessParts(input, sandbox, slots, isRecordedFirst);
  const { terminal, last } = first;
  const transfer = planTransfer([...terminal.slots, ...sandbox.slots]);
  const child = sandboxChildOps(input, sandbox, {
    transfer,
    arrival: last,
    terminal: terminalOps(sandbox.kind, terminal),
  });
  const start = assemble(input, sandbox, {
    parent: [
      ...sandboxParentOps(sandbox, transfer, terminal.parent),
      ...processParentOps(sandbox, first),
    ],
    child: [...child, ...last.child],
  });
  return isRecordedFirst ? { ...start, isRecordedFirst } : start;
}

/** Adds what is made outside and how it is taken away. */
function assemble(
  { config, placement }: SandboxInput,
  { cgroups, network }: SandboxParts,
  lists: Pick<Plan, "parent" | "child">,
): StartPlan {
  const resources = recordOf(
    cgroups,
    network.interfaces,
    rootPlace(config, placement.stateDir),
    placement,
  );
  const undo = buildUndo(resources, placement, planPoststop(config, placement));
  return { plan: { ...lists, undo }, resources };
}

/** Operations that write to procfs. */
const NEED_PROC: ReadonlySet<string> = new Set(
  ["oom.adjust", "label.apparmor", "label.selinux"] satisfies ChildOp["op"][],
);

/** The Plan by which a parked sandbox gets its first process. */
function processPlan(input: StartInput, sandbox: SandboxParts): Plan {
  const first = planProcessParts(input, sandbox, new SlotAllocator());
  const { terminal, last } = first;
  const transfer = planTransfer(terminal.slots);
  const rest = [...terminalOps(sandbox.kind, terminal), ...last.child];
  return {
    parent: [
      ...terminal.parent,
      { op: "plan.send" },
      ...transfer.send,
      ...processParentOps(sandbox, first),
    ],
    child: [
      ...transfer.receive,
      ...(rest.some(({ op }) => NEED_PROC.has(op))
        ? [{ op: "proc.open" } as const]
        : []),
      { op: "root.current" },
      // Of its own; the configuration's was there before.
      ...(input.process.cpuAffinity === undefined ? [] : last.first),
      ...rest,
    ],
    undo: [],
  };
}

/** Why a process would not be confined, or not be as after an ordinary start. */
function checkSandbox({ namespaces }: Config): void {
  const index = namespaces.findIndex(({ type, path }) =>
    type === "NEWPID" && path !== undefined
  );
  if (index < 0) return;
  throw refuse(
    `namespaces[${index}].path`,
    "Cannot keep a sandbox ready in a pid namespace that others are in: they would see the process that waits; leave the path out, or start the container without a pool",
  );
}

/**
 * Plans a sandbox that is made completely and waits for its first process. Pure.
 *
 * Its lists are those of {@linkcode buildStartPlan}, cut where nothing depends
 * on the process any more, but that a terminal is made after the root is
 * entered. While it waits the child has no descriptor but the hand-shake's; what
 * the process needs is opened inside or sent with its Plan.
 *
 * @param config The configuration.
 * @param host The machine.
 * @param placement Names, paths and descriptors chosen by the caller.
 * @returns The start of the sandbox, and the Plan of a process in it.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that cannot be, and one that joins a pid namespace.
 * @throws {HostError} `HostUnsupported` for one that this host cannot keep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { buildSandboxPlan } from "./start.ts";
 *
 * const unified = { version: 2, controllers: [], mount: "/cg", root: "/", base: "/cg" } as const;
 * const host: Host = {
 *   cgroup: { mode: "v2", hierarchies: [unified] },
 *   lastCapability: 40,
 *   apparmor: false,
 *   selinux: false,
 *   architecture: "x86_64",
 *   kernel: [6, 1],
 *   euid: 0,
 * };
 * const placement = {
 *   id: "demo",
 *   stateDir: "/run/nsinit/demo",
 *   directory: "",
 *   cgroupPath: "nsinit/demo",
 *   protect: [],
 *   hostInterfaceNames: [],
 *   alias: "nsinit:demo",
 * };
 * const { plan } = buildSandboxPlan(defaultConfig("/srv/root"), host, placement).start;
 * assertEquals(plan.child.at(-1)?.op, "park");
 * ```
 */
export function buildSandboxPlan(
  config: Config,
  host: Host,
  placement: Placement,
): SandboxPlan {
  checkCarriedOut(config);
  checkUnprivileged(config, host);
  checkSandbox(config);
  const input = { config, host, placement };
  const sandbox = planSandboxParts(input, new SlotAllocator());
  const transfer = planTransfer(sandbox.slots);
  const child = sandboxChildOps(input, sandbox, {
    transfer,
    arrival: planArrival(config, {}, entersUserNamespace(config)),
    terminal: [],
  });
  const start = assemble(input, sandbox, {
    parent: [
      ...sandboxParentOps(sandbox, transfer, []),
      { op: "await", point: POINTS.parked },
      { op: "state.save" },
    ],
    child: [...child, { op: "park", flags: PARK_STRIP }],
  });
  return {
    start,
    planProcess: (process) => processPlan({ ...input, process }, sandbox),
  };
}

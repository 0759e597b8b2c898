/**
 * (configuration, process, host, placement) -> Plan. Pure.
 *
 * The order of a start and of a join is written here, once, as two lists.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { planCgroupEntry, planCgroups } from "./cgroups.ts";
import { planDevices } from "./devices.ts";
import { planIdMaps } from "./id_maps.ts";
import {
  type MountPart,
  planMasks,
  planMounts,
  planProtection,
} from "./mounts.ts";
import { cloneFlags, planNamespaces } from "./namespaces.ts";
import { planNetwork } from "./network.ts";
import { type ChildOp, type Op, type Plan, SLOTS } from "./ops.ts";
import { planProcess } from "./process.ts";
import { refuse } from "./refusal.ts";
import { planExistingRoot, planRoot, type RootKind, rootKind } from "./root.ts";
import { encodeSlots, SlotAllocator } from "./slots.ts";
import { planSysctls } from "./sysctl.ts";
import { planTerminal, type TerminalPart } from "./terminal.ts";
import type {
  JoinTarget,
  Placement,
  ProcessSpec,
  RecordedResources,
  StartPlan,
} from "./types.ts";
import { buildUndo } from "./undo.ts";

const NO_MOUNTS: MountPart = { parent: [], child: [], slots: [] };

/** Sending descriptors is left out when there are none. */
function sendOps(slots: readonly number[]): {
  readonly send: readonly Op<"fds.send">[];
  readonly receive: readonly Op<"fds.receive">[];
} {
  if (slots.length === 0) return { send: [], receive: [] };
  const bytes = encodeSlots(slots);
  return {
    send: [{ op: "fds.send", slots: bytes }],
    receive: [{ op: "fds.receive", slots: bytes }],
  };
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

/** Everything that is made in the root before it is entered; only in a root of its own. */
function furnishOps(
  config: Config,
  host: Host,
  protect: readonly string[],
  mounts: MountPart,
  terminal: TerminalPart,
): ChildOp[] {
  return [
    ...mounts.child,
    ...planDevices(config, host),
    ...terminal.open,
    ...terminal.console,
    ...planProtection(protect),
    ...planMasks(config),
  ];
}

/** Where a process works that names no directory: as in the original, the host's root is not entered. */
function defaultCwd(kind: RootKind, config: Config): string {
  return kind === "host" ? config.rootfs : "/";
}

function recordOf(
  groups: RecordedResources["cgroups"],
  interfaces: RecordedResources["interfaces"],
  { directory, marker }: Placement,
): RecordedResources {
  return {
    cgroups: groups,
    interfaces,
    files: marker ? [{ dir: directory, name: marker.name }] : [],
  };
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
 * import { buildStartPlan } from "./build.ts";
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
  const slots = new SlotAllocator();
  const terminal = planTerminal(process);
  const namespaces = planNamespaces(config.namespaces, slots);
  const kind = rootKind(
    namespaces.created,
    namespaces.joined.map(({ type }) => type),
  );
  const isOwn = kind === "own";
  const cgroups = planCgroups(config, host, placement.cgroupPath);
  const root = planRoot(config, kind);
  const { groups } = cgroups;
  const { propagation } = root;
  const mounts = isOwn
    ? planMounts({ config, host, slots, groups, propagation })
    : NO_MOUNTS;
  const idMaps = planIdMaps(config, namespaces, host);
  const network = planNetwork(config, placement);
  const last = planProcess({
    config,
    process,
    host,
    terminal,
    filter: placement.filter,
    defaultCwd: defaultCwd(kind, config),
    groupsDenied: idMaps.groupsDenied,
    whenReady: [{ op: "state.save" }],
  });
  const { send, receive } = sendOps([
    ...terminal.slots,
    ...(isOwn ? [SLOTS.root] : []),
    ...namespaces.slots,
    ...mounts.slots,
  ]);
  const resources = recordOf(groups, network.interfaces, placement);
  const plan: Plan = {
    parent: [
      ...terminal.parent,
      ...root.parent,
      ...namespaces.parent,
      ...cgroups.parent,
      ...mounts.parent,
      {
        op: "spawn",
        flags: namespaces.spawnFlags,
        cgroup: cgroups.spawnSlot,
      },
      ...send,
      ...idMaps.parent,
      ...network.parent,
      ...last.parent,
    ],
    child: [
      ...receive,
      { op: "proc.open" },
      ...cgroups.child,
      ...namespaces.child,
      ...idMaps.child,
      { op: "session.new" },
      ...network.child,
      ...root.attach,
      ...(isOwn
        ? furnishOps(config, host, placement.protect, mounts, terminal)
        : terminal.open),
      ...planSysctls(config),
      ...root.enter,
      ...nameOps(config),
      ...last.child,
    ],
    undo: buildUndo(resources, placement),
  };
  return { plan, resources };
}

/**
 * Plans a further process in a running container. Pure.
 *
 * The process enters the groups first, then all namespaces in one setns(2), the
 * user namespace included. Limits, labels, user, capabilities, terminal and
 * filter are planned by the same functions as those of the first process.
 *
 * @param target The container.
 * @param process The process.
 * @param host The machine.
 * @returns The program; it makes nothing that would have to be undone.
 * @throws {ConfigError} `ConfigInvalid` for a process that cannot be.
 * @throws {HostError} `HostUnsupported` for labels that this host does not have.
 * @throws {UsageError} `UsageInvalid` for a process without a program.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { buildJoinPlan } from "./build.ts";
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
 * const plan = buildJoinPlan(
 *   {
 *     id: "demo",
 *     config: defaultConfig("/srv/root"),
 *     pid: 100,
 *     pidfd: 9,
 *     namespaces: ["NEWNS", "NEWPID"],
 *     cgroupPaths: [],
 *   },
 *   {
 *     args: ["/bin/sh"],
 *     env: ["PATH=/bin"],
 *     user: "",
 *     cwd: "",
 *     tty: false,
 *     stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
 *   },
 *   host,
 * );
 * assertEquals(plan.child.filter(({ op }) => op === "ns.enter").length, 1);
 * ```
 */
export function buildJoinPlan(
  target: JoinTarget,
  process: ProcessSpec,
  host: Host,
): Plan {
  const { config, namespaces, cgroupPaths, cgroupV2 } = target;
  const terminal = planTerminal(process);
  const kind = namespaces.includes("NEWNS") ? "joined" : "host";
  const isInside = namespaces.length > 0;
  const entry = planCgroupEntry([
    ...cgroupPaths,
    ...(cgroupV2 === undefined
      ? []
      : [{ version: 2, path: cgroupV2 } as const]),
  ], host);
  const last = planProcess({
    config,
    process,
    host,
    terminal,
    filter: target.filter,
    defaultCwd: defaultCwd(kind, config),
    groupsDenied: namespaces.includes("NEWUSER") && host.euid !== 0,
    whenReady: [],
  });
  const { send, receive } = sendOps([
    ...terminal.slots,
    ...(isInside ? [SLOTS.target] : []),
  ]);
  return {
    parent: [
      ...(isInside
        ? [
          {
            op: "fd.use",
            slot: SLOTS.target,
            fd: target.pidfd,
            note: `pidfd of ${target.pid}`,
          } as const,
        ]
        : []),
      ...terminal.parent,
      ...entry.parent,
      { op: "spawn", flags: 0, cgroup: entry.spawnSlot },
      ...send,
      ...last.parent,
    ],
    child: [
      ...receive,
      { op: "proc.open" },
      ...entry.child,
      ...joinOps(target, host),
      { op: "session.new" },
      ...planExistingRoot(kind, config.rootfs),
      ...terminal.open,
      ...last.child,
    ],
    undo: [],
  };
}

/** Enters all namespaces at once, then clones into the pid namespace. */
function joinOps({ namespaces }: JoinTarget, host: Host): ChildOp[] {
  if (namespaces.length === 0) return [];
  return [
    { op: "ns.enter", slot: SLOTS.target, flags: cloneFlags(namespaces) },
    { op: "ns.clone", flags: 0 },
    ...(namespaces.includes("NEWUSER")
      ? [{ op: "user.root", flags: host.euid === 0 ? 0 : 1 } as const]
      : []),
  ];
}

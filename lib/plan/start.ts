/**
 * The start of a container: (configuration, process, host, placement) -> Plan.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { checkCarriedOut } from "./carried_out.ts";
import type { CgroupPart } from "./cgroups.ts";
import { planPoststop } from "./hooks.ts";
import { type ChildOp, type ParentOp, type Plan, POINTS } from "./ops.ts";
import { planArrival, planProcess, type ProcessPart } from "./process.ts";
import { refuse } from "./refusal.ts";
import { defaultCwd, type RootKind, rootPlace } from "./root.ts";
import { checkUnprivileged } from "./rootless.ts";
import { sandboxChildOps, sandboxParentOps } from "./sandbox_ops.ts";
import {
  isTree,
  planSandboxParts,
  type SandboxInput,
  type SandboxParts,
} from "./sandbox_parts.ts";
import { planTransfer, SlotAllocator } from "./slots.ts";
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

/** What a start is planned from. */
interface StartInput extends SandboxInput {
  readonly process: ProcessSpec;
}

/** The parts of its first process. */
interface ProcessParts {
  readonly terminal: TerminalPart;
  readonly last: ProcessPart;
}

/** The terminal of the process, in a root of the container's own on its console too. */
function terminalOps(kind: RootKind, terminal: TerminalPart): ChildOp[] {
  return [...terminal.open, ...(isTree(kind) ? terminal.console : [])];
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

/** The parent's list for the first process of a sandbox. */
function processParentOps(
  { hooks, cgroups }: SandboxParts,
  { last }: ProcessParts,
): ParentOp[] {
  return [...last.parent, ...hooks.after, ...cgroups.late];
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

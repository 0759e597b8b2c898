/**
 * A further process in a running container -> Plan.
 *
 * @module
 */
import type { Host } from "../host/types.ts";
import { planKeyring } from "./attributes.ts";
import { planCgroupEntry } from "./cgroups.ts";
import { cloneFlags } from "./namespaces.ts";
import { type ChildOp, type ParentOp, type Plan, SLOTS } from "./ops.ts";
import { planProcess } from "./process.ts";
import { defaultCwd, planExistingRoot } from "./root.ts";
import { planTransfer } from "./slots.ts";
import { planTerminal } from "./terminal.ts";
import type { JoinTarget, ProcessSpec } from "./types.ts";

/** Takes the pidfd, when there is a namespace to enter through it. */
function targetOps({ namespaces, pid, pidfd }: JoinTarget): ParentOp[] {
  if (namespaces.length === 0) return [];
  const note = `pidfd of ${pid}`;
  return [{ op: "fd.use", slot: SLOTS.target, fd: pidfd, note }];
}

/** Enters the groups of the container, as its first process did. */
function planGroups(
  { cgroupPaths, cgroupV2 }: JoinTarget,
  host: Host,
): ReturnType<typeof planCgroupEntry> {
  const unified = cgroupV2 === undefined
    ? []
    : [{ version: 2, path: cgroupV2 } as const];
  return planCgroupEntry([...cgroupPaths, ...unified], host);
}

/** Enters all namespaces at once; that of pids is meant for children only. */
function joinOps({ namespaces, groupsDenied }: JoinTarget): ChildOp[] {
  if (namespaces.length === 0) return [];
  return [
    { op: "ns.enter", slot: SLOTS.target, flags: cloneFlags(namespaces) },
    ...(namespaces.includes("NEWUSER")
      ? [{ op: "user.root", flags: groupsDenied ? 1 : 0 } as const]
      : []),
  ];
}

/**
 * Plans a further process in a running container. Pure.
 *
 * The process enters the groups first, then all namespaces in one setns(2), the
 * user namespace included. It becomes a process that the container can see only
 * when it can do no more than the container. Limits, labels, user, capabilities, terminal and
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
 * import { buildJoinPlan } from "./join.ts";
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
  const { config, namespaces } = target;
  const { rootfs } = config;
  const terminal = planTerminal(process, config);
  const { place } = target;
  const kind = namespaces.includes("NEWNS") ? "joined" : "host";
  const groups = planGroups(target, host);
  const last = planProcess({
    ...(target.findUser && { findUser: target.findUser }),
    config,
    process,
    host,
    terminal,
    filter: target.filter,
    defaultCwd: defaultCwd(place ? "placed" : kind, config, process.user),
    groupsDenied: target.groupsDenied ?? false,
    entersUserNamespace: namespaces.includes("NEWUSER"),
    isEngines: target.isEngines ?? false,
    entry: [
      ...namespaces.length > 0 ? [{ op: "ns.clone", flags: 0 } as const] : [],
      { op: "session.new" },
    ],
    whenReady: [],
  });
  const pidfd = namespaces.length > 0 ? [SLOTS.target] : [];
  const { send, receive } = planTransfer([...terminal.slots, ...pidfd]);
  const spawn = { op: "spawn", flags: 0, cgroup: groups.spawnSlot } as const;
  return {
    parent: [
      ...targetOps(target),
      ...terminal.parent,
      ...groups.parent,
      spawn,
      ...send,
      ...last.parent,
    ],
    child: [
      ...receive,
      { op: "proc.open" },
      ...last.first,
      ...groups.child,
      ...last.early,
      ...joinOps(target),
      ...planKeyring(config, target.keyring),
      ...(place
        ? [{ op: "root.change", path: place } as const]
        : planExistingRoot(kind, rootfs)),
      ...terminal.open,
      ...last.child,
    ],
    undo: [],
  };
}

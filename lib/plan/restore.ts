/**
 * What is made around processes that come out of images: their groups, the
 * mounts that come from outside, the network.
 *
 * @module
 */
import type { Config, Mount } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { planCgroups } from "./cgroups.ts";
import { planHooks, planPoststop } from "./hooks.ts";
import { planIdmap } from "./mount_idmap.ts";
import { NAMESPACES } from "../config/names/namespaces.ts";
import { planNetwork } from "./network.ts";
import {
  type ChildOp,
  type OpNameOf,
  type ParentOp,
  type Plan,
  SLOTS,
} from "./ops.ts";
import { planRoot, rootKind } from "./root.ts";
import { planTransfer, SlotAllocator } from "./slots.ts";
import { planSysctls } from "./sysctl.ts";
import type { Placement, RecordedResources } from "./types.ts";
import { buildUndo } from "./undo.ts";

/** A mount that comes from outside. */
export interface OutsideMount {
  /** What is mounted: path on the host. */
  readonly source: string;
  /** The mount of the configuration that it is, with its key path. */
  readonly mount?: { readonly of: Mount; readonly path: string };
  /** `MOUNT_ATTR_*` that forbid something, as it had them; none when absent. */
  readonly attributes?: number;
}

/** What a restore is planned from. */
export interface RestoreInput {
  /** The configuration. */
  readonly config: Config;
  /** The machine. */
  readonly host: Host;
  /** Where it is made. */
  readonly placement: Placement;
  /** Mounts that come from outside, in the order in which they are wanted. */
  readonly mounts: readonly OutsideMount[];
}

/** A restore, in the order in which it is carried out. */
export interface RestorePlan {
  /** Makes groups, opens the root and the mounts. */
  readonly before: Plan;
  /** Slot of the root's tree, if it has one of its own, then those of the mounts. */
  readonly trees: readonly number[];
  /** Slot of a network namespace that is joined by path. */
  readonly network?: number;
  /** Has the process that makes the others put into its groups, where systemd makes them. */
  readonly around: readonly ParentOp[];
  /** Runs hooks, once the namespaces exist. */
  readonly hooks: readonly ParentOp[];
  /** Runs hooks, once the processes run. */
  readonly after: readonly ParentOp[];
  /** To be written down before anything is made. */
  readonly resources: RecordedResources;
}

const ONLY_TO_CLONE: readonly OpNameOf<"parent">[] = ["cgroup.open"];

function mountOps(
  { source, mount, attributes = 0 }: OutsideMount,
  { config, host }: RestoreInput,
  slots: SlotAllocator,
): { readonly slot: number; readonly ops: readonly ParentOp[] } {
  const slot = slots.take();
  const idmap = mount
    ? planIdmap(mount.of, { path: mount.path, slot }, { config, host, slots })
    : [];
  return {
    slot,
    ops: [
      { op: "tree.open", slot, flags: 0, path: source },
      // CRIU does not give them to every mount.
      ...(attributes === 0
        ? []
        : [{ op: "tree.set", slot, set: attributes, clear: 0 } as const]),
      ...idmap,
    ],
  };
}

/** Operations of the parent that need no child to wait. */
function withoutMeetings(ops: readonly ParentOp[]): ParentOp[] {
  return ops.filter(({ op }) => op !== "await" && op !== "release");
}

/**
 * Plans what is made around restored processes. Pure.
 *
 * @param input What it is planned from.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that cannot be.
 * @throws {HostError} `HostUnsupported` for one that this host cannot keep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import type { Host } from "../host/types.ts";
 * import { buildRestorePlan } from "./restore.ts";
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
 * const { before, trees } = buildRestorePlan({
 *   config: defaultConfig("/srv/root"),
 *   host,
 *   placement: {
 *     id: "demo",
 *     stateDir: "/run/nsinit/demo",
 *     directory: "",
 *     cgroupPath: "nsinit/demo",
 *     protect: [],
 *     hostInterfaceNames: [],
 *     alias: "nsinit:demo",
 *   },
 *   mounts: [{ source: "/srv/data" }],
 * });
 * assertEquals(before.parent.at(-1), { op: "tree.open", slot: 16, flags: 0, path: "/srv/data" });
 * assertEquals(trees, [3, 16]);
 * ```
 */
export function buildRestorePlan(input: RestoreInput): RestorePlan {
  const { config, host, placement } = input;
  const slots = new SlotAllocator();
  const made = config.namespaces.filter(({ path }) => path === undefined);
  const kind = rootKind(new Set(made.map(({ type }) => type)), []);
  const cgroups = planCgroups(config, host, placement, slots);
  const root = planRoot(config, { kind, host, slots });
  const mounts = input.mounts.map((mount) => mountOps(mount, input, slots));
  const joined = config.namespaces.find(({ type }) => type === "NEWNET")?.path;
  const network = joined === undefined ? undefined : slots.take();
  const hooks = planHooks(config, placement, undefined);
  const resources: RecordedResources = {
    cgroups: cgroups.groups,
    ...(cgroups.scope && { scope: cgroups.scope }),
    interfaces: planNetwork(config, placement).interfaces,
    files: [],
  };
  return {
    before: {
      parent: [
        ...[...cgroups.before, ...cgroups.parent]
          .filter(({ op }) => !ONLY_TO_CLONE.includes(op)),
        ...(network === undefined || joined === undefined ? [] : [
          {
            op: "ns.open",
            slot: network,
            type: NAMESPACES.NEWNET.flag,
            path: joined,
          } as const,
        ]),
        ...root.parent,
        ...mounts.flatMap(({ ops }) => ops),
      ],
      child: [],
      undo: buildUndo(resources, placement, planPoststop(config, placement)),
    },
    trees: [
      ...(kind === "own" ? [SLOTS.root] : []),
      ...mounts.map(({ slot }) => slot),
    ],
    ...(network !== undefined && { network }),
    around: cgroups.around,
    hooks: withoutMeetings(hooks.parent),
    after: [...hooks.after, ...cgroups.late],
    resources,
  };
}

/**
 * Plans the network of restored processes, in their new and empty namespace: a
 * helper enters it and sets it up. Pure.
 *
 * @param config The configuration.
 * @param placement Names and marks of interfaces.
 * @param pid Host pid of the first process.
 * @returns The Plan; undefined when there is nothing to set up.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planRestoredNetwork } from "./restore.ts";
 *
 * const place = { hostInterfaceNames: [], alias: "nsinit:demo" };
 * const plan = planRestoredNetwork(defaultConfig("/srv/root"), place, 77);
 * assertEquals(plan?.child.map(({ op }) => op), ["fds.receive", "ns.enter", "net.loopback"]);
 * ```
 */
export function planRestoredNetwork(
  config: Config,
  placement: Pick<Placement, "hostInterfaceNames" | "alias">,
  pid: number,
): Plan | undefined {
  const hasOwn = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path === undefined
  );
  if (!hasOwn) return undefined;
  const network = planNetwork(config, placement);
  const sysctls: ChildOp[] = planSysctls(config)
    .filter((op) => op.op === "sysctl.write" && op.key.startsWith("net/"));
  const inside = [...network.child, ...sysctls];
  if (inside.length === 0) return undefined;
  const slot = SLOTS.first;
  const { flag } = NAMESPACES.NEWNET;
  const transfer = planTransfer([slot]);
  return {
    parent: [
      { op: "ns.open", slot, type: flag, path: `/proc/${pid}/ns/net` },
      { op: "spawn", flags: 0, cgroup: -1 },
      ...transfer.send,
      ...network.parent,
      { op: "await.end" },
    ],
    child: [
      ...transfer.receive,
      ...(sysctls.length > 0 ? [{ op: "proc.open" } as const] : []),
      { op: "ns.enter", slot, flags: flag },
      ...inside,
    ],
    undo: [],
  };
}

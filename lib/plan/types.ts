/**
 * What the planner is given besides the configuration and the host, and what
 * it returns.
 *
 * @module
 */
import type { CapabilityName } from "../config/names/capabilities.ts";
import type {
  CapabilitySets,
  Config,
  CpuAffinity,
  IoPriority,
  NamespaceType,
  Personality,
  Rlimit,
  Scheduler,
} from "../config/types.ts";
import type { CgroupPart } from "./cgroups.ts";
import type { ChildOp, Plan } from "./ops.ts";

/** Where a standard stream comes from: a descriptor of the caller, or its own. */
export type StdioSource = { readonly fd: number } | "inherit";

/** The three standard streams. Ignored when a terminal is made. */
export interface StdioSources {
  /** Descriptor 0 inside. */
  readonly stdin: StdioSource;
  /** Descriptor 1 inside. */
  readonly stdout: StdioSource;
  /** Descriptor 2 inside. */
  readonly stderr: StdioSource;
}

/** Size of a terminal in characters; zeros leave the kernel's. */
export interface TerminalSize {
  /** Height. */
  readonly rows: number;
  /** Width. */
  readonly columns: number;
}

/** A process to run in a container; absent members come from the configuration. */
export interface ProcessSpec {
  /** Program and arguments; never empty. */
  readonly args: readonly string[];
  /** Environment, `K=V`; a later entry of the same name wins. */
  readonly env: readonly string[];
  /** `user`, `uid`, `user:group`, `uid:gid`; empty is uid 0 and gid 0. */
  readonly user: string;
  /** Absolute working directory inside; empty is the root. */
  readonly cwd: string;
  /** Whether a terminal is made inside. */
  readonly tty: boolean;
  /** Size of that terminal. */
  readonly terminalSize?: TerminalSize;
  /** Whether newlines come out of the terminal as they are, for a reader that is none. */
  readonly plainNewlines?: boolean;
  /** Instead of the configuration's. */
  readonly capabilities?: readonly CapabilityName[] | CapabilitySets;
  /** Instead of the configuration's. */
  readonly rlimits?: readonly Rlimit[];
  /** Besides the configuration's: supplementary groups by name or number. */
  readonly additionalGroups?: readonly string[];
  /** Instead of the configuration's. */
  readonly noNewPrivileges?: boolean;
  /** Whether the caller takes the seccomp listener, instead of the configuration's `listenerPath`. */
  readonly listens?: boolean;
  /** Instead of the configuration's; empty for none. */
  readonly apparmorProfile?: string;
  /** Instead of the configuration's; empty for none. */
  readonly processLabel?: string;
  /** Instead of the configuration's. */
  readonly umask?: number;
  /** Instead of the configuration's. */
  readonly oomScoreAdj?: number;
  /** Instead of the configuration's. */
  readonly scheduler?: Scheduler;
  /** Instead of the configuration's. */
  readonly ioPriority?: IoPriority;
  /** Instead of the configuration's. */
  readonly cpuAffinity?: CpuAffinity;
  /** Instead of the configuration's. */
  readonly personality?: Personality;
  /** The standard streams. */
  readonly stdio: StdioSources;
  /** Descriptors of the caller that become 3, 4, ... inside. */
  readonly extraFiles?: readonly number[];
}

/** A seccomp filter compiled for this host. */
export interface CompiledFilter {
  /** `SECCOMP_FILTER_FLAG_*`. */
  readonly flags: number;
  /** `struct sock_filter` array. */
  readonly program: Uint8Array;
  /** Loaded before it: the part that asks a listener, when there is one. */
  readonly notify?: NotifyFilter;
}

/** The part of a filter that asks a listener. */
export interface NotifyFilter {
  /** `SECCOMP_FILTER_FLAG_*`, `NEW_LISTENER` among them. */
  readonly flags: number;
  /** `struct sock_filter` array. */
  readonly program: Uint8Array;
  /** The call that the part lets pass, by which the listener is handed over. */
  readonly send: "sendmsg" | "sendmmsg";
}

/** A part of the host that a host root shows at the same path. */
export interface HostRootTree {
  /** Its path; a symlink is followed. */
  readonly path: string;
  /** `MOUNT_ATTR_*` that it gets, with everything mounted below it. */
  readonly attributes: number;
}

/** What a host root is made of, in this order. */
export interface HostRootParts {
  /** Options of the tmpfs at `/`: key, value pairs. */
  readonly options: readonly string[];
  /** Directories, links and files in it. */
  readonly ops: readonly ChildOp[];
  /** Parts of the host. */
  readonly trees: readonly HostRootTree[];
}

/** The systemd unit that holds a container. */
export interface ScopeUnit {
  /** Which systemd: that of the machine, or the user's own. */
  readonly bus: "system" | "user";
  /** Name of the unit, e.g. `nsinit-demo.scope`. */
  readonly unit: string;
}

/** A systemd unit that is to be made. */
export interface ScopePlace extends ScopeUnit {
  /** Slice that it lies in, e.g. `system.slice`. */
  readonly slice: string;
  /** systemd's own path in the hierarchies; empty for the root. */
  readonly root: string;
}

/** A user that was looked up before. */
export interface KnownUser {
  /** Identities and states of the files: `struct nsi_account` of passwd and of group. */
  readonly known: Uint8Array<ArrayBuffer>;
  /** Who it is: `struct nsi_user`. */
  readonly user: Uint8Array<ArrayBuffer>;
}

/** Tells what is known of a user with these additional groups. */
export type FindUser = (
  user: string,
  groups: readonly string[],
) => KnownUser | undefined;

/** Where a container is made. All that is random or looked up comes from here. */
export interface Placement {
  /** Container id. */
  readonly id: string;
  /** Directory of `state.json`. */
  readonly stateDir: string;
  /** The container's directory. */
  readonly directory: string;
  /** Marker that stands in the container's directory while it runs. */
  readonly marker?: { readonly name: string };
  /** Path of its cgroups: absolute, or relative to pid 1's group. */
  readonly cgroupPath: string;
  /** Environment of hooks that name none. */
  readonly hookEnv?: readonly string[];
  /** Whether an engine asks for it, who may have made its group, and expects what other runtimes do. */
  readonly isEngines?: boolean;
  /** The groups, planned before: those that systemd makes, instead of ours at `cgroupPath`. */
  readonly cgroups?: CgroupPart;
  /** Files inside the root that are bound read-only over themselves. */
  readonly protect: readonly string[];
  /** Descriptor of the open state directory, for the undo list. */
  readonly lockFd?: number;
  /**
   * Outer interface names, one for each veth network of the configuration in
   * order; used where `hostInterfaceName` is empty.
   */
  readonly hostInterfaceNames: readonly string[];
  /** Addresses (CIDR) of the interfaces that are moved inside, which lose them on the way. */
  readonly netAddresses?: Readonly<Record<string, readonly string[]>>;
  /** Alias that marks interfaces as ours, e.g. `nsinit:demo`. */
  readonly alias: string;
  /** The configuration's seccomp filter, compiled; needed when it has one. */
  readonly filter?: CompiledFilter;
  /** Whether the process stops before its program in any case, for another to start it. */
  readonly isHeld?: boolean;
  /** What the host root is made of; needed when the configuration has one. */
  readonly hostRoot?: HostRootParts;
  /** Whether there is a mount namespace to begin in that holds nothing of the host's. */
  readonly hasAnchor?: boolean;
  /** Tells of users that were looked up before. */
  readonly findUser?: FindUser;
  /** Whether that it runs may be recorded once the process inside is there. */
  readonly canRecordFirst?: boolean;
}

/** One cgroup of a running container. */
export interface JoinCgroup {
  /** Version of its hierarchy. */
  readonly version: 1 | 2;
  /** Directory. */
  readonly path: string;
  /** File that the helper writes `0` to. */
  readonly file: "tasks" | "cgroup.procs";
}

/** A running container that a process joins. */
export interface JoinTarget {
  /** Container id. */
  readonly id: string;
  /** Its configuration. */
  readonly config: Config;
  /** Pid of its first process, as seen here. */
  readonly pid: number;
  /** Descriptor of the pidfd of that process. */
  readonly pidfd: number;
  /** Namespaces that it does not share with the caller, made or joined. */
  readonly namespaces: readonly NamespaceType[];
  /** Directory on which its root is mounted, where it has no mount namespace of its own. */
  readonly place?: string;
  /** Whether setgroups(2) is denied in its user namespace. */
  readonly groupsDenied?: boolean;
  /** Tells of users that were looked up before. */
  readonly findUser?: FindUser;
  /** Name of its session keyring; absent when it has none of its own. */
  readonly keyring?: string;
  /** Whether an engine asks for it. */
  readonly isEngines?: boolean;
  /** Its version 1 groups; version 2 ones only where clone3 cannot be used. */
  readonly cgroupPaths: readonly JoinCgroup[];
  /** Its version 2 group, entered by clone3(2). */
  readonly cgroupV2?: string;
  /** The configuration's seccomp filter, compiled; needed when it has one. */
  readonly filter?: CompiledFilter;
}

/** A cgroup that a container has, in one hierarchy. */
export interface ResourceCgroup {
  /** Hierarchy version. */
  readonly version: 1 | 2;
  /** Controllers of the hierarchy. */
  readonly controllers: readonly string[];
  /** Directory below which everything was made by us. */
  readonly base: string;
  /** The container's directory. */
  readonly path: string;
  /** Mark of the directory: one with another mark is somebody else's. */
  readonly owner: string;
  /** Whether systemd made it, and removes it when it has seen that it is empty. */
  readonly managed?: true;
}

/** What a container makes outside itself; recorded before it is made. */
export interface RecordedResources {
  /** Its cgroups. */
  readonly cgroups: readonly ResourceCgroup[];
  /** The systemd unit that they belong to, when the systemd driver made them. */
  readonly scope?: ScopeUnit;
  /** Outer interfaces with the alias that marks them as ours. */
  readonly interfaces: readonly {
    readonly host: string;
    readonly alias: string;
  }[];
  /** Files outside the state directory. */
  readonly files: readonly {
    readonly dir: string;
    readonly name: string;
    /** Inode number in decimal, when known. */
    readonly inode?: string;
  }[];
  /** Directory on which its root is mounted, where it has no mount namespace of its own. */
  readonly place?: string;
  /** Whether hooks have run, so that the configuration's poststop hooks follow. */
  readonly poststop?: true;
}

/** A start: the program, and what it will have made. */
export interface StartPlan {
  /** The program. */
  readonly plan: Plan;
  /** To be written down before the program is run. */
  readonly resources: RecordedResources;
  /** Whether that it runs is to be written down once the process inside is there: that does not wait for it. */
  readonly isRecordedFirst?: boolean;
}

/** A sandbox that waits for its first process. */
export interface SandboxPlan {
  /** How it is made. */
  readonly start: StartPlan;
  /**
   * Plans its first process, whose streams are all given: the caller's own are
   * not inherited.
   *
   * @param process The process.
   * @returns The program; the sandbox's list of what is to be undone holds on.
   * @throws {ConfigError} `ConfigInvalid` for a process that cannot be.
   * @throws {HostError} `HostUnsupported` for labels that this host does not have.
   */
  readonly planProcess: (process: ProcessSpec) => Plan;
}

/**
 * What was found out about a machine: the input of all judgements.
 *
 * @module
 */
import type { CgroupLayout, OrdinaryUser } from "../host/types.ts";

/** Kinds of namespaces, by their file in `/proc/PID/ns`. */
export const NAMESPACES = [
  "mnt",
  "pid",
  "uts",
  "ipc",
  "net",
  "user",
  "cgroup",
  "time",
] as const;

/** A kind of namespace. */
export type NamespaceName = typeof NAMESPACES[number];

/** System calls that every container needs, with their numbers; the last came with Linux 5.12. */
export const NEEDED_CALLS = {
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  pidfd_open: 434,
  clone3: 435,
  close_range: 436,
  openat2: 437,
  mount_setattr: 442,
} as const;

/** Name of a system call that is needed. */
export type CallName = keyof typeof NEEDED_CALLS;

/** Programs that parts of nsinit use, and on what they are used. */
export const TOOLS = [
  "criu",
  "iptables",
  "ip",
  "newuidmap",
  "newgidmap",
] as const;

/** A program that may be used. */
export type ToolName = typeof TOOLS[number];

/** What CRIU says of itself. */
export interface CriuFacts {
  /** The program. */
  readonly path: string;
  /** E.g. `4.2`; absent when it did not tell. */
  readonly version?: string;
  /** Whether `criu check` is content; absent when that was not asked, as it needs root. */
  readonly works?: boolean;
  /** Whether the kernel tells which memory has changed, for checkpoints in steps. */
  readonly tracksMemory?: boolean;
  /** What `criu check` complains of; foreign text. */
  readonly complaint?: string;
}

/** What was found out about a machine. */
export interface Facts {
  /** Who asks. */
  readonly euid: number;
  /** Text of `/proc/sys/kernel/osrelease`. */
  readonly release: string;
  /** Version of the kernel. */
  readonly kernel: readonly [major: number, minor: number];
  /** Processor, as Deno names it. */
  readonly architecture: string;
  /** Why the native library cannot be used; absent when it can. */
  readonly libraryProblem?: string;
  /** Whether this is the initial user namespace. */
  readonly isInitialUserNamespace: boolean;
  /** Kinds of namespaces that the kernel has. */
  readonly namespaces: readonly NamespaceName[];
  /** Error numbers of trying each kind alone (with a user namespace, for users), 0 for success; absent where not tried. */
  readonly tried: Readonly<Partial<Record<NamespaceName, number>>>;
  /** Error number of making all that a container needs at once. */
  readonly start?: number;
  /** The same, with a new `/proc` in them. */
  readonly proc?: number;
  /** Error numbers of calls with wrong arguments; 38 for those that are missing. */
  readonly calls: Readonly<Partial<Record<CallName, number>>>;
  /** Control groups as the asking user may use them. */
  readonly cgroup: CgroupLayout;
  /** All control groups of the machine. */
  readonly allCgroups: CgroupLayout;
  /** Whether groups can be made; absent where there is none to try on. */
  readonly canMakeGroups?: boolean;
  /** File systems of `/proc/filesystems`. */
  readonly filesystems: readonly string[];
  /** Whether the kernel has a module for overlay. */
  readonly hasOverlayModule: boolean;
  /** Actions of seccomp filters; absent without seccomp. */
  readonly seccompActions?: readonly string[];
  /** Whether AppArmor is in force. */
  readonly apparmor: boolean;
  /** Whether SELinux is in force. */
  readonly selinux: boolean;
  /** Settings below `/proc/sys` that were read, e.g. `user/max_user_namespaces`. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** What the ordinary user may use; absent for root. */
  readonly user?: OrdinaryUser;
  /** Why systemd cannot be asked; absent when it can. */
  readonly systemdProblem?: string;
  /** Programs that were found, with their paths. */
  readonly tools: Readonly<Partial<Record<ToolName, string>>>;
  /** CRIU; absent when it is not there. */
  readonly criu?: CriuFacts;
}

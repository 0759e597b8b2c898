/**
 * The one configuration model, shaped after libcontainer's `configs.Config`
 * (2015). Every dialect of `container.json` is read into it.
 *
 * All members are plain data. Names of capabilities and namespaces are the
 * original's: without `CAP_` and in capitals.
 *
 * @module
 */
import type { CapabilityName } from "./names/capabilities.ts";

/** A whole number of up to 64 bits; `bigint` above 2^53 - 1. */
export type Int64 = number | bigint;

/** Dialect of a configuration: which era's rules its text follows; `OCI` is a config.json. */
export type Dialect =
  | "A1"
  | "A2"
  | "A3"
  | "A4"
  | "A5"
  | "B1"
  | "B2"
  | "B3"
  | "C0"
  | "C1"
  | "C2"
  | "C3"
  | "D0"
  | "D"
  | "E"
  | "OCI";

/** A kind of namespace. `NEWCGROUP` and `NEWTIME` came after the original. */
export type NamespaceType =
  | "NEWNS"
  | "NEWUTS"
  | "NEWIPC"
  | "NEWPID"
  | "NEWNET"
  | "NEWUSER"
  | "NEWCGROUP"
  | "NEWTIME";

/** One namespace of the container; a type that is not listed is shared with the host. */
export interface Namespace {
  /** Which kind. */
  readonly type: NamespaceType;
  /** Absolute path of a namespace file to join; a new one is made when absent. */
  readonly path?: string;
}

/** One line of `uid_map` or `gid_map`; see user_namespaces(7). */
export interface IdMapping {
  /** First id inside. */
  readonly containerId: number;
  /** First id outside, in the parent user namespace. */
  readonly hostId: number;
  /** How many ids. */
  readonly size: number;
}

/** A program that the runtime runs, with host paths, around a mount. */
export interface Command {
  /** Absolute path of the program. */
  readonly path: string;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  /** Environment, `K=V`. */
  readonly env: readonly string[];
  /** Working directory; the root when empty. */
  readonly dir: string;
}

/** Kinds of mount that the original knew, which dialects before OCI are held to. */
export type OriginalMountDevice =
  | "proc"
  | "sysfs"
  | "mqueue"
  | "tmpfs"
  | "devpts"
  | "bind"
  | "cgroup";

/**
 * Kind of mount: one of the original's, or the name of any file system of the
 * kernel (filesystems(5)), e.g. `overlay`.
 */
export type MountDevice = OriginalMountDevice | (string & Record<never, never>);

/** Attributes of a whole tree of mounts, as `MS_*` bits; see mount_setattr(2), AT_RECURSIVE. */
export interface TreeAttributes {
  /** Bits set on every mount of the tree. */
  readonly set: number;
  /** Bits cleared on every mount of the tree. */
  readonly clear: number;
}

/** One mount, made in the order listed. */
export interface Mount {
  /** Kind of file system, or `bind`. */
  readonly device: MountDevice;
  /** Host path for `bind`, else a label shown in /proc/mounts. */
  readonly source: string;
  /** Absolute path inside; resolved within the root by the kernel. */
  readonly destination: string;
  /** `MS_*` bits of mount(2), e.g. 14 = nosuid, nodev, noexec. */
  readonly flags: number;
  /** File system options, comma separated, as in mount(2)'s data. */
  readonly data: string;
  /** SELinux relabelling of the source: `z` shared, `Z` private. */
  readonly relabel: "" | "z" | "Z";
  /** `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED`, `MS_UNBINDABLE` (with or without `MS_REC`), applied in order. */
  readonly propagationFlags?: readonly number[];
  /** Programs run inside the new namespaces, before the root switch, before this mount. */
  readonly premountCmds?: readonly Command[];
  /** As `premountCmds`, after this mount. */
  readonly postmountCmds?: readonly Command[];
  /** Ids shown differently inside (bind mounts only); see mount_setattr(2), MOUNT_ATTR_IDMAP. */
  readonly idmap?: MountIdmap;
  /** `MS_*` bits that the source may have and the mount shall not (bind mounts), e.g. 1 for a writable one. */
  readonly clearFlags?: number;
  /**
   * Attributes of submounts as well. Where it is there, `flags` and `clearFlags`
   * are of the top mount alone; else they hold for all that `MS_REC` binds.
   */
  readonly recursive?: TreeAttributes;
  /** A tmpfs begins as a copy of the directory that it covers. */
  readonly tmpcopyup?: boolean;
  /** Changes the mount that is there already, instead of mounting anything. */
  readonly remount?: boolean;
}

/** An id-mapped mount: ids on the source's file system to ids seen through the mount. */
export interface MountIdmap {
  /** User ids: `containerId` is the id on the file system, `hostId` what is seen. The container's own mappings when absent. */
  readonly uidMappings?: readonly IdMapping[];
  /** Group ids, likewise. */
  readonly gidMappings?: readonly IdMapping[];
  /** Whether submounts are mapped too. */
  readonly recursive?: boolean;
}

/** Type letter of a device: character, block, fifo, or any (rules only). */
export type DeviceType = "c" | "b" | "p" | "a";

/** A device node, or a rule of the device cgroup. */
export interface Device {
  /** Character, block, fifo; `a` (all) in rules only. */
  readonly type: DeviceType;
  /** Path of the node inside; empty in rules. */
  readonly path: string;
  /** Major number; -1 in rules means any. */
  readonly major: number;
  /** Minor number; -1 in rules means any. */
  readonly minor: number;
  /** Letters of `rwm` for the device cgroup. */
  readonly permissions: string;
  /** Mode bits of the node, e.g. 0o666. */
  readonly fileMode: number;
  /** Owner of the node, as seen inside. */
  readonly uid: number;
  /** Group of the node, as seen inside. */
  readonly gid: number;
}

/** An interface of the container. */
export interface Network {
  /** `loopback` brings up lo; `veth` makes a pair, one end on a bridge. */
  readonly type: "loopback" | "veth";
  /** Name inside, e.g. `eth0`. */
  readonly name: string;
  /** Bridge on the host that the outer end joins. */
  readonly bridge: string;
  /** MAC address of the inner end; the kernel's choice when empty. */
  readonly macAddress: string;
  /** IPv4 address in CIDR form. */
  readonly address: string;
  /** IPv4 default gateway. */
  readonly gateway: string;
  /** IPv6 address in CIDR form. */
  readonly ipv6Address: string;
  /** IPv6 default gateway. */
  readonly ipv6Gateway: string;
  /** MTU in bytes of both ends; 0 leaves the kernel's. */
  readonly mtu: number;
  /** Transmit queue length in packets; 0 leaves the kernel's. */
  readonly txqueuelen: number;
  /** Name of the outer end; empty lets the runtime choose `vethPrefix` + 7 hex digits. */
  readonly hostInterfaceName: string;
  /** Prefix of a chosen outer name. */
  readonly vethPrefix: string;
  /** Lets the bridge send a frame back to this port. */
  readonly hairpinMode: boolean;
}

/** A route of the container's main table. */
export interface Route {
  /** Destination in CIDR form; the default route when empty. */
  readonly destination: string;
  /** Preferred source address. */
  readonly source: string;
  /** Gateway address. */
  readonly gateway: string;
  /** Interface inside. */
  readonly interfaceName: string;
}

/** One resource limit; see getrlimit(2). */
export interface Rlimit {
  /** Kernel number of the resource, e.g. 7 = NOFILE. */
  readonly type: number;
  /** Hard limit; 2^64 - 1 is infinity. */
  readonly hard: Int64;
  /** Soft limit. */
  readonly soft: Int64;
}

/** A huge page limit. */
export interface HugepageLimit {
  /** Page size as the kernel names it, e.g. `2MB`. */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: Int64;
}

/** A limit of an RDMA device; see the kernel's document of the rdma controller. */
export interface RdmaLimit {
  /** Name of the device, e.g. `mlx5_1`. */
  readonly device: string;
  /** Most handles; no limit when absent. */
  readonly hcaHandles?: number;
  /** Most objects; no limit when absent. */
  readonly hcaObjects?: number;
}

/** A priority of an interface (v1 net_prio). */
export interface IfPrioMap {
  /** Interface name. */
  readonly interface: string;
  /** Priority. */
  readonly priority: number;
}

/** A block device setting: weight, or a rate. */
export interface BlkioDevice {
  /** Major number. */
  readonly major: number;
  /** Minor number. */
  readonly minor: number;
  /** Weight 10-1000, bytes per second or operations per second. */
  readonly value: Int64;
}

/** Resource limits. An absent member leaves the kernel's default. */
export interface Resources {
  /** True: everything but `deniedDevices`; false: nothing but `allowedDevices`. */
  readonly allowAllDevices?: boolean;
  /** Rules that allow, when `allowAllDevices` is false. */
  readonly allowedDevices?: readonly Device[];
  /** Rules that deny, when `allowAllDevices` is true. */
  readonly deniedDevices?: readonly Device[];
  /** Memory limit in bytes; -1 is no limit. */
  readonly memory?: Int64;
  /** Memory reservation (soft limit) in bytes. */
  readonly memoryReservation?: Int64;
  /** Memory plus swap in bytes; -1 is no limit. */
  readonly memorySwap?: Int64;
  /** Kernel memory limit in bytes (v1). */
  readonly kernelMemory?: Int64;
  /** Kernel TCP memory limit in bytes (v1). */
  readonly kernelMemoryTcp?: Int64;
  /** Swappiness 0-100 (v1). */
  readonly memorySwappiness?: number;
  /** Do not kill when out of memory (v1). */
  readonly oomKillDisable?: boolean;
  /** Relative CPU weight, v1 scale 2-262144, default 1024. */
  readonly cpuShares?: Int64;
  /** CPU time per period in microseconds; -1 is no limit. */
  readonly cpuQuota?: Int64;
  /** CPU period in microseconds. */
  readonly cpuPeriod?: Int64;
  /** Real-time run time per period in microseconds (v1). */
  readonly cpuRtRuntime?: Int64;
  /** Real-time period in microseconds (v1). */
  readonly cpuRtPeriod?: Int64;
  /** CPU list, e.g. `0-1,3`. */
  readonly cpusetCpus?: string;
  /** Memory node list. */
  readonly cpusetMems?: string;
  /** Maximum number of tasks; -1 or 0 is no limit. */
  readonly pidsLimit?: Int64;
  /** Block IO weight 10-1000. */
  readonly blkioWeight?: number;
  /** Block IO weight per device. */
  readonly blkioWeightDevice?: readonly BlkioDevice[];
  /** Read limit per device in bytes per second. */
  readonly blkioThrottleReadBpsDevice?: readonly BlkioDevice[];
  /** Write limit per device in bytes per second. */
  readonly blkioThrottleWriteBpsDevice?: readonly BlkioDevice[];
  /** Read limit per device in operations per second. */
  readonly blkioThrottleReadIopsDevice?: readonly BlkioDevice[];
  /** Write limit per device in operations per second. */
  readonly blkioThrottleWriteIopsDevice?: readonly BlkioDevice[];
  /** Huge page limits. */
  readonly hugetlbLimit?: readonly HugepageLimit[];
  /** Limits of RDMA devices. */
  readonly rdma?: readonly RdmaLimit[];
  /** Interface priorities (v1 net_prio). */
  readonly netPrioIfpriomap?: readonly IfPrioMap[];
  /** Class id of packets (v1 net_cls). */
  readonly netClsClassid?: number;
  /** Freezer state after the start. */
  readonly freezer?: "" | "FROZEN" | "THAWED";
  /** CPU time in microseconds that may be saved up above the quota; see cpu.max.burst. */
  readonly cpuBurst?: Int64;
  /** 1: runs only when nothing else wants the CPU; see cpu.idle. */
  readonly cpuIdle?: 0 | 1;
  /** Version 2 files written as they are, e.g. `memory.high`; refused on version 1. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Where the container's cgroups are and what limits they carry. */
export interface Cgroup extends Resources {
  /** Last component of the path; the container's id when empty. */
  readonly name: string;
  /** Parent path; an absolute one counts from the hierarchy's root. */
  readonly parent: string;
  /** Systemd slice (systemd driver only). */
  readonly slice?: string;
}

/** What seccomp does with a call. */
export type SeccompAction =
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_LOG"
  | "SCMP_ACT_NOTIFY";

/** Comparison of a system call argument. */
export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";

/** One argument condition; all conditions of a rule must hold, several on one argument too. */
export interface SeccompArg {
  /** Argument number 0-5. */
  readonly index: number;
  /** Value compared with; the mask for `SCMP_CMP_MASKED_EQ`. */
  readonly value: Int64;
  /** Second value, for `SCMP_CMP_MASKED_EQ` the wanted result. */
  readonly valueTwo: Int64;
  /** The comparison. */
  readonly op: SeccompOperator;
}

/** A rule for some system calls. */
export interface SeccompSyscall {
  /** System call by name or by its number on the native architecture. */
  readonly name: string | number;
  /** What to do. */
  readonly action: SeccompAction;
  /** errno (to 4094) returned by `ERRNO`, data (to 65535) given by `TRACE`; EPERM (1) when absent. */
  readonly errnoRet?: number;
  /** Conditions; all must hold. */
  readonly args: readonly SeccompArg[];
}

/** A seccomp filter. */
export interface Seccomp {
  /** Action for calls that no rule names. */
  readonly defaultAction: SeccompAction;
  /** errno of a default `ERRNO`. */
  readonly defaultErrnoRet?: number;
  /** `SCMP_ARCH_*` beyond the native one; on x86_64 i386 and x32 are always covered. */
  readonly architectures: readonly string[];
  /** `SECCOMP_FILTER_FLAG_*`. */
  readonly flags?: readonly string[];
  /** Unix socket that is sent the listener of `SCMP_ACT_NOTIFY` (OCI `listenerPath`). */
  readonly listenerPath?: string;
  /** Opaque text sent with the listener. */
  readonly listenerMetadata?: string;
  /** Leave out rules for calls that libseccomp does not know, instead of refusing them. */
  readonly ignoreUnknown?: boolean;
  /** The rules. */
  readonly syscalls: readonly SeccompSyscall[];
}

/** A program that the runtime runs at a point of the container's life; see the OCI runtime specification, POSIX-platform hooks. */
export interface Hook {
  /** Absolute path of the program. */
  readonly path: string;
  /** The whole argument list, the program's name first; the path alone when absent. */
  readonly args?: readonly string[];
  /** Environment, `K=V`; exactly this. */
  readonly env?: readonly string[];
  /** Working directory; the root when empty or absent. */
  readonly dir?: string;
  /** Seconds after which the hook is killed and has failed; no limit when absent. */
  readonly timeout?: number;
}

/** Hooks by the point where they run, in order. Each gets the container's state as JSON on stdin. */
export interface Hooks {
  /** Host namespaces, once the container's namespaces exist, before the root switch. */
  readonly prestart?: readonly Hook[];
  /** As `prestart`, after those. */
  readonly createRuntime?: readonly Hook[];
  /** Container's namespaces with host paths, before the root switch. */
  readonly createContainer?: readonly Hook[];
  /** Inside the finished container, before the program. */
  readonly startContainer?: readonly Hook[];
  /** Host namespaces, after the program was started. */
  readonly poststart?: readonly Hook[];
  /** Host namespaces, after the container has been removed. */
  readonly poststop?: readonly Hook[];
}

/** Offset of a clock; see time_namespaces(7). */
export interface TimeOffset {
  /** Seconds, may be negative. */
  readonly secs: Int64;
  /** Nanoseconds, 0 to 999999999. */
  readonly nanosecs: number;
}

/** Offsets of the clocks of a new time namespace. */
export interface TimeOffsets {
  /** CLOCK_MONOTONIC. */
  readonly monotonic?: TimeOffset;
  /** CLOCK_BOOTTIME. */
  readonly boottime?: TimeOffset;
}

/** Scheduling policy; see sched_setattr(2). */
export interface Scheduler {
  /** The policy. */
  readonly policy:
    | "SCHED_OTHER"
    | "SCHED_FIFO"
    | "SCHED_RR"
    | "SCHED_BATCH"
    | "SCHED_ISO"
    | "SCHED_IDLE"
    | "SCHED_DEADLINE";
  /** Nice value -20 to 19 of OTHER and BATCH. */
  readonly nice?: number;
  /** Static priority 1 to 99 of FIFO and RR. */
  readonly priority?: number;
  /** `SCHED_FLAG_*`. */
  readonly flags?: readonly string[];
  /** Nanoseconds of DEADLINE. */
  readonly runtime?: Int64;
  /** Nanoseconds of DEADLINE. */
  readonly deadline?: Int64;
  /** Nanoseconds of DEADLINE. */
  readonly period?: Int64;
}

/** IO priority; see ioprio_set(2). */
export interface IoPriority {
  /** The class. */
  readonly class: "IOPRIO_CLASS_RT" | "IOPRIO_CLASS_BE" | "IOPRIO_CLASS_IDLE";
  /** 0 (highest) to 7. */
  readonly priority: number;
}

/** CPUs on which processes run; lists such as `0-1,3`. */
export interface CpuAffinity {
  /** While a process is being set up, before it is in its cgroup. */
  readonly initial?: string;
  /** From then on. */
  readonly final?: string;
}

/** Where memory is taken from on a machine with several nodes; see set_mempolicy(2). */
export interface MemoryPolicy {
  /** The policy. */
  readonly mode:
    | "MPOL_DEFAULT"
    | "MPOL_PREFERRED"
    | "MPOL_BIND"
    | "MPOL_INTERLEAVE"
    | "MPOL_LOCAL"
    | "MPOL_PREFERRED_MANY"
    | "MPOL_WEIGHTED_INTERLEAVE";
  /** List of nodes, e.g. `0-1`; none for `MPOL_DEFAULT` and `MPOL_LOCAL`. */
  readonly nodes?: string;
  /** `MPOL_F_*`. */
  readonly flags?: readonly string[];
}

/** An interface of the host that is moved into the container. */
export interface NetDevice {
  /** Its name on the host. */
  readonly device: string;
  /** Its name inside; the same when absent. */
  readonly name?: string;
}

/** Cache and memory bandwidth of a group of processes; see the kernel's document of resctrl. */
export interface IntelRdt {
  /** Name of the group. */
  readonly closId?: string;
  /** Lines of its schemata. */
  readonly schemata?: readonly string[];
  /** Line of the cache. */
  readonly l3CacheSchema?: string;
  /** Line of the memory bandwidth. */
  readonly memBwSchema?: string;
  /** Whether it is monitored. */
  readonly enableMonitoring?: boolean;
}

/** Size of a terminal in characters. */
export interface ConsoleSize {
  /** Height in rows. */
  readonly height: number;
  /** Width in columns. */
  readonly width: number;
}

/** Execution domain; see personality(2). */
export interface Personality {
  /** Which kernel the program believes to run on. */
  readonly domain: "LINUX" | "LINUX32";
}

/** A throw-away or kept layer of writes over the rootfs; see the kernel's overlayfs document. */
export interface Overlay {
  /** Bytes that may be written to a layer in memory, gone at the end; half of the memory when absent (tmpfs(5)). Not with `upper`. */
  readonly size?: Int64;
  /** Absolute host directory that keeps what is written; made when missing. */
  readonly upper?: string;
  /** Absolute empty host directory on the same file system as `upper`; `upper` + `.work` when absent. */
  readonly work?: string;
}

/**
 * A fresh root made of the host's system directories, bound read-only. `rootfs`
 * is then `/`.
 */
export interface HostRoot {
  /** Bytes that may be written to `/tmp`, `/home`, `/run` and the like together, in memory; 256 MiB when absent. */
  readonly size?: Int64;
  /** Further absolute host paths shown read-only, e.g. `/opt/tool`. */
  readonly paths?: readonly string[];
}

/** The five capability sets; see capabilities(7). */
export interface CapabilitySets {
  /** Upper bound of what exec can give. */
  readonly bounding: readonly CapabilityName[];
  /** In force at exec. */
  readonly effective: readonly CapabilityName[];
  /** Kept for files with inheritable bits. */
  readonly inheritable: readonly CapabilityName[];
  /** May be made effective. */
  readonly permitted: readonly CapabilityName[];
  /** Survive the exec of an ordinary program by a non-root user. */
  readonly ambient: readonly CapabilityName[];
}

/** Process settings that dialects before D, and OCI, keep in the same file. */
export interface ProcessDefaults {
  /** Program and arguments (A1 `command.args`). */
  readonly args?: readonly string[];
  /** Environment, `K=V`. */
  readonly env?: readonly string[];
  /** `user`, `uid`, `user:group`, `uid:gid` or mixes; empty is root. */
  readonly user?: string;
  /** Working directory inside. */
  readonly cwd?: string;
  /** Whether a terminal is made. */
  readonly tty?: boolean;
  /** Size of that terminal, where the caller has none to take it from. */
  readonly consoleSize?: ConsoleSize;
  /** Whether a missing working directory is made for the first process. */
  readonly makeCwd?: boolean;
}

/** A container, all but its process. */
export interface Config {
  /** Dialect that the configuration was read from; absent for one made in code (read as D). */
  readonly dialect?: Dialect;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  /** Whether the root is remounted read-only. */
  readonly readonlyfs?: boolean;
  /** `MS_MOVE` and chroot instead of pivot_root(2). */
  readonly noPivotRoot?: boolean;
  /** Accepted for D; the old root needs no directory any more. */
  readonly pivotDir?: string;
  /** Propagation of the root: `MS_*` bits; `MS_SLAVE|MS_REC` when absent, `MS_PRIVATE|MS_REC` for `privatefs`. */
  readonly rootPropagation?: number;
  /** Signal sent to the first process when its starter dies; 0 or absent is none. */
  readonly parentDeathSignal?: number;
  /** Mounts in order. */
  readonly mounts: readonly Mount[];
  /** Nodes to make. */
  readonly devices: readonly Device[];
  /** SELinux label of mounts. */
  readonly mountLabel?: string;
  /** Host name; needs NEWUTS. */
  readonly hostname?: string;
  /** NIS domain name; needs NEWUTS. */
  readonly domainname?: string;
  /** Namespaces; what is not listed is shared with the host. */
  readonly namespaces: readonly Namespace[];
  /** Capabilities kept (bounding, permitted, effective), or the five sets. None when absent. */
  readonly capabilities?: readonly CapabilityName[] | CapabilitySets;
  /** Interfaces; needs NEWNET. */
  readonly networks?: readonly Network[];
  /** Routes; needs NEWNET. */
  readonly routes?: readonly Route[];
  /** cgroups; when absent the container still gets an empty one to be found by. */
  readonly cgroups?: Cgroup;
  /** AppArmor profile in force after exec. */
  readonly apparmorProfile?: string;
  /** SELinux label of the process. */
  readonly processLabel?: string;
  /** Limits of the first and of joined processes. */
  readonly rlimits?: readonly Rlimit[];
  /** Supplementary groups by name or number. */
  readonly additionalGroups?: readonly string[];
  /** User id mappings; needs NEWUSER. */
  readonly uidMappings?: readonly IdMapping[];
  /** Group id mappings; needs NEWUSER. */
  readonly gidMappings?: readonly IdMapping[];
  /** Paths hidden; missing ones are ignored. */
  readonly maskPaths?: readonly string[];
  /** Paths made read-only; missing ones are ignored. */
  readonly readonlyPaths?: readonly string[];
  /** Kernel parameters of the container's namespaces, e.g. `kernel.shmmni`. */
  readonly sysctl?: Readonly<Record<string, string>>;
  /** System call filter. */
  readonly seccomp?: Seccomp;
  /** Whether `PR_SET_NO_NEW_PRIVS` is set; always true with seccomp. */
  readonly noNewPrivileges?: boolean;
  /** OOM score adjustment -1000 to 1000. */
  readonly oomScoreAdj?: number;
  /** Layer of writes over `rootfs`, which itself stays as it is. */
  readonly overlay?: Overlay;
  /** The host's own programs as root; not with `overlay`. */
  readonly hostRoot?: HostRoot;
  /** Programs that the runtime runs at points of the container's life. */
  readonly hooks?: Hooks;
  /** Offsets of clocks; needs a new NEWTIME namespace. */
  readonly timeOffsets?: TimeOffsets;
  /** File mode mask of processes; 0o022 when absent. */
  readonly umask?: number;
  /** Scheduling policy of processes. */
  readonly scheduler?: Scheduler;
  /** IO priority of processes. */
  readonly ioPriority?: IoPriority;
  /** CPUs of processes, by sched_setaffinity(2). */
  readonly cpuAffinity?: CpuAffinity;
  /** CPUs of processes that join, instead of `cpuAffinity`. */
  readonly execCpuAffinity?: CpuAffinity;
  /** Execution domain of processes. */
  readonly personality?: Personality;
  /** Where the memory of processes is taken from. */
  readonly memoryPolicy?: MemoryPolicy;
  /** Interfaces of the host that are moved into the container; needs NEWNET. */
  readonly netDevices?: readonly NetDevice[];
  /** Read and written, but refused by a start: resctrl is a matter of the whole host. */
  readonly intelRdt?: IntelRdt;
  /** System that a config.json is for when that is not Linux; a start refuses it. */
  readonly platform?: string;
  /** Keep the caller's session keyring instead of a new one. */
  readonly noNewKeyring?: boolean;
  /** Free labels, `K=V`. */
  readonly labels?: readonly string[];
  /** Process settings that came with the file. */
  readonly process?: ProcessDefaults;
}

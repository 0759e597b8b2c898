/**
 * Configurations as programs write them down: what has a natural value may be
 * left out, and names may be spelled as OCI or the kernel spell them.
 *
 * @module
 */
import type { CapabilityName } from "../names/capabilities.ts";
import type * as model from "../types.ts";

/** A capability, in the original's spelling or the kernel's. */
export type CapabilitySpelling = CapabilityName | `CAP_${CapabilityName}`;

/** A kind of namespace: in the original's spelling, the kernel's or OCI's. */
export type NamespaceSpelling =
  | model.NamespaceType
  | `CLONE_${model.NamespaceType}`
  | "mount"
  | "uts"
  | "ipc"
  | "pid"
  | "network"
  | "user"
  | "cgroup"
  | "time";

/** A resource, by its number or its name; see getrlimit(2). */
export type RlimitSpelling = number | RlimitName | `RLIMIT_${RlimitName}`;

/** Resources that have limits. */
export type RlimitName =
  | "CPU"
  | "FSIZE"
  | "DATA"
  | "STACK"
  | "CORE"
  | "RSS"
  | "NPROC"
  | "NOFILE"
  | "MEMLOCK"
  | "AS"
  | "LOCKS"
  | "SIGPENDING"
  | "MSGQUEUE"
  | "NICE"
  | "RTPRIO"
  | "RTTIME";

/** One namespace of the container; a type that is not listed is shared with the host. */
export interface Namespace extends Omit<model.Namespace, "type"> {
  /** Which kind. */
  readonly type: NamespaceSpelling;
}

/** A program that the runtime runs around a mount; no arguments, no environment and the root directory when absent. */
export interface Command
  extends Pick<model.Command, "path">, Partial<Omit<model.Command, "path">> {}

/** One mount. The kind of file system stands for a missing source, but of a bind; no flags and options when absent. */
export interface Mount
  extends
    Pick<model.Mount, "device" | "destination">,
    Partial<
      Omit<
        model.Mount,
        "device" | "destination" | "premountCmds" | "postmountCmds"
      >
    > {
  /** Programs run inside the new namespaces, before the root switch, before this mount. */
  readonly premountCmds?: readonly Command[];
  /** As `premountCmds`, after this mount. */
  readonly postmountCmds?: readonly Command[];
}

/** A device node, or a rule of the device cgroup. When absent: `rwm`, mode 0o666 (a rule has none), root's. */
export interface Device
  extends
    Pick<model.Device, "type" | "major" | "minor">,
    Partial<Omit<model.Device, "type" | "major" | "minor">> {}

/** An interface of the container. What is absent is the kernel's or nsinit's choice; the loopback is called lo. */
export interface Network
  extends Pick<model.Network, "type">, Partial<Omit<model.Network, "type">> {}

/** A route of the container's main table; the default route when no destination is given. */
export interface Route
  extends
    Pick<model.Route, "interfaceName">,
    Partial<Omit<model.Route, "interfaceName">> {}

/** One resource limit; see getrlimit(2). */
export interface Rlimit extends Omit<model.Rlimit, "type"> {
  /** Which resource, e.g. `NOFILE` or 7. */
  readonly type: RlimitSpelling;
}

/** Resource limits. An absent member leaves the kernel's default. */
export interface Resources
  extends Omit<model.Resources, "allowedDevices" | "deniedDevices"> {
  /** Rules that allow, when `allowAllDevices` is false. */
  readonly allowedDevices?: readonly Device[];
  /** Rules that deny, when `allowAllDevices` is true. */
  readonly deniedDevices?: readonly Device[];
}

/** Where the container's cgroups are and what limits they carry. */
export interface Cgroup extends Resources {
  /** Last component of the path; the container's id when empty or absent. */
  readonly name?: string;
  /** Parent path; an absolute one counts from the hierarchy's root; `nsinit` when absent. */
  readonly parent?: string;
  /** Systemd slice (systemd driver only). */
  readonly slice?: string;
}

/** One argument condition. */
export interface SeccompArg extends Omit<model.SeccompArg, "valueTwo"> {
  /** Second value, for `SCMP_CMP_MASKED_EQ` the wanted result; 0 when absent. */
  readonly valueTwo?: model.Int64;
}

/** A rule for some system calls; it holds for all arguments when none are given. */
export interface SeccompSyscall extends Omit<model.SeccompSyscall, "args"> {
  /** Conditions; all must hold. */
  readonly args?: readonly SeccompArg[];
}

/** A seccomp filter. */
export interface Seccomp
  extends Omit<model.Seccomp, "architectures" | "syscalls"> {
  /** `SCMP_ARCH_*` beyond the native one. */
  readonly architectures?: readonly string[];
  /** The rules. */
  readonly syscalls?: readonly SeccompSyscall[];
}

/** The five capability sets; one that is absent is empty. See capabilities(7). */
export type CapabilitySets = {
  readonly [Set in keyof model.CapabilitySets]?: readonly CapabilitySpelling[];
};

/**
 * A container, all but its process, as it is written down. What comes back of it
 * (`Container.config`) has every member that has a value.
 */
export interface Config extends
  Omit<
    model.Config,
    | "mounts"
    | "devices"
    | "namespaces"
    | "capabilities"
    | "networks"
    | "routes"
    | "cgroups"
    | "rlimits"
    | "seccomp"
  > {
  /** Mounts in order; none when absent. */
  readonly mounts?: readonly Mount[];
  /** Nodes to make; none when absent. */
  readonly devices?: readonly Device[];
  /** Namespaces; what is not listed is shared with the host. */
  readonly namespaces: readonly Namespace[];
  /** Capabilities kept (bounding, permitted, effective), or the five sets. None when absent. */
  readonly capabilities?: readonly CapabilitySpelling[] | CapabilitySets;
  /** Interfaces; needs NEWNET. */
  readonly networks?: readonly Network[];
  /** Routes; needs NEWNET. */
  readonly routes?: readonly Route[];
  /** cgroups; when absent the container still gets an empty one to be found by. */
  readonly cgroups?: Cgroup;
  /** Limits of the first and of joined processes. */
  readonly rlimits?: readonly Rlimit[];
  /** System call filter. */
  readonly seccomp?: Seccomp;
}

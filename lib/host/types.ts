/**
 * What a machine offers to containers, as one value: the planner's second input.
 *
 * @module
 */

/** A mounted cgroup hierarchy. */
export interface CgroupHierarchy {
  /** 1, or 2 for the unified hierarchy. */
  readonly version: 1 | 2;
  /**
   * Controllers that it carries, e.g. `["cpu", "cpuacct"]` or `["name=systemd"]`;
   * for version 2 what `cgroup.controllers` at `base` offers.
   */
  readonly controllers: readonly string[];
  /** Mount point; absolute group paths count from here. */
  readonly mount: string;
  /** Path inside the hierarchy that is mounted there; `/` but in containers. */
  readonly root: string;
  /**
   * Directory of pid 1's group: relative group paths count from here. A leaf of
   * systemd (`init.scope`) is stripped, since it may not have children.
   */
  readonly base: string;
  /**
   * File that takes a block IO weight, e.g. `blkio.bfq.weight`; only where the
   * hierarchy carries `blkio` or `io`.
   */
  readonly weightFile?: string;
}

/** All hierarchies of a machine. */
export interface CgroupLayout {
  /** `hybrid`: version 1 hierarchies beside a version 2 one. */
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  /** The hierarchies; the version 2 one last. */
  readonly hierarchies: readonly CgroupHierarchy[];
}

/** Inode of `/proc/self/ns/user` in the initial user namespace. */
export const INITIAL_USER_NAMESPACE = 4026531837;

/** Consecutive ids. */
export interface IdRange {
  /** First one. */
  readonly first: number;
  /** How many. */
  readonly size: number;
}

/** What an ordinary user may use for containers. */
export interface OrdinaryUser {
  /** Group id. */
  readonly gid: number;
  /** Further user ids, from `/etc/subuid`. */
  readonly subordinateUids: readonly IdRange[];
  /** Further group ids, from `/etc/subgid`. */
  readonly subordinateGids: readonly IdRange[];
  /** Whether newuidmap(1) and newgidmap(1) are there to map those. */
  readonly hasMappers: boolean;
}

/** A machine and its kernel. */
export interface Host {
  /** Where cgroups are. */
  readonly cgroup: CgroupLayout;
  /** Highest capability number that the kernel knows. */
  readonly lastCapability: number;
  /**
   * Mask of the capabilities that this process may have at all, its bounding
   * set; all when absent.
   */
  readonly capabilityBound?: bigint;
  /** Whether AppArmor is in force. */
  readonly apparmor: boolean;
  /** Whether SELinux is in force. */
  readonly selinux: boolean;
  /** Processor architecture. */
  readonly architecture: "x86_64" | "aarch64";
  /** Whether there is `/proc/kcore`, so that a link to it leads somewhere; so it is when absent. */
  readonly kcore?: boolean;
  /** Version of the kernel, e.g. `[6, 1]`. */
  readonly kernel: readonly [major: number, minor: number];
  /** User id that containers are started with. */
  readonly euid: number;
  /** More of that user; absent for root. */
  readonly user?: OrdinaryUser;
  /** Inode of `/proc/self/ns/user`; {@linkcode INITIAL_USER_NAMESPACE} outside containers. */
  readonly userNamespaceInode?: number;
  /**
   * Whether setgroups(2) is denied to this process: in the user namespace of a
   * user who has mapped his own group alone, and in all below.
   */
  readonly groupsDenied?: boolean;
}

/**
 * Whether containers are started by root of the machine, not by an ordinary
 * user nor by root of a user namespace, as where engines work for users. Pure.
 *
 * @param host The machine.
 * @returns True for root of the machine.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isHostRoot } from "./types.ts";
 *
 * assert(isHostRoot({ euid: 0 }));
 * assert(!isHostRoot({ euid: 0, userNamespaceInode: 4026532281 }));
 * ```
 */
export function isHostRoot(
  { euid, userNamespaceInode = INITIAL_USER_NAMESPACE }: Pick<
    Host,
    "euid" | "userNamespaceInode"
  >,
): boolean {
  return euid === 0 && userNamespaceInode === INITIAL_USER_NAMESPACE;
}

/**
 * Whether the kernel is at least of a version. Pure.
 *
 * @param host The machine.
 * @param major Wanted major number.
 * @param minor Wanted minor number.
 * @returns True when it is that version or newer.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isKernelAtLeast } from "./types.ts";
 *
 * assert(isKernelAtLeast({ kernel: [6, 1] }, 5, 14));
 * assert(!isKernelAtLeast({ kernel: [5, 4] }, 5, 7));
 * ```
 */
export function isKernelAtLeast(
  host: Pick<Host, "kernel">,
  major: number,
  minor: number,
): boolean {
  const [actual, rest] = host.kernel;
  return actual > major || (actual === major && rest >= minor);
}

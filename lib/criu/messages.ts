/**
 * The requests and answers of `criu swrk`, as CRIU's `rpc.proto` numbers them.
 *
 * @module
 */
import { decodeMessage, encodeMessage, type Schema } from "./protobuf.ts";

/** What is asked of CRIU. */
export const REQUESTS = {
  dump: 1,
  restore: 2,
  preDump: 4,
  notify: 6,
  featureCheck: 9,
  version: 10,
} as const;

/** How CRIU deals with the settings of cgroups: those that are there stay, get those of the images, or must not be there. */
export const CGROUP_MODES = { soft: 3, full: 4, strict: 5 } as const;

/** Name of a way to deal with cgroups. */
export type CgroupMode = keyof typeof CGROUP_MODES;

/** Packets are held back by nftables, which needs no program of the host. */
export const LOCK_BY_NFTABLES = 2;

const INHERIT_FD: Schema = {
  key: { number: 1, type: "text" },
  fd: { number: 2, type: "int" },
};
const CGROUP_ROOT: Schema = {
  controller: { number: 1, type: "text" },
  path: { number: 2, type: "text" },
};
const PAGE_SERVER: Schema = {
  address: { number: 1, type: "text" },
  port: { number: 2, type: "int" },
  pid: { number: 3, type: "int" },
  fd: { number: 4, type: "int" },
};

const OPTIONS: Schema = {
  imagesDirFd: { number: 1, type: "int" },
  pid: { number: 2, type: "int" },
  leaveRunning: { number: 3, type: "bool" },
  extUnixSk: { number: 4, type: "bool" },
  tcpEstablished: { number: 5, type: "bool" },
  evasiveDevices: { number: 6, type: "bool" },
  shellJob: { number: 7, type: "bool" },
  fileLocks: { number: 8, type: "bool" },
  logLevel: { number: 9, type: "int" },
  logFile: { number: 10, type: "text" },
  pageServer: { number: 11, type: PAGE_SERVER },
  notifyScripts: { number: 12, type: "bool" },
  root: { number: 13, type: "text" },
  parentImage: { number: 14, type: "text" },
  trackMemory: { number: 15, type: "bool" },
  autoDedup: { number: 16, type: "bool" },
  workDirFd: { number: 17, type: "int" },
  linkRemap: { number: 18, type: "bool" },
  manageCgroups: { number: 24, type: "bool" },
  cgroupRoots: { number: 25, type: CGROUP_ROOT, isList: true },
  restoreSibling: { number: 26, type: "bool" },
  inheritFds: { number: 27, type: INHERIT_FD, isList: true },
  externalSharing: { number: 29, type: "bool" },
  externalMasters: { number: 30, type: "bool" },
  manageCgroupsMode: { number: 34, type: "int" },
  external: { number: 37, type: "text", isList: true },
  emptyNamespaces: { number: 38, type: "int" },
  freezeCgroup: { number: 44, type: "text" },
  timeout: { number: 45, type: "int" },
  tcpSkipInFlight: { number: 46, type: "bool" },
  lazyPages: { number: 48, type: "bool" },
  statusFd: { number: 49, type: "int" },
  orphanPtsMaster: { number: 50, type: "bool" },
  configFile: { number: 51, type: "text" },
  lsmProfile: { number: 53, type: "text" },
  cgroupYard: { number: 60, type: "text" },
  lsmMountContext: { number: 63, type: "text" },
  networkLock: { number: 64, type: "int" },
};

const FEATURES: Schema = {
  memoryTracking: { number: 1, type: "bool" },
  lazyPages: { number: 2, type: "bool" },
};

const REQUEST: Schema = {
  type: { number: 1, type: "int" },
  options: { number: 2, type: OPTIONS },
  notifySuccess: { number: 3, type: "bool" },
  keepOpen: { number: 4, type: "bool" },
  features: { number: 5, type: FEATURES },
};

const RESPONSE: Schema = {
  type: { number: 1, type: "int" },
  success: { number: 2, type: "bool" },
  restore: { number: 4, type: { pid: { number: 1, type: "int" } } },
  notify: {
    number: 5,
    type: {
      script: { number: 1, type: "text" },
      pid: { number: 2, type: "int" },
    },
  },
  errno: { number: 7, type: "int" },
  features: { number: 8, type: FEATURES },
  message: { number: 9, type: "text" },
  version: {
    number: 10,
    type: {
      major: { number: 1, type: "int" },
      minor: { number: 2, type: "int" },
      sublevel: { number: 4, type: "int" },
    },
  },
};

/** Options of a dump or a restore; CRIU's own defaults where absent. */
export interface CriuOptions {
  /** Directory of the images: a descriptor of this process. */
  readonly imagesDirFd: number;
  /** Directory of the log: a descriptor of this process. */
  readonly workDirFd?: number;
  /** Dump: host pid of the first process. */
  readonly pid?: number;
  /** Dump: the processes go on. */
  readonly leaveRunning?: boolean;
  /** Sockets that are connected to others outside. */
  readonly extUnixSk?: boolean;
  /** Connections that are open. */
  readonly tcpEstablished?: boolean;
  /** Restore: devices are found by another name where need be. */
  readonly evasiveDevices?: boolean;
  /** Session and terminal of others. */
  readonly shellJob?: boolean;
  /** Locks of files that are held. */
  readonly fileLocks?: boolean;
  /** 0 to 4. */
  readonly logLevel?: number;
  /** Name in the directory of the log. */
  readonly logFile?: string;
  /** Dump: where memory goes instead of into the images. */
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** Whether notifications are sent. */
  readonly notifyScripts?: boolean;
  /** Restore: mount point of the root. */
  readonly root?: string;
  /** Dump: earlier images, relative to these. */
  readonly parentImage?: string;
  /** Dump: note which memory is changed from now on. */
  readonly trackMemory?: boolean;
  /** Remove from the parent images what these hold anew. */
  readonly autoDedup?: boolean;
  /** Names for files that have none any more. */
  readonly linkRemap?: boolean;
  /** Whether cgroups are dumped and restored. */
  readonly manageCgroups?: boolean;
  /** How; of {@linkcode CGROUP_MODES}. */
  readonly manageCgroupsMode?: number;
  /** Restore: which group takes the place of the first process's. */
  readonly cgroupRoots?: readonly {
    readonly controller: string;
    readonly path: string;
  }[];
  /** Restore: the first process is a child of CRIU's parent. */
  readonly restoreSibling?: boolean;
  /** Restore: descriptors of CRIU by the key of what they stand for. */
  readonly inheritFds?: readonly {
    readonly key: string;
    readonly fd: number;
  }[];
  /** Mounts that share with others outside. */
  readonly externalSharing?: boolean;
  /** Mounts that get what is mounted outside. */
  readonly externalMasters?: boolean;
  /** What is outside, as CRIU's `--external`. */
  readonly external?: readonly string[];
  /** `CLONE_NEW*` of namespaces whose content is left out. */
  readonly emptyNamespaces?: number;
  /** Freezer group of the processes. */
  readonly freezeCgroup?: string;
  /** Seconds until CRIU gives up stopping the processes. */
  readonly timeout?: number;
  /** Dump: connections that are being made are left out. */
  readonly tcpSkipInFlight?: boolean;
  /** Memory is fetched when it is used. */
  readonly lazyPages?: boolean;
  /** A file whose settings stand above those of the request; one that is missing says nothing. */
  readonly configFile?: string;
  /** Restore: profile of a security module in place of that of the dump, `TYPE:NAME`. */
  readonly lsmProfile?: string;
  /** Restore: label of mounts in place of that of the dump. */
  readonly lsmMountContext?: string;
  /** Dump with lazy pages: a descriptor of this process that gets a byte when they are served. */
  readonly statusFd?: number;
  /** The terminal's outer end is ours. */
  readonly orphanPtsMaster?: boolean;
  /** Directory in which the hierarchies are found by name; CRIU mounts them when absent. */
  readonly cgroupYard?: string;
  /** {@linkcode LOCK_BY_NFTABLES}; iptables when absent. */
  readonly networkLock?: number;
}

/** What the kernel and CRIU offer together. */
export interface CriuFeatures {
  /** Which memory has changed since an earlier dump. */
  readonly memoryTracking?: boolean;
  /** Memory is fetched when it is used. */
  readonly lazyPages?: boolean;
}

/** A request. */
export interface CriuRequest {
  /** Of {@linkcode REQUESTS}. */
  readonly type: number;
  /** Of a dump or restore. */
  readonly options?: CriuOptions;
  /** Answer to a notification. */
  readonly notifySuccess?: boolean;
  /** Whether more requests follow. */
  readonly keepOpen?: boolean;
  /** What is asked for. */
  readonly features?: CriuFeatures;
}

/** An answer, or a notification on the way to it. */
export interface CriuResponse {
  /** Of {@linkcode REQUESTS}. */
  readonly type: number;
  /** Whether it has been done. */
  readonly success: boolean;
  /** Of a restore. */
  readonly restore?: { readonly pid: number };
  /** Which point is reached; the host pid of the first process where it is known. */
  readonly notify?: { readonly script?: string; readonly pid?: number };
  /** Errno of a failure. */
  readonly errno?: number;
  /** Words of a failure. */
  readonly message?: string;
  /** Of a feature check. */
  readonly features?: CriuFeatures;
  /** Of a version request. */
  readonly version?: {
    readonly major: number;
    readonly minor: number;
    readonly sublevel?: number;
  };
}

/**
 * Packs a request. Pure.
 *
 * @param request The request.
 * @returns The bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeRequest, REQUESTS } from "./messages.ts";
 *
 * assertEquals([...encodeRequest({ type: REQUESTS.version })], [8, 10]);
 * ```
 */
export function encodeRequest(
  request: CriuRequest,
): Uint8Array<ArrayBuffer> {
  return encodeMessage(REQUEST, { ...request } as never);
}

/**
 * Unpacks an answer. Pure.
 *
 * @param bytes The bytes.
 * @returns The answer.
 * @throws {RangeError} For bytes that are none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeResponse } from "./messages.ts";
 *
 * assertEquals(decodeResponse(new Uint8Array([8, 1, 16, 1])), { type: 1, success: true });
 * ```
 */
export function decodeResponse(bytes: Uint8Array): CriuResponse {
  const { type, success, ...rest } = decodeMessage(RESPONSE, bytes);
  if (typeof type !== "number" || typeof success !== "boolean") {
    throw new RangeError("Cannot read a message: it is no answer of CRIU");
  }
  return { type, success, ...rest as Omit<CriuResponse, "type" | "success"> };
}

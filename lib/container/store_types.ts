/**
 * Shape of `state.json` below the state root.
 *
 * @module
 */
import type { Config, NamespaceType } from "../config/types.ts";
import type { RecordedResources } from "../plan/types.ts";
import type { ProcessIdentity } from "./liveness.ts";
import type { ProcessRequest } from "./request.ts";

/**
 * Where a container is in its life.
 *
 * - `created`: its id and configuration are kept; nothing of it exists.
 * - `prepared`: its sandbox is there, and a process of its owner waits in it for
 *   what to run; `pid` is that process.
 * - `held`: all is made, and its first process waits for anyone to let it
 *   execute its program; `pid` is that process.
 * - `creating`: its first process, or its sandbox, is being made.
 * - `running`: the program runs, or has ended without anyone noting it down.
 * - `checkpointed`: its processes are in an image.
 * - `stopped`: its first process has ended and everything is taken away.
 */
export type Phase =
  | "created"
  | "prepared"
  | "held"
  | "creating"
  | "running"
  | "checkpointed"
  | "stopped";

/** Who makes a container's cgroups; nobody where that is disabled. */
export type CgroupDriver = "cgroupfs" | "systemd" | "disabled";

/** How a first process ended, as its owner saw it. */
export interface RecordedExit {
  /** Exit status; 128 + N after signal N. */
  readonly code: number;
  /** Signal number, when one ended it. */
  readonly signal?: number;
}

/** What is recorded of a container of the OCI command line besides. */
export interface OciRecord {
  /** Its bundle, absolute. */
  readonly bundle: string;
  /** `ociVersion` of its config.json, as written there. */
  readonly version: string;
  /** Whether it sees a socket by which its program tells that it is ready. */
  readonly tellsReady?: boolean;
}

/** Contents of `<root>/<id>/state.json`. */
export interface StoredState {
  /** Version of this shape. */
  readonly version: 2;
  /** Container id. */
  readonly id: string;
  /** Where it is in its life. */
  readonly phase: Phase;
  /**
   * Whether it was made to be kept: it stays, `stopped`, when its first process
   * has ended, until it is deleted. One that `exec` made goes with its program.
   */
  readonly kept: boolean;
  /** Who makes its cgroups; `cgroupfs`, that is we, when absent. */
  readonly cgroupDriver?: CgroupDriver;
  /** Host pid of the first process, 0 where there is none; that of the last one when `stopped`. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot, as text. */
  readonly startTime: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /** Who made it, or started its first process last. */
  readonly owner: ProcessIdentity;
  /** RFC 3339 time of creation. */
  readonly created: string;
  /** The container's directory; empty for one that has none. */
  readonly directory: string;
  /** Full configuration. */
  readonly config: Config;
  /** Types of namespaces that the container does not share with the host. */
  readonly namespaces: readonly NamespaceType[];
  /** What must be taken away at the end. */
  readonly resources: RecordedResources;
  /** Directory of the images; only when `checkpointed`. */
  readonly images?: string;
  /** Only of a container of the OCI command line: it stays until it is deleted, whatever becomes of it. */
  readonly oci?: OciRecord;
  /** What is to run; only when `held`. */
  readonly process?: Omit<ProcessRequest, "seccompNotify">;
  /** How the first process ended; only when `stopped`. */
  readonly exit?: RecordedExit;
}

/** What a container has outside that has nothing. */
export const NO_RESOURCES: RecordedResources = {
  cgroups: [],
  interfaces: [],
  files: [],
};

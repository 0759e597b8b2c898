/**
 * Shape of `state.json` below the state root.
 *
 * @module
 */
import type { Config } from "../config/types.ts";

/** A cgroup that the container has, in one hierarchy. */
export interface RecordedCgroup {
  /** Hierarchy version. */
  readonly version: 1 | 2;
  /** Controllers of the hierarchy, e.g. `["cpu", "cpuacct"]`. */
  readonly controllers: readonly string[];
  /** Directory below which everything was made by us. */
  readonly base: string;
  /** The container's directory. */
  readonly path: string;
}

/** What a container has made outside itself; written before it is made. */
export interface RecordedResources {
  /** Its cgroups. */
  readonly cgroups: readonly RecordedCgroup[];
  /** Outer interfaces with the alias that marks them as ours. */
  readonly interfaces: readonly {
    readonly host: string;
    readonly alias: string;
  }[];
  /** Files outside the state directory, e.g. the marker. */
  readonly files: readonly {
    readonly dir: string;
    readonly name: string;
    /** Inode number in decimal, when known: another file is left alone. */
    readonly inode?: string;
  }[];
}

/** Contents of `<root>/<id>/state.json`. */
export interface StoredState {
  /** Version of this shape. */
  readonly version: 1;
  /** Container id. */
  readonly id: string;
  /** `creating` until the program is about to run. */
  readonly phase: "creating" | "running";
  /** Host pid of the first process, 0 while creating. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot, as text. */
  readonly startTime: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /** pid and start time of the maker while creating. */
  readonly owner: { readonly pid: number; readonly startTime: string };
  /** RFC 3339 time of creation. */
  readonly created: string;
  /** The container's directory. */
  readonly directory: string;
  /** Full configuration. */
  readonly config: Config;
  /** Types of namespaces that the container does not share with the host. */
  readonly namespaces: readonly string[];
  /** What must be taken away at the end. */
  readonly resources: RecordedResources;
}

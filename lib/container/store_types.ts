/**
 * Shape of `state.json` below the state root.
 *
 * @module
 */
import type { Config, NamespaceType } from "../config/types.ts";
import type { RecordedResources } from "../plan/types.ts";

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
  readonly namespaces: readonly NamespaceType[];
  /** What must be taken away at the end. */
  readonly resources: RecordedResources;
}

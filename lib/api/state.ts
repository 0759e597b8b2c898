/**
 * What is recorded of a container, as libcontainer told it.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { shareConfig } from "../container/configs.ts";
import { cgroupPathsOf, namespacePathsOf } from "../container/inspect.ts";
import { type ContainerStatus, summarize } from "../container/list.ts";
import type { RecordedExit, StoredState } from "../container/store_types.ts";

/** A container's recorded state: libcontainer's `State`, with what it is doing. */
export interface ContainerState {
  /** Container id. */
  readonly id: string;
  /** What it is doing. */
  readonly status: ContainerStatus;
  /** Host pid of the first process; 0 when there is none. */
  readonly initProcessPid: number;
  /** Its start time, field 22 of `/proc/PID/stat`: clock ticks since boot, as text; empty when there is none. */
  readonly initProcessStart: string;
  /** RFC 3339 time of creation. */
  readonly created: string;
  /** Absolute path of its cgroup by controller, `unified` for version 2; empty when it does not run. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
  /** Namespace files by type, e.g. `NEWNET`, those shared with the host included; empty when it does not run. */
  readonly namespacePaths: Readonly<Record<string, string>>;
  /** How the first process ended, when it has and that is known. */
  readonly exit?: RecordedExit;
  /** Its configuration. */
  readonly config: Config;
}

/** The state as it is told. */
export function describeState(state: StoredState): ContainerState {
  const { id, pid, status, created } = summarize(state);
  return {
    id,
    status,
    initProcessPid: pid,
    initProcessStart: pid === 0 ? "" : state.startTime,
    created,
    cgroupPaths: pid === 0 ? {} : cgroupPathsOf(state),
    namespacePaths: namespacePathsOf(state),
    ...(state.exit && { exit: state.exit }),
    config: shareConfig(state.config).config,
  };
}

/**
 * Lists containers, finishing the removal of those whose owner was killed.
 *
 * @module
 */
import { freezerState } from "./freezer.ts";
import { isHeld, isKept, isRunning } from "./phase.ts";
import {
  listIds,
  lockState,
  readState,
  stateDirectory,
  unlockState,
} from "./store.ts";
import type { StoredState } from "./store_types.ts";

/**
 * What a container is doing.
 *
 * - `created`: it has not run yet.
 * - `running`: its first process lives.
 * - `pausing`, `paused`: its processes are being frozen, or are frozen.
 * - `checkpointed`: its processes are in an image.
 * - `stopped`: its first process has ended.
 */
export type ContainerStatus =
  | "created"
  | "running"
  | "pausing"
  | "paused"
  | "checkpointed"
  | "stopped";

/** One line of a list. */
export interface ContainerSummary {
  /** Container id. */
  readonly id: string;
  /** Host pid of the first process; 0 when there is none. */
  readonly pid: number;
  /** What it is doing. */
  readonly status: ContainerStatus;
  /** The container's directory; empty for one that has none. */
  readonly directory: string;
  /** RFC 3339 time of creation. */
  readonly created: string;
}

/** The status of a recorded container. */
export function statusOf(state: StoredState): ContainerStatus {
  if (isRunning(state)) return freezerStatus(state);
  switch (state.phase) {
    case "created":
    case "checkpointed":
      return state.phase;
    case "held":
      return isHeld(state) ? "created" : "stopped";
    case "prepared":
    case "creating":
      return state.kept ? "created" : "stopped";
    default:
      return "stopped";
  }
}

function freezerStatus(state: StoredState): "running" | "pausing" | "paused" {
  switch (freezerState(state)) {
    case "frozen":
      return "paused";
    case "freezing":
      return "pausing";
    default:
      return "running";
  }
}

/** Summary of one container. */
export function summarize(state: StoredState): ContainerSummary {
  const status = statusOf(state);
  const lives = status === "running" || status === "pausing" ||
    status === "paused";
  return {
    id: state.id,
    pid: lives ? state.pid : 0,
    status,
    directory: state.directory,
    created: state.created,
  };
}

/** Whether there is nothing to sweep. */
export function stays(state: StoredState | undefined): state is StoredState {
  return state !== undefined && (isRunning(state) || isKept(state));
}

/**
 * Lists the containers below a state root and sweeps away what killed owners
 * left.
 *
 * @param stateRoot State root.
 * @param onDamaged Told of each container whose state cannot be read, or whose
 * remains cannot be removed; without it that is thrown.
 * @returns One summary per container that is not gone, sorted by id.
 * @throws {KernelError} `SystemError` if remains cannot be removed.
 *
 * @example
 * ```ts ignore
 * for (const { id, status } of await listContainers("/run/nsinit")) console.log(id, status);
 * ```
 */
export async function listContainers(
  stateRoot: string,
  onDamaged?: (id: string, error: unknown) => void,
): Promise<ContainerSummary[]> {
  const summaries: ContainerSummary[] = [];
  for (const id of await listIds(stateRoot)) {
    try {
      const state = await readState(stateDirectory(stateRoot, id));
      const found = stays(state) ? state : await sweep(stateRoot, id);
      if (found) summaries.push(summarize(found));
    } catch (error) {
      if (!onDamaged) throw error;
      onDamaged(id, error);
    }
  }
  return summaries;
}

/**
 * Sweeps one container away if it is a remain.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns Its state if it is none; undefined when it is gone.
 * @throws {KernelError} `SystemError` if remains cannot be removed.
 */
export async function sweep(
  stateRoot: string,
  id: string,
): Promise<StoredState | undefined> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) return undefined;
  try {
    // It may have been started again while we waited for the lock.
    const state = await readState(locked.dir);
    if (stays(state)) return state;
    const { removeRemains } = await import("./recover.ts");
    await removeRemains(locked, state);
    return undefined;
  } finally {
    unlockState(locked);
  }
}

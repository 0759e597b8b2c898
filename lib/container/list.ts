/**
 * Lists containers, finishing the removal of those whose owner was killed.
 *
 * @module
 */
import { isRunning, removeRemains } from "./recover.ts";
import {
  listIds,
  lockState,
  readState,
  stateDirectory,
  unlockState,
} from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** One line of a list. */
export interface ContainerSummary {
  /** Container id. */
  readonly id: string;
  /** Host pid of the first process; 0 when there is none. */
  readonly pid: number;
  /** `running`, `paused` or `stopped`. */
  readonly status: "running" | "paused" | "stopped";
  /** The container's directory. */
  readonly directory: string;
  /** RFC 3339 time of creation. */
  readonly created: string;
}

/** The status of a recorded container. */
export function statusOf(state: StoredState): ContainerSummary["status"] {
  if (!isRunning(state)) return "stopped";
  return isFrozen(state) ? "paused" : "running";
}

/** Whether the container's processes are frozen by its cgroup. */
export function isFrozen(state: StoredState): boolean {
  return state.resources.cgroups.some((group) => {
    const file = group.version === 2 ? "cgroup.freeze" : "freezer.state";
    if (group.version === 1 && !group.controllers.includes("freezer")) {
      return false;
    }
    try {
      const text = Deno.readTextFileSync(`${group.path}/${file}`).trim();
      return text === "1" || text === "FROZEN" || text === "FREEZING";
    } catch {
      return false; // the group went with the container
    }
  });
}

/** Summary of one container. */
export function summarize(state: StoredState): ContainerSummary {
  const status = statusOf(state);
  return {
    id: state.id,
    pid: status === "stopped" ? 0 : state.pid,
    status,
    directory: state.directory,
    created: state.created,
  };
}

/**
 * Lists the containers below a state root and sweeps away what killed owners
 * left.
 *
 * @param stateRoot State root.
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
): Promise<ContainerSummary[]> {
  const summaries: ContainerSummary[] = [];
  for (const id of await listIds(stateRoot)) {
    const state = await readState(stateDirectory(stateRoot, id));
    if (state && isRunning(state)) summaries.push(summarize(state));
    else {
      const left = await sweep(stateRoot, id);
      if (left) summaries.push(left);
    }
  }
  return summaries;
}

async function sweep(
  stateRoot: string,
  id: string,
): Promise<ContainerSummary | undefined> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) return undefined;
  try {
    // It may have been started again while we waited for the lock.
    const state = await readState(locked.dir);
    if (state && isRunning(state)) return summarize(state);
    await removeRemains(locked, state);
    return undefined;
  } finally {
    unlockState(locked);
  }
}

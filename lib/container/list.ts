/**
 * Lists containers, finishing the removal of those whose owner was killed.
 *
 * @module
 */
import { isKept, isRunning, removeRemains } from "./recover.ts";
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
    case "creating":
      return state.kept ? "created" : "stopped";
    default:
      return "stopped";
  }
}

/** Text of a file of a group; empty when the group went with the container. */
function readGroup(path: string, file: string): string {
  try {
    return Deno.readTextFileSync(`${path}/${file}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return "";
  }
}

function freezerStatus(state: StoredState): "running" | "pausing" | "paused" {
  for (const { version, path, controllers } of state.resources.cgroups) {
    if (version === 2) {
      if (readGroup(path, "cgroup.freeze").trim() !== "1") continue;
      const events = readGroup(path, "cgroup.events");
      return /^frozen 1$/m.test(events) ? "paused" : "pausing";
    }
    if (!controllers.includes("freezer")) continue;
    const text = readGroup(path, "freezer.state").trim();
    if (text === "FROZEN") return "paused";
    if (text === "FREEZING") return "pausing";
  }
  return "running";
}

/** Whether the container's processes are frozen by its cgroup, or about to be. */
export function isFrozen(state: StoredState): boolean {
  return freezerStatus(state) !== "running";
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
function stays(state: StoredState | undefined): state is StoredState {
  return state !== undefined && (isRunning(state) || isKept(state));
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
    if (stays(state)) summaries.push(summarize(state));
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
    if (stays(state)) return summarize(state);
    await removeRemains(locked, state);
    return undefined;
  } finally {
    unlockState(locked);
  }
}

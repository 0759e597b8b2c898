/**
 * What a recorded container is now.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { bootId, isAlive } from "./liveness.ts";
import type { StoredState } from "./store_types.ts";

/**
 * Whether the container's first process lives and is meant to.
 *
 * A process that dies with its starter counts as dead once the starter is
 * gone: the kernel's signal may still be under way.
 *
 * @param state Recorded state.
 * @returns True if the container can be joined.
 */
export function isRunning(state: StoredState): boolean {
  if (state.phase !== "running" || state.bootId !== bootId()) return false;
  const owned = (state.config.parentDeathSignal ?? 0) > 0;
  if (owned && !isAlive(state.owner)) return false;
  return isAlive(state);
}

/** Whether a container has a sandbox in which a process waits for what to run. */
export function isPrepared(state: StoredState): boolean {
  return state.phase === "prepared" && ownerLives(state) && isAlive(state);
}

/** Whether a container has a first process that waits to execute its program. */
export function isHeld(state: StoredState): boolean {
  return state.phase === "held" && state.bootId === bootId() && isAlive(state);
}

/**
 * Whether a container has a first process, whether that executes its program
 * already or waits to.
 *
 * @param state Recorded state.
 * @returns True if its processes can be frozen, limited and counted.
 */
export function hasProcess(state: StoredState): boolean {
  return isRunning(state) || isHeld(state);
}

/**
 * Refuses to start a program in a container that is held for its own.
 *
 * @param state Recorded state.
 * @throws {StateError} `ContainerNotStopped`.
 */
export function refuseHeld(state: StoredState): void {
  if (!isHeld(state)) return;
  throw new StateError(
    "ContainerNotStopped",
    `Cannot start a program in container ${state.id}: its own waits to be started; start that, or delete the container`,
    { context: { id: state.id } },
  );
}

/** Whether who started the container last still lives. */
export function ownerLives(state: StoredState): boolean {
  return state.bootId === bootId() && isAlive(state.owner);
}

/**
 * Whether a container without a first process stays until it is deleted.
 *
 * Those that were made to be kept do, those whose processes are in images, and those of an engine. Of one whose first process is being made,
 * or waits to be, or has just ended, the record is its owner's to complete; without its owner
 * it is a remain.
 *
 * @param state Recorded state of a container that does not run.
 * @returns False when anyone may take all of it away.
 */
export function isKept(state: StoredState): boolean {
  if (state.phase === "checkpointed") return true;
  if (isHeld(state)) return true;
  if (state.oci && state.phase !== "creating") return true;
  if (!state.kept) return false;
  switch (state.phase) {
    case "created":
    case "stopped":
      return true;
    default:
      return ownerLives(state);
  }
}

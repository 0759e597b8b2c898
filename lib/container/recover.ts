/**
 * Takes away what a container left, from its recorded state alone.
 *
 * @module
 */
import { PlanRun, temporaryName } from "../../ffi/native.ts";
import { buildUndo } from "../plan/undo.ts";
import type { UndoOp } from "../plan/ops.ts";
import { bootId, isAlive } from "./liveness.ts";
import { type LockedState, STATE_FILE } from "./store.ts";
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

/** The undo list of a recorded container. */
export function undoOf(
  state: StoredState,
  place: { readonly stateDir: string; readonly lockFd?: number },
): UndoOp[] {
  return buildUndo(state.resources, place);
}

/**
 * Removes a container that is not running; the lock must be held.
 *
 * @param locked Its locked state directory.
 * @param state Its state; undefined when its maker was killed before it wrote one.
 * @throws {KernelError} `SystemError` if something cannot be removed.
 */
export async function removeRemains(
  locked: LockedState,
  state: StoredState | undefined,
): Promise<void> {
  if (state) {
    // Of a writer killed before its rename: the undo list removes an empty directory.
    const unfinished = `${locked.dir}/${temporaryName(STATE_FILE)}`;
    await Deno.remove(unfinished).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    const run = new PlanRun({
      parent: [],
      child: [],
      undo: undoOf(state, { stateDir: locked.dir }),
    });
    try {
      run.undo();
    } finally {
      run.close();
    }
  }
  // Whatever a killed writer left in this directory, which only we can enter.
  await Deno.remove(locked.dir, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/**
 * How what a recorded container left is taken away, from its record alone.
 *
 * @module
 */
import { PlanRun } from "../../ffi/plan_run.ts";
import type { Config } from "../config/types.ts";
import { KernelError } from "../errors.ts";
import { planPoststop } from "../plan/hooks.ts";
import type { UndoOp } from "../plan/ops.ts";
import { buildUndo, ROOT_PLACE, type UndoPlace } from "../plan/undo.ts";
import { killNamespace } from "./namespace_processes.ts";
import { type LockedState, writeState } from "./store.ts";
import {
  NO_RESOURCES,
  type RecordedExit,
  type StoredState,
} from "./store_types.ts";
import { REMOVALS } from "./throttle.ts";
import { warn } from "./warnings.ts";

/**
 * What hooks of an engine's container that name no environment get. Pure but for the
 * environment itself.
 *
 * @param config Its configuration: without hooks nothing is looked up.
 * @returns A member of the hooks' subject.
 */
export function engineHookEnv(
  { hooks }: Config,
): { readonly hookEnv?: readonly string[] } {
  if (hooks === undefined) return {};
  const all = Object.entries(Deno.env.toObject());
  return { hookEnv: all.map(([name, value]) => `${name}=${value}`) };
}

/** Poststop hooks that are due: those of a start in which hooks have run. */
function poststopOf(state: StoredState): UndoOp[] {
  if (!state.resources.poststop) return [];
  const { config, oci } = state;
  return planPoststop(config, { ...state, ...oci && engineHookEnv(config) });
}

/** The undo list of a recorded container. */
export function undoOf(
  state: StoredState,
  place: UndoPlace,
): UndoOp[] {
  return buildUndo(state.resources, place, poststopOf(state));
}

/**
 * Name of the file that tells the monitor of one run of a container that its
 * processes have been checkpointed: there is nothing left for it to remove.
 */
export function dumpedFile(
  { pid, startTime }: Pick<StoredState, "pid" | "startTime">,
): string {
  return `checkpointed.${pid}.${startTime}`;
}

/** On which thread a removal waits for the kernel. */
export interface RemovalOptions {
  /** Whether waiting holds up the calling thread, as for a command line. */
  readonly blocking?: boolean;
}

function executeUndo(
  undo: UndoOp[],
  { blocking }: RemovalOptions,
): Promise<void> {
  return REMOVALS.run(async () => {
    const run = new PlanRun({ parent: [], child: [], undo });
    try {
      if (blocking) run.undo();
      else await run.undoAsync();
    } catch (error) {
      // Hooks run when all is removed, and what follows does not depend on them.
      const isHook = error instanceof KernelError &&
        error.operation === "hook.run";
      if (!isHook) throw error;
      warn(error);
    } finally {
      run.close();
    }
  });
}

/**
 * Kills what lives of a container and takes away what it made; its record
 * stays as it is. The lock must be held.
 *
 * @param state Its state.
 * @param options How it is executed.
 * @throws {KernelError} `SystemError` if something cannot be removed.
 */
export async function removeResources(
  state: StoredState,
  options: RemovalOptions = {},
): Promise<void> {
  await killNamespace(state);
  await executeUndo(undoOf(state, {}), options);
}

/**
 * Runs the poststop hooks of a kept container whose things are removed and whose
 * record says so. The lock must be held.
 *
 * @param state Its state before that.
 * @param options How they are executed.
 */
export async function runPoststop(
  state: StoredState,
  options: RemovalOptions = {},
): Promise<void> {
  const undo = poststopOf(state);
  if (undo.length > 0) await executeUndo(undo, options);
}

/** The record of a container that has not been started, and has nothing outside. */
export function createdState(state: StoredState): StoredState {
  return {
    ...state,
    phase: "created",
    pid: 0,
    startTime: "",
    resources: NO_RESOURCES,
  };
}

/** The record of a container that has nothing outside any more. */
export function stoppedState(
  state: StoredState,
  exit: RecordedExit | undefined,
): StoredState {
  const { exit: _, ...rest } = state;
  return {
    ...rest,
    phase: "stopped",
    resources: NO_RESOURCES,
    ...(exit && { exit }),
  };
}

/**
 * Ends a kept container whose first process is dead: takes its things away and
 * records it as stopped. The lock must be held.
 *
 * @param locked Its locked state directory.
 * @param state Its state.
 * @param exit How the first process ended, where that is known.
 * @returns The new record.
 * @throws {KernelError} `SystemError` if something cannot be removed; the record stays as it was.
 */
export async function settleStopped(
  locked: LockedState,
  state: StoredState,
  exit: RecordedExit | undefined,
): Promise<StoredState> {
  await removeResources(state);
  const stopped = stoppedState(state, exit);
  writeState(locked.dir, stopped);
  await runPoststop(state);
  return stopped;
}

/** Whether nothing but the record is to be removed. */
function hasNothing({ resources }: StoredState): boolean {
  const { cgroups, interfaces, place, poststop } = resources;
  return cgroups.length + interfaces.length === 0 && place === undefined &&
    !poststop;
}

/**
 * Takes the sandbox of a container away that was prepared; the lock must be held.
 *
 * @param locked Its locked state directory.
 * @param state Its state, `prepared`.
 * @param options How it is executed.
 * @returns The new record: it is as it was created.
 * @throws {KernelError} `SystemError` if something cannot be removed; the record stays as it was.
 */
export async function settleCreated(
  locked: LockedState,
  state: StoredState,
  options: RemovalOptions = {},
): Promise<StoredState> {
  await removeResources(state, options);
  const created = createdState(state);
  writeState(locked.dir, created);
  await runPoststop(state, options);
  return created;
}

/**
 * Removes a container that is not running; the lock must be held.
 *
 * @param locked Its locked state directory.
 * @param state Its state; undefined when its maker was killed before it wrote one.
 * @param options How it is executed.
 * @throws {KernelError} `SystemError` if something cannot be removed.
 */
export async function removeRemains(
  locked: LockedState,
  state: StoredState | undefined,
  options: RemovalOptions = {},
): Promise<void> {
  if (state) {
    await killNamespace(state);
    const undo = executeUndo(undoOf(state, { stateDir: locked.dir }), {
      ...options,
      // Files alone are quicker removed than a thread is woken.
      blocking: options.blocking === true || hasNothing(state),
    });
    const isEmpty = await undo.then(() => true, (error) => {
      // A monitor was killed before it read what was written for it.
      const isLeft = error instanceof KernelError &&
        error.operation === "dir.remove" && error.errnoName === "ENOTEMPTY";
      if (!isLeft) throw error;
      return false;
    });
    if (isEmpty) return;
  }
  // A record that cannot be read may have told of a root that is mounted in there:
  // what is in it is not ours.
  const place = `${locked.dir}/${ROOT_PLACE}`;
  await executeUndo([{ op: "place.remove", path: place }], options);
  // Whatever a killed writer left in this directory, which only we can enter.
  await Deno.remove(locked.dir, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

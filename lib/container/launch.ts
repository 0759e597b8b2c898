/**
 * Runs a process in a container that was created: its first one, or a further
 * one when that lives.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";
import { SLOTS } from "../plan/ops.ts";
import { type Attachment, closeInnerEnds } from "./attach.ts";
import { notThere } from "./inspect.ts";
import { ContainerGone, joinContainer } from "./join.ts";
import { startPrepared } from "./prepare.ts";
import { isKept, isRunning, ownerLives, refuseHeld } from "./phase.ts";
import { removeRemains, settleCreated, settleStopped } from "./recover.ts";
import type { ProcessRequest } from "./request.ts";
import { isNameTaken, startContainer, type StartRequest } from "./start.ts";
import {
  type LockedState,
  lockState,
  readState,
  unlockState,
} from "./store.ts";
import type { StoredState } from "./store_types.ts";
import { sleep } from "../pause.ts";

/** How often a join is tried again because the container ended meanwhile. */
const JOIN_ROUNDS = 100;
/** How long the owner of a first process that has ended is given to record it, and how often it is looked at, in milliseconds. */
const OWNER_MS = 2000;
const LOOK_MS = 10;

/** What is to be run. */
export interface LaunchRequest {
  /** The process. */
  readonly process: ProcessRequest;
  /** Its streams; the container's ends are closed whatever happens. */
  readonly attachment: Attachment;
  /** Tells the container from a later one of the same id: its time of creation. */
  readonly created: string;
}

/** A process that runs. */
export interface Launched {
  /** Whether it is the container's first. */
  readonly isFirst: boolean;
  /** Host pid. */
  readonly pid: number;
  /** Its pidfd, owned by the caller, whose child it is. */
  readonly pidfd: number;
  /** Outer end of its terminal, owned by the caller. */
  readonly master?: number;
  /** The container's state. */
  readonly state: StoredState;
}

function takeOver(
  run: PlanRun,
  state: StoredState,
  isFirst: boolean,
): Launched {
  try {
    const master = run.take(SLOTS.master);
    return {
      isFirst,
      pid: run.pid,
      pidfd: run.takePidfd(),
      state,
      ...(master !== undefined && { master }),
    };
  } finally {
    run.close();
  }
}

/** Starts the first process; a cgroup name that another container has is made unique. */
async function startFirst(
  locked: LockedState,
  reserved: StoredState,
  { process, attachment }: LaunchRequest,
): Promise<Launched> {
  const request: StartRequest = {
    id: reserved.id,
    config: reserved.config,
    process,
    attachment,
    reserved,
    keep: true,
    ...(reserved.cgroupDriver && { cgroupDriver: reserved.cgroupDriver }),
    keepEnds: true,
  };
  let started;
  try {
    started = await startContainer(locked, request);
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    started = await startContainer(locked, {
      ...request,
      cgroupNameTaken: true,
    });
  }
  return takeOver(started.run, started.state, true);
}

/** Starts a container that was prepared: in its sandbox, or without where that cannot be used. */
async function startWaiting(
  locked: LockedState,
  state: StoredState,
  request: LaunchRequest,
): Promise<Launched> {
  const started = await startPrepared(locked, state, request);
  if (started) return takeOver(started.run, started.state, true);
  const reserved = await settleCreated(locked, state);
  return await startFirst(locked, reserved, request);
}

/** Whether a first process has ended and its owner is about to write that down. */
function isUnsettled(state: StoredState): boolean {
  return (state.phase === "running" || state.phase === "creating") &&
    ownerLives(state);
}

/** One attempt with the lock held; `again` when the owner is to be waited for. */
async function startLocked(
  locked: LockedState,
  state: StoredState,
  request: LaunchRequest,
  mayWait: boolean,
): Promise<Launched | "again"> {
  if (!isKept(state)) {
    await removeRemains(locked, state);
    throw notThere(state.id);
  }
  if (state.phase === "checkpointed") {
    throw new StateError(
      "ContainerNotStopped",
      `Cannot start container ${state.id}: it is checkpointed; restore it instead`,
      { context: { id: state.id } },
    );
  }
  refuseHeld(state);
  if (state.phase === "prepared") {
    return await startWaiting(locked, state, request);
  }
  if (isUnsettled(state) && mayWait) return "again";
  const reserved = isUnsettled(state)
    ? await settleStopped(locked, state, undefined)
    : state;
  return await startFirst(locked, reserved, request);
}

async function attempt(
  stateRoot: string,
  id: string,
  request: LaunchRequest,
  mayWait: boolean,
): Promise<Launched | StoredState | "again"> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) throw notThere(id);
  try {
    const state = await readState(locked.dir);
    if (state?.created !== request.created) throw notThere(id);
    if (isRunning(state)) return state;
    return await startLocked(locked, state, request, mayWait);
  } finally {
    unlockState(locked);
  }
}

/**
 * Starts the first process of a container, or joins it when that lives. Of
 * several at once one is the first and the others join.
 *
 * @param stateRoot State root.
 * @param id Its id.
 * @param request What to run.
 * @returns The process that runs.
 * @throws {StateError} `ContainerNotExists`, `ContainerPaused`, `ContainerNotStopped` if it is checkpointed.
 * @throws {NsinitError} Any other failure; nothing is left of a failed start, and the container is as before.
 */
export async function launchProcess(
  stateRoot: string,
  id: string,
  request: LaunchRequest,
): Promise<Launched> {
  const end = Date.now() + OWNER_MS;
  try {
    for (let round = 0;; round++) {
      const found = await attempt(stateRoot, id, request, Date.now() < end);
      if (found === "again") {
        await sleep(LOOK_MS);
      } else if ("pidfd" in found) {
        return found;
      } else {
        const joined = await join(found, request, round);
        if (joined) return joined;
      }
    }
  } finally {
    closeInnerEnds(request.attachment);
  }
}

/** Joins; undefined when the container ended meanwhile, so that this start may be the first. */
async function join(
  state: StoredState,
  { process, attachment }: LaunchRequest,
  round: number,
): Promise<Launched | undefined> {
  try {
    const run = await joinContainer(state, process, attachment, {
      keepEnds: true,
    });
    return takeOver(run, state, false);
  } catch (error) {
    if (error instanceof ContainerGone && round < JOIN_ROUNDS) return undefined;
    throw error;
  }
}

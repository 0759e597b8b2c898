/**
 * Brings a container of an engine back from images, under an id that is free.
 *
 * @module
 */
import { closeFd, holdSignals, releaseSignals } from "../../ffi/native.ts";
import { closeRelay, monitorProcess } from "./attach.ts";
import { takeId } from "./create.ts";
import { sendMaster, writePidFile } from "./hand_out.ts";
import { dumpedFile, removeRemains, undoOf } from "./recover.ts";
import { restoreLocked } from "./restore.ts";
import type { Restored, RestoreRequest } from "./restore_types.ts";
import {
  type LockedState,
  readState,
  unlockKeeping,
  unlockState,
} from "./store.ts";

/** What an engine asks for. */
export interface EngineRestore {
  /** Directory of all states. */
  readonly stateRoot: string;
  /** What is restored, as what. */
  readonly request: RestoreRequest;
  /** Return as soon as the container runs. */
  readonly detach: boolean;
  /** Socket that the terminal is sent to. */
  readonly consoleSocket?: string;
  /** File that the pid is written to. */
  readonly pidFile?: string;
}

/** Takes a container back that nobody has been told of. */
async function takeBack(locked: LockedState): Promise<void> {
  const state = await readState(locked.dir).catch(() => undefined);
  await removeRemains(locked, state, { blocking: true });
}

function handOut(
  { consoleSocket, pidFile }: EngineRestore,
  { state, master }: Restored,
): number | undefined {
  if (consoleSocket !== undefined && master !== undefined) {
    sendMaster(master, consoleSocket);
  }
  if (pidFile !== undefined) writePidFile(pidFile, state.pid);
  return consoleSocket === undefined ? master : undefined;
}

/** This process waits for the program, and removes the container then. */
function stay(
  { request: { attachment } }: EngineRestore,
  locked: LockedState,
  { state, pidfd }: Restored,
  master: number,
): never {
  const { id } = state;
  const undo = undoOf(state, {
    stateDir: locked.dir,
    lockFd: locked.lockFd,
    unless: dumpedFile(state),
  });
  unlockKeeping(locked);
  return monitorProcess({
    pidfd,
    master,
    attachment,
    undo,
    message:
      `Cannot clean up container ${id} completely: delete --force ${id} tries again`,
    warning: `A poststop hook of container ${id} failed`,
    notice: `Container ${id} was checkpointed`,
  });
}

async function restore(
  wanted: EngineRestore,
  locked: LockedState,
): Promise<number> {
  const { request, detach } = wanted;
  const restored = await restoreLocked(locked, request);
  const master = handOut(wanted, restored);
  if (!detach) return stay(wanted, locked, restored, master ?? -1);
  closeFd(restored.pidfd);
  unlockState(locked);
  return 0;
}

/**
 * Restores a container.
 *
 * @param wanted What is asked for.
 * @returns 0 when detached; attached the process becomes the monitor and does not return.
 * @throws {StateError} `IdInUse`; `ContainerNotExists` for images that cannot be used.
 * @throws {NsinitError} What {@linkcode restoreLocked} throws; nothing is left of it then.
 */
export async function restoreForEngine(wanted: EngineRestore): Promise<number> {
  const { stateRoot, request: { id, attachment } } = wanted;
  const locked = await takeId(stateRoot, id);
  // What ends this command from here on is for the container, once there is one.
  holdSignals();
  try {
    return await restore(wanted, locked);
  } catch (error) {
    closeRelay(attachment);
    await takeBack(locked);
    unlockState(locked);
    throw error;
  } finally {
    releaseSignals();
  }
}

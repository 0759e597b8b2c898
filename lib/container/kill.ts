/**
 * Signals a container.
 *
 * @module
 */
import { closeFd, openPidfd, signalPidfd } from "../../ffi/native.ts";
import { StateError } from "../errors.ts";
import { thawForKill } from "./freezer.ts";
import { loadRunning } from "./inspect.ts";
import { openProcess } from "./liveness.ts";
import { pidsOf } from "./processes.ts";
import type { StoredState } from "./store_types.ts";

const SIGKILL = 9;

/** Whom a signal goes to. */
export interface KillOptions {
  /** All processes instead of the first. */
  readonly all: boolean;
}

/**
 * Sends a signal to a container's first process, or to all. A paused container
 * gets it when it is resumed; KILL thaws it and acts at once.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @param signal Signal number.
 * @param options Whom it goes to.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`.
 * @throws {KernelError} `SystemError` if the kernel refuses the signal.
 *
 * @example
 * ```ts ignore
 * await killContainer("/run/nsinit", "demo", 15, { all: false });
 * ```
 */
export async function killContainer(
  stateRoot: string,
  id: string,
  signal: number,
  options: KillOptions,
): Promise<void> {
  signalContainer(await loadRunning(stateRoot, id), signal, options);
}

/**
 * Signals a recorded container whose first process may wait for its start.
 *
 * @param state Its record.
 * @param signal Signal number.
 * @param options Whom it goes to.
 * @throws {StateError} `ContainerNotRunning` if its first process is gone and not all are meant.
 * @throws {KernelError} `SystemError` if the kernel refuses the signal.
 *
 * @example
 * ```ts ignore
 * signalContainer(state, 15, { all: false });
 * ```
 */
export function signalContainer(
  state: StoredState,
  signal: number,
  options: KillOptions,
): void {
  if (options.all) {
    for (const pid of pidsOf(state)) signalOne(pid, signal);
    if (signal === SIGKILL) thawForKill(state);
    return;
  }
  const pidfd = openProcess(state);
  const sent = pidfd !== undefined && signalPidfd(pidfd, signal);
  if (pidfd !== undefined) closeFd(pidfd);
  if (sent && signal === SIGKILL) thawForKill(state);
  if (!sent) {
    throw new StateError(
      "ContainerNotRunning",
      `Cannot signal container ${state.id}: container is not running`,
    );
  }
}

function signalOne(pid: number, signal: number): void {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return; // it ended since the list was read
  signalPidfd(pidfd, signal);
  closeFd(pidfd);
}

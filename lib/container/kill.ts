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
  const state = await loadRunning(stateRoot, id);
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
      `Cannot signal container ${id}: container is not running`,
    );
  }
}

function signalOne(pid: number, signal: number): void {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return; // it ended since the list was read
  signalPidfd(pidfd, signal);
  closeFd(pidfd);
}

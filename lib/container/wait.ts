/**
 * Waits for the first process of a container that another program started.
 *
 * @module
 */
import { closeFd, type ExitStatus } from "../../ffi/native.ts";
import { waitForEnd } from "../../ffi/process_end.ts";
import { loadState, notRunning } from "./inspect.ts";
import { openProcess } from "./liveness.ts";
import { isRunning, ownerLives } from "./phase.ts";
import { readState, stateDirectory } from "./store.ts";
import type { RecordedExit, StoredState } from "./store_types.ts";
import { sleep } from "../pause.ts";

/** How long the owner is given to record an exit that the kernel does not tell, and how often the record is read, in milliseconds. */
const OWNER_MS = 5000;
const LOOK_MS = 20;

function exitStatusOf({ code, signal }: RecordedExit): ExitStatus {
  return { code, signal };
}

/** What the owner records of a run that has ended; undefined when that never comes. */
async function recordedExit(
  stateRoot: string,
  ended: StoredState,
): Promise<ExitStatus | undefined> {
  const end = Date.now() + OWNER_MS;
  for (;;) {
    const state = await readState(stateDirectory(stateRoot, ended.id));
    const isSame = state?.pid === ended.pid &&
      state.startTime === ended.startTime;
    if (!isSame) return undefined;
    if (state.phase !== "running") {
      return state.exit && exitStatusOf(state.exit);
    }
    if (!ownerLives(state) || Date.now() > end) return undefined;
    await sleep(LOOK_MS);
  }
}

/**
 * Waits until a container's first process has ended.
 *
 * Its status is known from the kernel (Linux 6.15 and later), else from the
 * record of the program that started it, as long as that lives.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns How it ended; undefined where nobody can know.
 * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning` if it has never been started.
 *
 * @example
 * ```ts ignore
 * const status = await waitForContainer("/run/nsinit", "demo");
 * ```
 */
export async function waitForContainer(
  stateRoot: string,
  id: string,
): Promise<ExitStatus | undefined> {
  const state = await loadState(stateRoot, id);
  if (state.phase === "stopped") return state.exit && exitStatusOf(state.exit);
  if (state.phase !== "running") throw notRunning(id, state);
  const pidfd = isRunning(state) ? openProcess(state) : undefined;
  if (pidfd === undefined) return await recordedExit(stateRoot, state);
  try {
    return await waitForEnd(pidfd) ?? await recordedExit(stateRoot, state);
  } finally {
    closeFd(pidfd);
  }
}

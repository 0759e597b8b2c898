/**
 * What the owner of a first process does when that has ended.
 *
 * @module
 */
import { settleStopped } from "./recover.ts";
import { lockState, readState, unlockState } from "./store.ts";
import type { RecordedExit, StoredState } from "./store_types.ts";

/** What tells one run of a container from all others. */
export type RunIdentity = Pick<
  StoredState,
  "id" | "created" | "pid" | "startTime"
>;

/** The identity alone, to be kept while the process runs. */
export function identityOf(state: RunIdentity): RunIdentity {
  const { id, created, pid, startTime } = state;
  return { id, created, pid, startTime };
}

/** Whether two records are of the same run of a container. */
function isSameRun(a: RunIdentity, b: RunIdentity): boolean {
  return a.created === b.created && a.pid === b.pid &&
    a.startTime === b.startTime;
}

/**
 * Kills what is left of a container whose first process has ended, takes away
 * what it made and records how it ended. Does nothing when somebody else has
 * done that, or has removed the container.
 *
 * @param stateRoot State root.
 * @param ended Which run of it has ended.
 * @param exit How the process ended; undefined where nobody knows.
 * @throws {KernelError} `SystemError` if something cannot be removed; a later removal tries again.
 *
 * @example
 * ```ts ignore
 * await finishContainer("/run/nsinit", launched.state, { code: 0 });
 * ```
 */
export async function finishContainer(
  stateRoot: string,
  ended: RunIdentity,
  exit: RecordedExit | undefined,
): Promise<void> {
  const locked = await lockState(stateRoot, ended.id, { make: false });
  if (!locked) return;
  try {
    const state = await readState(locked.dir);
    if (state?.phase !== "running" || !isSameRun(state, ended)) return;
    await settleStopped(locked, state, exit);
  } finally {
    unlockState(locked);
  }
}

/**
 * Removes containers.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { checkId } from "./identity.ts";
import { isRunning } from "./phase.ts";
import { type RemovalOptions, removeRemains } from "./recover.ts";
import { lockState, readState, unlockState } from "./store.ts";

/** How a container is removed. */
export interface DeleteOptions extends RemovalOptions {
  /** Kill it if it runs; do not mind if there is none or its state is damaged. */
  readonly force: boolean;
  /** Time of creation, to tell it from a later one of the same id, which is left alone. */
  readonly created?: string;
  /** Whether one that is gone already is no error; `force` implies it. */
  readonly missingIsFine?: boolean;
}

/**
 * Removes a container with everything it made.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @param options Whether a running one is killed.
 * @throws {StateError} `ContainerNotExists`; `ContainerNotStopped` if it runs and `force` is not set.
 * @throws {KernelError} `SystemError` if something cannot be removed.
 *
 * @example
 * ```ts ignore
 * await deleteContainer("/run/nsinit", "demo", { force: true });
 * ```
 */
export async function deleteContainer(
  stateRoot: string,
  id: string,
  options: DeleteOptions,
): Promise<void> {
  const locked = await lockState(stateRoot, checkId(id), { make: false });
  if (!locked) {
    if (options.force || options.missingIsFine) return;
    throw new StateError(
      "ContainerNotExists",
      `Cannot delete container ${id}: container does not exist`,
      { context: { id } },
    );
  }
  try {
    const state = await readState(locked.dir).catch((error) => {
      // Nothing can be learnt from a damaged state; only its directory can go.
      if (options.force) return undefined;
      throw error;
    });
    const { created } = options;
    if (created !== undefined && state && state.created !== created) return;
    if (state && isRunning(state) && !options.force) {
      throw new StateError(
        "ContainerNotStopped",
        `Cannot delete container ${id}: container is not stopped; kill it first or use --force`,
        { context: { id } },
      );
    }
    await removeRemains(locked, state, options);
  } finally {
    unlockState(locked);
  }
}

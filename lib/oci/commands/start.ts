/**
 * `start`: lets a created container execute its program.
 *
 * @module
 */
import { startHeld } from "../../container/held.ts";
import type { LockedState } from "../../container/store.ts";
import type { StoredState } from "../../container/store_types.ts";
import { StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { ociStatusOf, withOci } from "../state.ts";

/** Words why a container cannot be started. */
function refusal(state: StoredState): StateError | undefined {
  const { id } = state;
  switch (ociStatusOf(state)) {
    case "created":
      return undefined;
    case "stopped":
      return new StateError(
        "ContainerNotRunning",
        "cannot start a container that has stopped",
        { context: { id } },
      );
    default:
      return new StateError(
        "ContainerNotStopped",
        "cannot start an already running container",
        { context: { id } },
      );
  }
}

async function startLocked(
  locked: LockedState,
  state: StoredState,
): Promise<void> {
  const refused = refusal(state);
  if (refused) throw refused;
  await startHeld(locked, state, { blocking: true });
}

async function start({ stateRoot, args: [id] }: Invocation): Promise<number> {
  await withOci(stateRoot, id, startLocked);
  return 0;
}

/** Declaration of `start`. */
export const COMMAND: OciCommand = {
  name: "start",
  summary: "Execute the program of a created container",
  usage: "ID",
  options: [],
  arity: [1, 1],
  action: start,
};

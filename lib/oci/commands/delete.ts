/**
 * `delete`: removes a container with everything it made.
 *
 * @module
 */
import { removeRemains } from "../../container/recover.ts";
import { lockState, readState, unlockState } from "../../container/store.ts";
import type { StoredState } from "../../container/store_types.ts";
import { StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { matchingIds, REGEX_OPTION } from "../regex.ts";
import { checkOciId, missing, ociStatusOf } from "../state.ts";

/** One that lives is ended by `--force` alone. */
function checkStopped(state: StoredState): void {
  const status = ociStatusOf(state);
  if (status !== "running" && status !== "paused") return;
  const { id } = state;
  throw new StateError(
    "ContainerNotStopped",
    `cannot delete container ${id} that is not stopped: ${status}`,
    { context: { id } },
  );
}

async function remove(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [given], values } = invocation;
  const force = values.flag("force");
  if (!values.flag("regex")) return await removeOne(stateRoot, given, force);
  for (const id of await matchingIds(stateRoot, given)) {
    await removeOne(stateRoot, id, force);
  }
  return 0;
}

async function removeOne(
  stateRoot: string,
  given: string | undefined,
  force: boolean,
): Promise<number> {
  const id = checkOciId(given);
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) {
    if (force) return 0;
    throw missing(id);
  }
  try {
    const state = await readState(locked.dir).catch((error) => {
      // Nothing can be learnt from a damaged state; only its directory can go.
      if (force) return undefined;
      throw error;
    });
    if (state && !force) checkStopped(state);
    await removeRemains(locked, state, { blocking: true });
    const { scope } = state?.resources ?? {};
    if (scope) {
      const { forgetScope } = await import("../../container/scope.ts");
      await forgetScope(scope);
    }
    // What a killed maker has left is no container, but taken away all the same.
    const isRemain = state === undefined || state.phase === "creating";
    if (isRemain && !force) throw missing(id);
  } finally {
    unlockState(locked);
  }
  return 0;
}

/** Declaration of `delete`. */
export const COMMAND: OciCommand = {
  name: "delete",
  summary: "Remove a container that has stopped, or has not been started",
  usage: "[options] ID",
  options: [{
    name: "force",
    short: "f",
    type: "boolean",
    doc: "kill it if it runs, and do not mind if there is none",
  }, REGEX_OPTION],
  arity: [1, 1],
  action: remove,
};

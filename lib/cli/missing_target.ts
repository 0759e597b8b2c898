/**
 * What to say when there is no container of the id that was given.
 *
 * @module
 */
import { nearestName } from "../config/names/nearest.ts";
import { parseSignal } from "../config/names/signals.ts";
import { listIds, readState, stateDirectory } from "../container/store.ts";
import { NsinitError, StateError } from "../errors.ts";

/** The id that was meant: a similar one, if there is one. */
async function nearestId(
  stateRoot: string,
  id: string,
): Promise<string | undefined> {
  try {
    return nearestName(id, await listIds(stateRoot));
  } catch {
    return undefined; // the states cannot be listed, which the error need not tell
  }
}

/**
 * Finds the containers of a directory that have ids of their own.
 *
 * @param stateRoot Directory of all states.
 * @param directory The container's directory.
 * @returns Their ids; none where the states cannot be listed.
 */
export async function idsIn(
  stateRoot: string,
  directory: string,
): Promise<string[]> {
  try {
    const canonical = await Deno.realPath(directory);
    const found: string[] = [];
    for (const id of await listIds(stateRoot)) {
      const state = await readState(stateDirectory(stateRoot, id));
      if (state?.directory === canonical) found.push(id);
    }
    return found;
  } catch {
    return []; // the error that there is already tells enough
  }
}

/**
 * Tells whether an error says that there is no such container, and not that
 * something keeps us from it.
 *
 * @param error What was thrown.
 * @returns Whether it does.
 */
export function isMissing(error: unknown): error is NsinitError {
  return error instanceof NsinitError && error.cause === undefined &&
    error.code === "ContainerNotExists";
}

/**
 * Adds what was probably meant to the error for a container that is not there.
 *
 * @param error What was thrown.
 * @param stateRoot Directory of all states.
 * @param id The id that was given.
 * @returns The error to throw: a better one, or the same.
 */
export async function explainMissing(
  error: unknown,
  stateRoot: string,
  id: string,
): Promise<unknown> {
  if (!isMissing(error)) return error;
  const near = await nearestId(stateRoot, id);
  const hint = near !== undefined
    ? `did you mean ${near}?`
    : parseSignal(id) !== undefined
    ? `to send a signal to the container of this directory: --signal ${id}`
    : undefined;
  if (hint === undefined) return error;
  return new StateError("ContainerNotExists", `${error.message}; ${hint}`, {
    cause: error,
    context: { ...error.context, id, stateRoot },
  });
}

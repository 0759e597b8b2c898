/**
 * `start`: lets a created container execute its program.
 *
 * @module
 */
import { startHeld } from "../../container/held.ts";
import { failedStart, type Report } from "../../container/kept_answers.ts";
import type { ReadinessRelay } from "../../container/readiness.ts";
import type { LockedState } from "../../container/store.ts";
import type { StoredState } from "../../container/store_types.ts";
import { StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { managerSocket } from "../globals.ts";
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

/** How the launcher failed to start a container, which is dead then. */
function failureOf(state: StoredState): Report | undefined {
  const wasLetGo = state.phase === "held" || state.phase === "running";
  return wasLetGo && ociStatusOf(state) === "stopped"
    ? failedStart()
    : undefined;
}

/** The relay to a service manager, where one wants to know and the program can tell. */
async function relayFor(
  { dir }: LockedState,
  { oci }: StoredState,
): Promise<ReadinessRelay | undefined> {
  if (managerSocket() === undefined || !oci?.tellsReady) return undefined;
  const { ReadinessRelay } = await import("../../container/readiness.ts");
  return new ReadinessRelay(dir);
}

async function start({ stateRoot, args: [id] }: Invocation): Promise<number> {
  let relay: ReadinessRelay | undefined;
  try {
    const state = await withOci(stateRoot, id, async (locked, found) => {
      const failed = failureOf(found);
      const refused = refusal(found);
      if (refused && !failed) throw refused;
      relay = await relayFor(locked, found);
      return await startHeld(locked, found, {
        blocking: true,
        ...(failed && { failed }),
      });
    });
    await relay?.pass(state, managerSocket() ?? "");
  } finally {
    relay?.[Symbol.dispose]();
  }
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

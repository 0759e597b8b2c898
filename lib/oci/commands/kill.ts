/**
 * `kill`: sends a signal to the first process of a container, or to all.
 *
 * @module
 */
import { parseSignal } from "../../config/names/signals.ts";
import { signalContainer } from "../../container/kill.ts";
import { pidsOf } from "../../container/processes.ts";
import type { StoredState } from "../../container/store_types.ts";
import { StateError, UsageError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { matchingIds, REGEX_OPTION } from "../regex.ts";
import { loadOci, ociStatusOf } from "../state.ts";

const SIGKILL = 9;

/** As kill(2), 0 asks only whether it could be signalled. */
function signalNumber(text: string): number {
  const number = /^0+$/.test(text) ? 0 : parseSignal(text);
  if (number !== undefined) return number;
  throw new UsageError(`unknown signal ${JSON.stringify(text.slice(0, 64))}`);
}

/** Whether the end of its first process does not end the others. */
function sharesPids({ config }: StoredState): boolean {
  return !config.namespaces.some(({ type, path }) =>
    type === "NEWPID" && path === undefined
  );
}

async function kill(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [given, name], values } = invocation;
  const signal = signalNumber(name ?? "TERM");
  const ids = values.flag("regex")
    ? await matchingIds(stateRoot, given)
    : [given];
  for (const id of ids) await killOne(invocation, id, signal);
  return 0;
}

async function killOne(
  { stateRoot, values }: Invocation,
  id: string | undefined,
  signal: number,
): Promise<void> {
  const state = await loadOci(stateRoot, id);
  const isStopped = ociStatusOf(state) === "stopped";
  const endsAll = signal === SIGKILL && sharesPids(state);
  const all = values.flag("all") || endsAll;
  const isGone = isStopped && !(endsAll && pidsOf(state).length > 0);
  if (isGone && !values.flag("all")) {
    throw new StateError("ContainerNotRunning", "container not running", {
      context: { id: state.id },
    });
  }
  // Whoever is left of one that has stopped can be in its groups alone.
  signalContainer(state, signal, { all });
}

/** Declaration of `kill`. */
export const COMMAND: OciCommand = {
  name: "kill",
  summary: "Send a signal, TERM unless another is named, to a container",
  usage: "[options] ID [SIGNAL]",
  options: [{
    name: "all",
    short: "a",
    type: "boolean",
    doc: "send it to every process of the container, also of a stopped one",
  }, REGEX_OPTION],
  arity: [1, 2],
  action: kill,
};

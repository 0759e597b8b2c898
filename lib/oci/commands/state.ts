/**
 * `state`: prints what a container is.
 *
 * @module
 */
import { formatJson } from "../../cli/output.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { loadOci, ociStateOf } from "../state.ts";

async function state(
  { stateRoot, args: [id], log }: Invocation,
): Promise<number> {
  log.result(formatJson(ociStateOf(await loadOci(stateRoot, id))));
  return 0;
}

/** Declaration of `state`. */
export const COMMAND: OciCommand = {
  name: "state",
  summary: "Print the state of a container as JSON",
  usage: "ID",
  options: [],
  arity: [1, 1],
  action: state,
};

/**
 * `nsinit state`: prints the state of a container.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { formatJson } from "../output.ts";
import { withTarget } from "../target.ts";

async function state(invocation: Invocation): Promise<number> {
  const { stateOf } = await import("../../container/inspect.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await invocation.output.result(formatJson(await stateOf(stateRoot, id)));
  });
  return 0;
}

/** Declaration of `state`. */
export const COMMAND: Command = {
  name: "state",
  summary: "Print the state of a container as JSON",
  usage: "[--id ID | ID]",
  options: [ID_OPTION],
  usesDirectory: true,
  examples: [{
    doc: "the container of the current directory",
    line: "nsinit state",
  }],
  action: state,
};

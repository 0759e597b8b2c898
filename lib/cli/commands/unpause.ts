/**
 * `nsinit unpause`: lets a paused container go on.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { withTarget } from "../target.ts";

async function unpause(invocation: Invocation): Promise<number> {
  const { resume } = await import("../../container/freezer.ts");
  const { loadState } = await import("../../container/inspect.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await resume(await loadState(stateRoot, id));
  });
  return 0;
}

/** Declaration of `unpause`. */
export const COMMAND: Command = {
  name: "unpause",
  aliases: ["resume"],
  summary: "Let the processes of a paused container go on",
  usage: "[--id ID | ID]",
  options: [ID_OPTION],
  usesDirectory: true,
  examples: [{
    doc: "the container of the current directory",
    line: "nsinit unpause",
  }],
  action: unpause,
};

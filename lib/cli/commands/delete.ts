/**
 * `nsinit delete`: removes what is left of a container.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../exec_options.ts";
import { withTarget } from "../target.ts";

async function remove(invocation: Invocation): Promise<number> {
  const { deleteContainer } = await import("../../container/delete.ts");
  const force = invocation.values.flag("force");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await deleteContainer(stateRoot, id, { force });
  });
  return 0;
}

/** Declaration of `delete`. */
export const COMMAND: Command = {
  name: "delete",
  aliases: ["rm"],
  summary: "Remove what is left of a container that has ended",
  usage: "[flags] [ID]",
  options: [
    ID_OPTION,
    {
      name: "force",
      short: "f",
      type: "boolean",
      doc: "kill the container first if it runs; no error if there is none",
    },
  ],
  usesDirectory: true,
  examples: [{
    doc: "whatever its condition",
    line: "nsinit delete --force demo",
  }],
  action: remove,
};

/**
 * `nsinit pause`: freezes a container.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { withTarget } from "../target.ts";

async function pauseTarget(invocation: Invocation): Promise<number> {
  const { pause } = await import("../../container/freezer.ts");
  const { loadState } = await import("../../container/inspect.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await pause(await loadState(stateRoot, id));
  });
  return 0;
}

/** Declaration of `pause`. */
export const COMMAND: Command = {
  name: "pause",
  summary: "Stop all processes of a container until it is resumed",
  usage: "[--id ID | ID]",
  options: [ID_OPTION],
  usesDirectory: true,
  examples: [{
    doc: "and go on later with nsinit unpause",
    line: "nsinit pause demo",
  }],
  action: pauseTarget,
};

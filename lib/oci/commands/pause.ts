/**
 * `pause`: freezes every process of a container.
 *
 * @module
 */
import { pause } from "../../container/freezer.ts";
import { StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { ociStatusOf, withOci } from "../state.ts";

async function pauseOci(
  { stateRoot, args: [id] }: Invocation,
): Promise<number> {
  await withOci(stateRoot, id, async (_, state) => {
    const status = ociStatusOf(state);
    if (status === "running" || status === "created") return await pause(state);
    throw new StateError("ContainerNotRunning", "container not running", {
      context: { id: state.id, status },
    });
  });
  return 0;
}

/** Declaration of `pause`. */
export const COMMAND: OciCommand = {
  name: "pause",
  summary: "Stop every process of a container until it is resumed",
  usage: "ID",
  options: [],
  arity: [1, 1],
  action: pauseOci,
};

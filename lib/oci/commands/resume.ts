/**
 * `resume`: thaws a container that was paused.
 *
 * @module
 */
import { resume } from "../../container/freezer.ts";
import { StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { ociStatusOf, withOci } from "../state.ts";

async function resumeOci(
  { stateRoot, args: [id] }: Invocation,
): Promise<number> {
  await withOci(stateRoot, id, async (_, state) => {
    if (ociStatusOf(state) === "stopped") {
      throw new StateError("ContainerNotPaused", "container not paused", {
        context: { id: state.id },
      });
    }
    await resume(state);
  });
  return 0;
}

/** Declaration of `resume`. */
export const COMMAND: OciCommand = {
  name: "resume",
  summary: "Let the processes of a paused container go on",
  usage: "ID",
  options: [],
  arity: [1, 1],
  action: resumeOci,
};

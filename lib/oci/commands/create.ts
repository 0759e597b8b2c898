/**
 * `create`: makes a container up to its program, which waits for `start`.
 *
 * @module
 */
import { holdContainer } from "../../container/held.ts";
import { unlockState } from "../../container/store.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { MAKE_OPTIONS, makeOci } from "../make.ts";

async function create(invocation: Invocation): Promise<number> {
  const { run, locked } = await makeOci(invocation, holdContainer, true);
  run.close();
  unlockState(locked);
  return 0;
}

/** Declaration of `create`. */
export const COMMAND: OciCommand = {
  name: "create",
  summary: "Make a container of a bundle; its program waits for start",
  usage: "[options] ID",
  options: MAKE_OPTIONS,
  arity: [1, 1],
  action: create,
};

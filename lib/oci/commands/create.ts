/**
 * `create`: makes a container up to its program, which waits for `start`.
 *
 * @module
 */
import { holdContainer } from "../../container/held.ts";
import {
  ANSWER_PID,
  ANSWER_STATUS,
  keepAnswers,
} from "../../container/kept_answers.ts";
import { type LockedState, unlockState } from "../../container/store.ts";
import type { StoredState } from "../../container/store_types.ts";
import { formatJson } from "../../cli/output.ts";
import type { Plan } from "../../plan/ops.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { MAKE_OPTIONS, makeOci, type Maker } from "../make.ts";
import { ociStateOf } from "../state.ts";

/** Leaves what the engine will ask next. */
async function keepFor(
  { dir }: LockedState,
  state: StoredState,
  release: Plan,
): Promise<void> {
  const answer = formatJson({
    ...ociStateOf(state),
    pid: ANSWER_PID,
    status: ANSWER_STATUS,
  });
  await keepAnswers({ dir, state, release, answer });
}

async function create(invocation: Invocation): Promise<number> {
  let release: Plan | undefined;
  const hold: Maker = async (locked, request) => {
    const held = await holdContainer(locked, request);
    release = held.release;
    return held;
  };
  const { run, state, locked } = await makeOci(invocation, hold, true);
  run.close();
  if (release) await keepFor(locked, state, release);
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

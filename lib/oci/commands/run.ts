/**
 * `run`: makes a container and executes its program.
 *
 * @module
 */
import { becomeMonitor } from "../../container/attach.ts";
import type { ReadinessRelay } from "../../container/readiness.ts";
import { dumpedFile, undoOf } from "../../container/recover.ts";
import { startContainer } from "../../container/start.ts";
import { unlockKeeping, unlockState } from "../../container/store.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { managerSocket } from "../globals.ts";
import { type Made, MAKE_OPTIONS, makeOci } from "../make.ts";

/** This process waits for the program, and removes the container unless it is to be kept. */
function stay({ run, state, locked, attachment }: Made, keep: boolean): never {
  const undo = keep ? [] : undoOf(state, {
    stateDir: locked.dir,
    lockFd: locked.lockFd,
    unless: dumpedFile(state),
  });
  return becomeMonitor({
    run,
    attachment,
    undo,
    message:
      `Cannot clean up container ${state.id} completely: delete --force ${state.id} tries again`,
    warning: `A poststop hook of container ${state.id} failed`,
    notice: `Container ${state.id} was checkpointed`,
  });
}

/** Passes on that the program is ready, where a service manager wants to know. */
async function tellReady(
  { state, locked: { dir } }: Made,
  relay: ReadinessRelay | undefined,
): Promise<void> {
  if (!relay) return;
  try {
    await relay.pass(state, managerSocket() ?? "");
  } finally {
    relay[Symbol.dispose]();
  }
  // The monitor removes files and empty directories; the container keeps its view.
  await Deno.remove(`${dir}/notify`, { recursive: true });
}

async function run(invocation: Invocation): Promise<number> {
  const { values } = invocation;
  const detach = values.flag("detach");
  let relay: ReadinessRelay | undefined;
  const made = await makeOci(invocation, async (locked, request) => {
    if (request.oci?.tellsReady) {
      const { ReadinessRelay } = await import("../../container/readiness.ts");
      relay = new ReadinessRelay(locked.dir);
    }
    return await startContainer(locked, request);
  }, detach);
  if (detach) {
    made.run.close();
    unlockState(made.locked);
  } else unlockKeeping(made.locked);
  await tellReady(made, relay);
  return detach ? 0 : stay(made, values.flag("keep"));
}

/** Declaration of `run`. */
export const COMMAND: OciCommand = {
  name: "run",
  summary: "Make a container of a bundle and execute its program",
  usage: "[options] ID",
  options: [
    ...MAKE_OPTIONS,
    {
      name: "detach",
      short: "d",
      type: "boolean",
      doc: "return when the program runs",
    },
    {
      name: "keep",
      type: "boolean",
      doc: "leave the container, stopped, when the program has ended",
    },
  ],
  arity: [1, 1],
  action: run,
};

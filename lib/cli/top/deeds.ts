/**
 * What `top` does to containers.
 *
 * @module
 */
import { freezerState, pause, resume } from "../../container/freezer.ts";
import { killContainer } from "../../container/kill.ts";
import type { StoredState } from "../../container/store_types.ts";
import { loadSameRun } from "../../container/survey.ts";
import type { Deed } from "./control.ts";

const SIGTERM = 15;
const SIGKILL = 9;

/** Pauses, or resumes what is paused: as it is now, not as it was shown. */
async function toggle(state: StoredState): Promise<string> {
  if (freezerState(state) === "thawed") {
    await pause(state);
    return "is paused";
  }
  await resume(state);
  return "goes on";
}

/**
 * Does something to a container, unless another has its id by now.
 *
 * @param stateRoot State root.
 * @param deed What is done.
 * @returns What to say about it.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`, `ContainerNotPaused`.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 *
 * @example
 * ```ts ignore
 * await perform("/run/nsinit", { verb: "toggle", id: "demo", startTime: "4711" });
 * ```
 */
export async function perform(
  stateRoot: string,
  { verb, id, startTime }: Deed,
): Promise<string> {
  const state = await loadSameRun(stateRoot, id, startTime);
  if (!state) return `${id} has ended`;
  if (verb === "toggle") return `${id} ${await toggle(state)}`;
  const isKill = verb === "kill";
  const signal = isKill ? SIGKILL : SIGTERM;
  await killContainer(stateRoot, id, signal, { all: false });
  return `${id} ${isKill ? "was killed" : "was sent SIGTERM"}`;
}

/**
 * Brings the seccomp listener of a starting process to who answers.
 *
 * @module
 */
import { closeFd } from "../../ffi/native.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";
import { type Op, SLOTS } from "../plan/ops.ts";
import type { ProcessRequest } from "./request.ts";
import type { ListenerFacts } from "./seccomp_listener.ts";

/** What {@linkcode listenerHander} needs to know of the container. */
export type ContainerFacts = Omit<ListenerFacts, "pid" | "metadata">;

/**
 * Makes the function that executes `listener.hand`.
 *
 * @param request The process; its handler answers, if it has one.
 * @param run Its execution, whose listener is taken.
 * @param factsOf Tells of the container, when the listener is to be sent.
 * @returns The function; it throws `SystemError` when nobody takes the listener.
 *
 * @example
 * ```ts ignore
 * await runParent(plan, run, { handListener: listenerHander(request, run, factsOf) });
 * ```
 */
export function listenerHander(
  request: Pick<ProcessRequest, "seccompNotify">,
  run: PlanRun,
  factsOf: () => ContainerFacts,
): (op: Op<"listener.hand">) => Promise<void> {
  return async ({ path, metadata }) => {
    const { SeccompListener, sendListener } = await import(
      "./seccomp_listener.ts"
    );
    const fd = run.take(SLOTS.seccomp);
    if (fd === undefined) throw new Error("unreachable: no seccomp listener");
    if (path === undefined && request.seccompNotify) {
      new SeccompListener(fd, request.seccompNotify);
      return;
    }
    try {
      const facts = { ...factsOf(), pid: run.pid, metadata };
      sendListener(path ?? "", fd, facts);
    } finally {
      closeFd(fd);
    }
  };
}

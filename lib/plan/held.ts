/**
 * A start in two steps, by one program or by two: all is made and checked, and
 * only the program is not executed yet.
 *
 * @module
 */
import { type ChildOp, type ParentOp, type Plan, POINTS } from "./ops.ts";
import type { StartPlan } from "./types.ts";

/** Name of the socket in the state directory at which a held process waits. */
export const START_SOCKET = "start.sock";

/** The two Plans of a start that is held. */
export interface HeldPlan {
  /** Makes everything; the process then waits for who starts it. */
  readonly hold: StartPlan;
  /**
   * Lets the process go on.
   *
   * @param pid Host pid of the process that waits.
   * @returns The program; the first Plan's list of what is to be undone holds on.
   */
  readonly release: (pid: number) => Plan;
}

/** Position of the last meeting before the program, in both lists. */
function lastMeeting(
  { parent, child }: Plan,
): { parent: number; child: number } {
  const isExec = (op: ParentOp | ChildOp, name: "await" | "sync"): boolean =>
    op.op === name && Number(op.point) === POINTS.exec;
  let at = child.findIndex((op) => isExec(op, "sync"));
  // Hooks of the start belong to the start.
  while (child[at - 1]?.op === "hook.run") at--;
  return { parent: parent.findIndex((op) => isExec(op, "await")), child: at };
}

/**
 * Cuts a start before its program. Pure.
 *
 * The process has everything by then but the filter that is loaded last: user,
 * capabilities, streams, working directory. It waits at a socket of its own
 * beside the record, so that who made it may end, and another starts it.
 *
 * @param start An ordinary start, without a death signal: its maker may end.
 * @param stateDir State directory.
 * @returns The two Plans.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { holdStart } from "./held.ts";
 * import { POINTS } from "./ops.ts";
 *
 * const point = POINTS.exec;
 * const { hold, release } = holdStart({
 *   plan: {
 *     parent: [{ op: "await", point }, { op: "release", point }],
 *     child: [{ op: "sync", point }],
 *     undo: [],
 *   },
 *   resources: { cgroups: [], interfaces: [], files: [] },
 * }, "/run/nsinit/demo");
 * assertEquals(hold.plan.child.map(({ op }) => op), ["park", "sync"]);
 * assertEquals(release(7).child.map(({ op }) => op), ["sync"]);
 * ```
 */
export function holdStart(start: StartPlan, stateDir: string): HeldPlan {
  const { plan, resources } = start;
  const cut = lastMeeting(plan);
  const place = { dir: stateDir, name: START_SOCKET };
  const point = POINTS.parked;
  const rest = plan.child.slice(cut.child);
  return {
    hold: {
      plan: {
        parent: [
          ...plan.parent.slice(0, cut.parent),
          { op: "await", point },
          { op: "state.save" },
          { op: "park.publish", ...place },
        ],
        child: [
          ...plan.child.slice(0, cut.child),
          { op: "park", flags: 0 },
          ...rest,
        ],
        undo: plan.undo,
      },
      resources: { ...resources, files: [...resources.files, place] },
    },
    release: (pid) => ({
      parent: [
        { op: "park.connect", pid, ...place },
        { op: "await", point },
        { op: "release", point },
        ...plan.parent.slice(cut.parent),
      ],
      child: rest,
      undo: [],
    }),
  };
}

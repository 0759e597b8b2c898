/**
 * Carries out what of a restore is ours, before, beside and after CRIU.
 *
 * @module
 */
import { PlanRun } from "../../ffi/plan_run.ts";
import { type Plan, POINTS } from "../plan/ops.ts";
import { runParent } from "./run_plan.ts";

/**
 * Executes a Plan that is to stay in effect.
 *
 * @param plan The Plan.
 * @param begin Called before its hooks.
 * @returns Its run, with open slots; owned by the caller.
 * @throws {KernelError} `SystemError` if a step fails; those before it are taken back.
 */
export async function runPlan(
  plan: Plan,
  begin: () => void = () => {},
): Promise<PlanRun> {
  const run = new PlanRun(plan);
  try {
    await runParent(plan, run, { beginHooks: begin });
    return run;
  } catch (error) {
    await run.abortAsync();
    run.close();
    throw error;
  }
}

/**
 * Has systemd make the groups, around a process that waits: some mounts show
 * them, and CRIU is given those before there is any other process to be in there.
 */
export async function holdScope(
  around: Plan["parent"],
): Promise<PlanRun | undefined> {
  if (around.length === 0) return undefined;
  return await runPlan({
    parent: [{ op: "spawn", flags: 0, cgroup: -1 }, ...around],
    child: [{ op: "sync", point: POINTS.user }],
    undo: [],
  });
}

/** Executes operations about a process that is there. */
export async function runAbout(
  pid: number,
  parent: Plan["parent"],
  begin?: () => void,
): Promise<void> {
  if (parent.length === 0) return;
  const about: Plan = {
    parent: [{ op: "process.use", pid }, ...parent],
    child: [],
    undo: [],
  };
  (await runPlan(about, begin)).close();
}

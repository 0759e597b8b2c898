/**
 * Executes a Plan's parent list: C does its operations, TypeScript those that
 * need a decision while the child waits.
 *
 * @module
 */
import { encodeUser, type PlanRun, readDescriptor } from "../../ffi/native.ts";
import { ConfigError } from "../errors.ts";
import { type Op, OPS, type Plan, POINTS, SLOTS } from "../plan/ops.ts";
import { ACCOUNT_FILE_LIMIT, resolveIdentity } from "./users.ts";

function readAccountFile(run: PlanRun, slot: number, name: string): string {
  const fd = run.slot(slot);
  if (fd === undefined) return "";
  const bytes = readDescriptor(fd, ACCOUNT_FILE_LIMIT);
  if (bytes === undefined) {
    throw new ConfigError(
      `Cannot read ${name} of the container: it is larger than ${ACCOUNT_FILE_LIMIT} bytes`,
    );
  }
  // Other bytes than UTF-8 may stand in comments; names in ASCII still match.
  return new TextDecoder().decode(bytes);
}

function resolveUser(run: PlanRun, op: Op<"user.resolve">): void {
  const identity = resolveIdentity(op.user, op.groups, {
    passwd: readAccountFile(run, SLOTS.passwd, "/etc/passwd"),
    group: readAccountFile(run, SLOTS.group, "/etc/group"),
  });
  run.release(POINTS.user, encodeUser(identity));
}

/**
 * Executes the parent list to its end: afterwards the program runs.
 *
 * @param plan The Plan.
 * @param run Its execution.
 * @param saveState Called with the process inside waiting for its exec.
 * @throws {KernelError} `SystemError` when an operation of either side failed.
 * @throws {ProgramError} `ProgramNotFound` or `ProgramNotExecutable` when exec failed.
 * @throws {ConfigError} `ConfigInvalid` for an unknown user or group.
 *
 * @example
 * ```ts ignore
 * const run = new PlanRun(plan);
 * runParent(plan, run, () => writeState(dir, { ...state, pid: run.pid }));
 * ```
 */
export function runParent(
  plan: Plan,
  run: PlanRun,
  saveState: () => void,
): void {
  let from = 0;
  plan.parent.forEach((op, index) => {
    if (OPS[op.op].by === "c") return;
    run.parent(from, index);
    from = index + 1;
    run.failIfInjected(index);
    if (op.op === "user.resolve") resolveUser(run, op);
    else saveState();
  });
  run.parent(from, plan.parent.length);
}

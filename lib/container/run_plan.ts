/**
 * Executes a Plan's parent list: C does its operations, TypeScript those that
 * need a decision while the child waits.
 *
 * @module
 */
import { readDescriptor } from "../../ffi/native.ts";
import { encodeUser, type PlanRun } from "../../ffi/plan_run.ts";
import { ConfigError } from "../errors.ts";
import { type Op, OPS, type Plan, POINTS, SLOTS } from "../plan/ops.ts";
import type { UserMemory } from "./known_users.ts";
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

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function resolveUser(
  run: PlanRun,
  op: Op<"user.resolve">,
  keep: UserMemory["keep"] | undefined,
): void {
  const known = keep && run.accounts();
  const identity = resolveIdentity(op.user, op.groups, {
    passwd: readAccountFile(run, SLOTS.passwd, "/etc/passwd"),
    group: readAccountFile(run, SLOTS.group, "/etc/group"),
  });
  const user = encodeUser(identity);
  run.release(POINTS.user, user);
  // As they were before they were read, and still are.
  if (known && areEqual(known, run.accounts())) {
    keep?.(op.user, op.groups, { known, user });
  }
}

/** Rare, so loaded when needed. */
async function mapIds(pid: number, op: Op<"idmap.run">): Promise<void> {
  const { runIdMapper } = await import("./id_mappers.ts");
  await runIdMapper(pid, op);
}

/** Has systemd make the groups around the child, which waits for them. */
async function startScope(
  run: PlanRun,
  op: Op<"systemd.scope">,
): Promise<void> {
  const { makeScope } = await import("./scope.ts");
  await makeScope(op, run.pid);
}

/** Steps that hold nobody up. */
const QUICK: ReadonlySet<string> = new Set([
  "anchor.open",
  "fd.use",
  "fds.send",
  "tree.open",
]);
/** Most of them that are done on the thread that spawns. */
const QUICK_STEPS = 24;

/**
 * Where the part of a parent list ends that the spawning thread does: behind
 * what the child waits for first, where that is at hand. Another thread would
 * take longer to wake.
 */
function spawnEnd(plan: Plan, spawn: number): number {
  for (let at = spawn + 1; at <= spawn + QUICK_STEPS; at++) {
    const op = plan.parent[at]?.op ?? "";
    if (op === "fds.send") return at + 1;
    if (!QUICK.has(op)) break;
  }
  return spawn + 1;
}

/** Steps that take no longer than the kernel needs; the process inside is waited for by some. */
const BOUNDED: ReadonlySet<string> = new Set([
  ...QUICK,
  "await",
  "await.exec",
  "cgroup.cpuset",
  "cgroup.devices",
  "cgroup.make",
  "cgroup.open",
  "cgroup.write",
  "plan.send",
  "release",
  "user.resolve",
]);
/**
 * How long a start may hold up the event loop when it is the only one, in
 * milliseconds: it is through by then, and two changes of thread take long on a
 * machine that has nothing else to do. What is slower goes on elsewhere.
 */
const PATIENCE_MS = 8;

/** How a parent list is executed. */
export interface RunOptions {
  /** Called with the process inside waiting for its exec. */
  readonly saveState?: () => void;
  /** Called when the process inside is there, and nothing else has been made. */
  readonly spawned?: () => void;
  /** Keeps users that were looked up. */
  readonly keepUser?: UserMemory["keep"];
  /** Called before the first hook runs. */
  readonly beginHooks?: () => void;
  /** Called with the seccomp listener of the process, which the run owns until it is taken. */
  readonly handListener?: (op: Op<"listener.hand">) => void | Promise<void>;
  /**
   * Whether waiting holds up the thread: for a command line, whose signals are
   * held on the main thread and must be able to end the waiting.
   */
  readonly blocking?: boolean;
  /** Whether nothing else is being started: then the thread is held up for some milliseconds at most. */
  readonly isAlone?: boolean;
  /** Called after each operation of the parent; operations are executed one by one then. */
  readonly onStep?: StepListener;
}

/** Takes a step of a Plan: one of the parent that is done, or one that the process inside begins with. */
export type StepListener = (op: Op, side: "parent" | "child") => void;

/**
 * Executes the parent list to its end: afterwards the program runs.
 *
 * The process is always spawned by the calling thread: PR_SET_PDEATHSIG means
 * the end of a thread, and those of Deno's pool end when they are idle.
 *
 * @param plan The Plan.
 * @param run Its execution.
 * @param options What is saved when, and on which thread the rest is done.
 * @throws {KernelError} `SystemError` when an operation of either side failed.
 * @throws {ProgramError} `ProgramNotFound` or `ProgramNotExecutable` when exec failed.
 * @throws {ConfigError} `ConfigInvalid` for an unknown user or group.
 *
 * @example
 * ```ts ignore
 * const run = new PlanRun(plan);
 * await runParent(plan, run, { saveState: () => writeState(dir, { ...state, pid: run.pid }) });
 * ```
 */
export async function runParent(
  plan: Plan,
  run: PlanRun,
  options: RunOptions = {},
): Promise<void> {
  let from = 0;
  const { onStep } = options;
  const end = options.isAlone ? performance.now() + PATIENCE_MS : 0;
  /** On this thread, as far as that is quick; false when it is another's to go on. */
  const runQuickly = (to: number): boolean => {
    const rest = Math.floor(end - performance.now());
    const isQuick = rest > 0 &&
      plan.parent.slice(from, to).every(({ op }) => BOUNDED.has(op));
    if (!isQuick) return false;
    const { at, isLate } = run.parentWithin(from, to, rest);
    from = at;
    return !isLate;
  };
  const runRange = async (to: number): Promise<void> => {
    while (from < to) {
      if (options.blocking) from = run.parent(from, to);
      else if (!runQuickly(to)) from = await run.parentAsync(from, to);
      const at = from;
      const op = plan.parent[at];
      if (at === to || op?.op !== "user.resolve") continue;
      resolveUser(run, op, options.keepUser);
      from = at + 1;
    }
  };
  const runTo = async (to: number): Promise<void> => {
    if (!onStep) return await runRange(to);
    for (const op of plan.parent.slice(from, to)) {
      await runRange(from + 1);
      onStep(op, "parent");
    }
  };
  for (const [index, op] of plan.parent.entries()) {
    if (index < from) continue;
    if (op.op === "spawn") {
      const end = spawnEnd(plan, index);
      run.parent(from, end);
      for (const done of plan.parent.slice(from, end)) {
        onStep?.(done, "parent");
      }
      for (const inner of onStep ? plan.child : []) onStep?.(inner, "child");
      from = end;
      options.spawned?.();
      continue;
    }
    // A process inside that knows its user does not ask.
    if (OPS[op.op].by === "ts" && op.op !== "user.resolve") {
      await runTo(index);
      run.failIfInjected(index);
      if (op.op === "systemd.scope") await startScope(run, op);
      else if (op.op === "state.save") options.saveState?.();
      else if (op.op === "idmap.run") await mapIds(run.pid, op);
      else if (op.op === "hooks.begin") options.beginHooks?.();
      else if (op.op === "listener.hand" && options.handListener) {
        await options.handListener(op);
      } else throw new Error(`unreachable: nobody executes ${op.op}`);
    } else continue;
    onStep?.(op, "parent");
    from = index + 1;
  }
  await runTo(plan.parent.length);
}

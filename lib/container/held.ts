/**
 * Held containers: everything of a start is done, and the process waits at a
 * socket beside the record for whoever starts it, maybe another program.
 *
 * @module
 */
import { errorOf, type Report } from "../../ffi/decode_report.ts";
import type { Fault } from "../../ffi/encode_plan.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { StateError } from "../errors.ts";
import { type HeldPlan, holdStart } from "../plan/held.ts";
import type { Plan } from "../plan/ops.ts";
import { currentHost } from "./current_host.ts";
import { listenerHander } from "./hand_listener.ts";
import { isAlive, ownIdentity } from "./liveness.ts";
import {
  type RemovalOptions,
  removeResources,
  runPoststop,
  stoppedState,
} from "./recover.ts";
import { runParent } from "./run_plan.ts";
import {
  listenerFacts,
  make,
  planStart,
  type Started,
  type StartRequest,
} from "./start.ts";
import { type LockedState, writeState } from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** A request to make a container and hold it before its program. */
export type HoldRequest = Omit<StartRequest, "process"> & {
  /** What to run; it is recorded, so it has no handler of ours. */
  readonly process: Omit<StartRequest["process"], "seccompNotify">;
};

/** A container that waits for its start. */
export interface Held extends Started {
  /** Lets its process go on. */
  readonly release: Plan;
}

/**
 * Makes a container completely and holds it before its program. It outlives this
 * program; its state is `held` until {@linkcode startHeld}.
 *
 * A death signal of the configuration would mean this program, and is left out.
 *
 * @param locked State directory with its lock held.
 * @param request What to start.
 * @returns The execution, which the caller closes, and the record; on failure
 * nothing of it is left.
 * @throws {NsinitError} Any of the hierarchy; the first failure.
 *
 * @example
 * ```ts ignore
 * const { run, state } = await holdContainer(locked, request);
 * run.close();
 * console.log(state.pid);
 * ```
 */
export async function holdContainer(
  locked: LockedState,
  request: HoldRequest,
): Promise<Held> {
  const config = { ...request.config, parentDeathSignal: 0 };
  let plans: HeldPlan | undefined;
  const started = await make(locked, { ...request, config }, {
    phase: "held",
    process: request.process,
    plan: async (settled, host) => {
      const options = { isHeld: true };
      const start = await planStart(settled, locked.dir, host, options);
      plans = holdStart(start, locked.dir);
      return plans.hold;
    },
  });
  if (!plans) throw new Error("unreachable: it was made by no Plan");
  return { ...started, release: plans.release(started.state.pid) };
}

/** Nothing of these matters behind the cut. */
const NO_STREAMS = {
  stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
  relay: { stdin: -1, stdout: -1, stderr: -1 },
} as const;

/** The Plan that lets a held container go on, from its record alone. */
async function releaseOf(
  { dir }: LockedState,
  state: StoredState,
): Promise<Plan> {
  const { id, config, directory, cgroupDriver, oci, process, pid } = state;
  const request = {
    id,
    config,
    ...(directory !== "" && { directory }),
    ...(cgroupDriver && { cgroupDriver }),
    ...(oci && { oci }),
    process: process ?? { args: [], env: [] },
    attachment: NO_STREAMS,
  };
  const start = await planStart(request, dir, currentHost(), { isHeld: true });
  return holdStart(start, dir).release(pid);
}

/** How a held container is started. */
export interface StartHeldOptions extends RemovalOptions {
  /** For tests: an operation of the Plan that lets it go on fails. */
  readonly fault?: Fault;
  /** The launcher has let it go, and this came back. */
  readonly failed?: Report;
}

/**
 * Executes the program of a held container.
 *
 * @param locked State directory with its lock held.
 * @param state Its state, `held`.
 * @param options How it is executed.
 * @returns The new record.
 * @throws {StateError} `ContainerNotRunning` if it is not held, or its process has ended.
 * @throws {NsinitError} Any other failure; the container is stopped then, and nothing of it lives.
 *
 * @example
 * ```ts ignore
 * const state = await startHeld(locked, await readState(locked.dir));
 * ```
 */
export async function startHeld(
  locked: LockedState,
  state: StoredState,
  { blocking = false, fault, failed }: StartHeldOptions = {},
): Promise<StoredState> {
  if (!failed && (state.phase !== "held" || !isAlive(state))) {
    throw new StateError(
      "ContainerNotRunning",
      `Cannot start container ${state.id}: no process of it waits to be started`,
      { context: { id: state.id } },
    );
  }
  const plan = await releaseOf(locked, state);
  const run = new PlanRun(plan, fault);
  let latest = state;
  try {
    if (failed) throw errorOf(plan, failed);
    await runParent(plan, run, {
      blocking,
      handListener: listenerHander(
        {},
        run,
        () => listenerFacts(state, state.pid),
      ),
      saveState: () => {
        const { process: _, ...rest } = state;
        latest = { ...rest, phase: "running", owner: ownIdentity() };
        writeState(locked.dir, latest);
      },
    });
    return latest;
  } catch (error) {
    await removeResources(latest, { blocking });
    writeState(locked.dir, stoppedState(latest, undefined));
    await runPoststop(latest, { blocking });
    throw error;
  } finally {
    run.close();
  }
}

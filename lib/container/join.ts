/**
 * Runs a process in a container that lives.
 *
 * @module
 */
import type { Fault } from "../../ffi/encode_plan.ts";
import { closeFd } from "../../ffi/native.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { compileFilter } from "../../ffi/seccomp.ts";
import { filterCache } from "./filter_cache.ts";
import { KernelError, NsinitError, StateError } from "../errors.ts";
import { buildJoinPlan } from "../plan/build.ts";
import type { JoinTarget, ResourceCgroup } from "../plan/types.ts";
import { type Attachment, closeInnerEnds } from "./attach.ts";
import { currentHost, forgetHost } from "./current_host.ts";
import { freezerState } from "./freezer.ts";
import { listenerHander } from "./hand_listener.ts";
import { openProcess } from "./liveness.ts";
import { specOf } from "./process_spec.ts";
import { usersIn } from "./known_users.ts";
import { isHeld, isRunning } from "./phase.ts";
import type { ProcessRequest } from "./request.ts";
import { runParent, type StepListener } from "./run_plan.ts";
import type { StoredState } from "./store_types.ts";
import { STARTS } from "./throttle.ts";

/** How long after a failure that looks like it the end of the container is waited for, in milliseconds. */
const END_MS = 300;
/** A process without a helper, a target without namespaces, groups and pid namespaces that are gone. */
const END_ERRORS: ReadonlySet<unknown> = new Set([
  "ECHILD",
  "ESRCH",
  "ENOENT",
  "ENODEV",
  "ENOMEM",
]);

/** The container's groups, or those below them: v1 ones are joined by `tasks`, the v2 one by clone3. */
function groupsOf(
  state: StoredState,
  below: SubgroupOf = () => "",
): Pick<JoinTarget, "cgroupPaths" | "cgroupV2"> {
  const groups = state.resources.cgroups.map((group) => ({
    ...group,
    path: group.path + below(group),
  }));
  const unified = groups.find((group) => group.version === 2);
  return {
    cgroupPaths: groups.filter((group) => group.version === 1)
      .map(({ path }) => ({ version: 1, path, file: "tasks" })),
    ...(unified && { cgroupV2: unified.path }),
  };
}

/** Whether setgroups(2) is denied inside; the file goes with the process. */
function deniesGroups({ pid, namespaces }: StoredState): boolean {
  if (!namespaces.includes("NEWUSER")) {
    return currentHost().groupsDenied ?? false;
  }
  try {
    return Deno.readTextFileSync(`/proc/${pid}/setgroups`).trim() === "deny";
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** The keyring that the first process made: named after the mark of its start. */
function keyringOf(state: StoredState): Pick<JoinTarget, "keyring"> {
  const owner = state.resources.cgroups[0]?.owner;
  return owner === undefined ? {} : { keyring: owner };
}

/** The container ended while it was being joined. */
export class ContainerGone extends StateError {
  /** Makes the error with code `ContainerNotRunning`. */
  constructor(id: string, options: ErrorOptions = {}) {
    super(
      "ContainerNotRunning",
      `Cannot join container ${id}: it has just ended`,
      options,
    );
  }
}

/** For a group of the container, the path of one below it that the process joins: empty, or with a slash in front. */
export type SubgroupOf = (
  group: Pick<ResourceCgroup, "version" | "controllers">,
) => string;

/** How a join is executed. */
export interface JoinOptions {
  /** Whether waiting holds up the thread, as for a command line. */
  readonly blocking?: boolean;
  /** The container's ends of the streams stay open: the caller may try again with them. */
  readonly keepEnds?: boolean;
  /** Whether a paused container may be joined: the process then waits, on version 1 with us, until it is resumed. */
  readonly ignorePaused?: boolean;
  /** Groups below the container's that are joined instead; they are there already. */
  readonly subgroup?: SubgroupOf;
  /** Called for each step, which are taken one by one then. */
  readonly onStep?: StepListener;
  /** For tests: an operation that fails. */
  readonly fault?: Fault;
}

/**
 * Joins a container, which may be held before its own program.
 *
 * @param state The container's state.
 * @param process What to run.
 * @param attachment The caller's stdio.
 * @param options How it is executed.
 * @returns The finished execution.
 * @throws {ContainerGone} `ContainerNotRunning` if it ended meanwhile.
 * @throws {StateError} `ContainerPaused` if it is frozen.
 * @throws {NsinitError} Any other failure.
 */
export async function joinContainer(
  state: StoredState,
  process: ProcessRequest,
  attachment: Attachment,
  options: JoinOptions = {},
): Promise<PlanRun> {
  try {
    return await STARTS.run(() => join(state, process, attachment, options));
  } finally {
    if (!options.keepEnds) closeInnerEnds(attachment);
  }
}

/**
 * Whether a join failed because the container ends. That takes its time: the
 * process that is joined loses its namespaces and its groups, and its pid
 * namespace kills what has come into it, before it is a zombie.
 */
async function hasEnded(
  state: StoredState,
  pidfd: number,
  error: NsinitError,
): Promise<boolean> {
  const mayEnd = error instanceof KernelError &&
    END_ERRORS.has(error.errnoName);
  const lives = (): boolean => isRunning(state) || isHeld(state);
  if (mayEnd && lives()) {
    const { poller } = await import("../../ffi/poller.ts");
    const signal = AbortSignal.timeout(END_MS);
    await poller.ready(pidfd, "read", { signal }).catch((reason) => {
      if (!signal.aborted) throw reason;
    });
  }
  return !lives();
}

async function join(
  state: StoredState,
  process: ProcessRequest,
  attachment: Attachment,
  { fault, blocking, onStep, ignorePaused, subgroup }: JoinOptions,
): Promise<PlanRun> {
  const pidfd = openProcess(state);
  if (pidfd === undefined) throw new ContainerGone(state.id);
  let run: PlanRun | undefined;
  try {
    if (ignorePaused !== true && freezerState(state) !== "thawed") {
      throw new StateError(
        "ContainerPaused",
        `Cannot join container ${state.id}: it is paused; resume it first`,
      );
    }
    const { seccomp, rootfs } = state.config;
    const users = usersIn(rootfs);
    const filter = seccomp && compileFilter(seccomp, filterCache());
    const plan = buildJoinPlan(
      {
        id: state.id,
        config: state.config,
        pid: state.pid,
        pidfd,
        namespaces: state.namespaces,
        ...state.resources.place !== undefined && {
          place: state.resources.place,
        },
        groupsDenied: deniesGroups(state),
        isEngines: state.oci !== undefined,
        ...keyringOf(state),
        ...groupsOf(state, subgroup),
        ...(filter && { filter }),
        ...(blocking !== true && { findUser: users.find }),
      },
      specOf(state.config, process, attachment),
      currentHost(),
    );
    run = new PlanRun(plan, fault);
    await runParent(plan, run, {
      blocking: blocking ?? false,
      isAlone: STARTS.isAlone,
      keepUser: users.keep,
      ...(onStep && { onStep }),
      handListener: listenerHander(process, run, () => ({
        id: state.id,
        status: "running",
        containerPid: state.pid,
        bundle: state.directory || state.config.rootfs,
        labels: state.config.labels ?? [],
      })),
    });
    return run;
  } catch (error) {
    forgetHost();
    await run?.abortAsync();
    run?.close();
    if (error instanceof NsinitError && await hasEnded(state, pidfd, error)) {
      throw new ContainerGone(state.id, { cause: error });
    }
    throw error;
  } finally {
    closeFd(pidfd);
  }
}

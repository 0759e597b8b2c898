/**
 * Prepared containers: the sandbox is made completely, and a process in it waits
 * for what to run.
 *
 * It waits on a socket of the program that made it, so it is that program's
 * alone, and ends with it. To all others the container is one that was created:
 * whoever starts it has the sandbox taken away first.
 *
 * @module
 */
import type { Fault } from "../../ffi/encode_plan.ts";
import { hasEnded } from "../../ffi/native.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";
import type { Watch } from "../../ffi/poller.ts";
import { watchEnd } from "../../ffi/process_end.ts";
import { KernelError, StateError } from "../errors.ts";
import { fitsSandbox } from "../plan/fit.ts";
import type { ProcessSpec, SandboxPlan } from "../plan/types.ts";
import type { Attachment } from "./attach.ts";
import { listenerHander } from "./hand_listener.ts";
import { notThere } from "./inspect.ts";
import { specOf } from "./process_spec.ts";
import { createdState, removeRemains } from "./recover.ts";
import type { ProcessRequest } from "./request.ts";
import { runParent } from "./run_plan.ts";
import {
  fail,
  listenerFacts,
  make,
  planSandbox,
  type SandboxRequest,
  sandboxUser,
  type Started,
} from "./start.ts";
import {
  type LockedState,
  lockState,
  readState,
  stateDirectory,
  unlockState,
  writeState,
} from "./store.ts";
import type { Phase, StoredState } from "./store_types.ts";
import { STARTS } from "./throttle.ts";

/** A sandbox of this program whose process waits. */
interface Sandbox {
  readonly run: PlanRun;
  readonly plan: SandboxPlan;
  readonly watch: Watch;
}

/** Those that wait, by {@linkcode keyOf}. */
const waiting = new Map<string, Sandbox>();

type Key = Pick<StoredState, "created" | "pid" | "startTime">;

function keyOf(dir: string, { created, pid, startTime }: Key): string {
  return `${pid} ${startTime} ${created} ${dir}`;
}

/** How a container is prepared. */
export interface PrepareOptions {
  /** Called once when the sandbox is gone before it was used: somebody killed or removed it. */
  readonly onLost?: () => void;
  /** For tests: an operation that fails. */
  readonly fault?: Fault;
}

/** Keeps a sandbox until it is used or its process ends. */
function keep(
  key: string,
  run: PlanRun,
  plan: SandboxPlan,
  onLost: (() => void) | undefined,
): void {
  const watch = watchEnd(run.pidfd, () => {
    waiting.delete(key);
    run.close();
    onLost?.();
  }, { ref: false });
  waiting.set(key, { run, plan, watch });
}

/** Takes the sandbox of a prepared container, if it is this program's and waits. */
function takeSandbox(
  { dir }: LockedState,
  state: StoredState,
): Sandbox | undefined {
  const key = keyOf(dir, state);
  const sandbox = waiting.get(key);
  sandbox?.watch.stop();
  waiting.delete(key);
  return sandbox;
}

/** What is asked of a container that has been created, without its process. */
function requestOf(state: StoredState): SandboxRequest {
  const { id, config, cgroupDriver } = state;
  return {
    id,
    config,
    reserved: createdState(state),
    keep: true,
    ...(cgroupDriver && { cgroupDriver }),
    // The name of the configuration would be that of all sandboxes made of it.
    ...(config.cgroups?.name && { cgroupNameTaken: true }),
  };
}

/**
 * Makes the sandbox of a container that was created. It stays `created`.
 *
 * @param stateRoot State root.
 * @param wanted The container.
 * @param options Who is told of its loss.
 * @returns Its new record.
 * @throws {StateError} `ContainerNotExists`; `ContainerNotStopped` if it has been started.
 * @throws {NsinitError} Any other failure; then it is as it was created.
 *
 * @example
 * ```ts ignore
 * const state = await createContainer("/run/nsinit", "demo", config);
 * await prepareContainer("/run/nsinit", state);
 * ```
 */
export async function prepareContainer(
  stateRoot: string,
  { id, created }: Pick<StoredState, "id" | "created">,
  options: PrepareOptions = {},
): Promise<StoredState> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) throw notThere(id);
  try {
    const state = await readState(locked.dir);
    if (state?.created !== created) throw notThere(id);
    const isNew = state.phase === "created" ||
      (state.phase === "prepared" && state.pid === 0);
    if (!isNew) {
      throw new StateError(
        "ContainerNotStopped",
        `Cannot prepare container ${id}: it has been started`,
        { context: { id } },
      );
    }
    return await STARTS.run(() => prepare(locked, state, options));
  } finally {
    unlockState(locked);
  }
}

async function prepare(
  locked: LockedState,
  state: StoredState,
  { onLost, fault }: PrepareOptions,
): Promise<StoredState> {
  const plans: SandboxPlan[] = [];
  const request = { ...requestOf(state), ...(fault && { fault }) };
  const { run, state: made } = await make(locked, request, {
    phase: "prepared",
    plan: async (settled, host) => {
      const plan = await planSandbox(settled, locked.dir, host);
      plans.push(plan);
      return plan.start;
    },
  });
  const [plan] = plans;
  if (plan) keep(keyOf(locked.dir, made), run, plan, onLost);
  return made;
}

/** What runs in a prepared container. */
export interface PreparedStart {
  /** The process. */
  readonly process: ProcessRequest;
  /** Its streams. */
  readonly attachment: Attachment;
  /** For tests: an operation that fails. */
  readonly fault?: Fault;
}

/** The process' streams: the sandbox has none of the caller's to inherit. */
function withGivenStreams(spec: ProcessSpec): ProcessSpec {
  const [stdin, stdout, stderr] = (["stdin", "stdout", "stderr"] as const).map(
    (name, fd) => {
      const source = spec.stdio[name];
      return source === "inherit" ? { fd } : source;
    },
  );
  if (!stdin || !stdout || !stderr) throw new Error("unreachable");
  return { ...spec, stdio: { stdin, stdout, stderr } };
}

/**
 * Starts the first process of a prepared container in its sandbox.
 *
 * @param locked Its locked state directory.
 * @param state Its state, `prepared`.
 * @param start What to run.
 * @returns The running container; undefined where the sandbox cannot be used,
 * since it is another program's, has ended, or does not fit: it is to be taken
 * away, and the container to be started as any other.
 * @throws {NsinitError} Any of the hierarchy; the sandbox is gone then, and the
 * container is as it was created.
 */
export async function startPrepared(
  locked: LockedState,
  state: StoredState,
  start: PreparedStart,
): Promise<Started | undefined> {
  const { config } = state;
  const sandbox = takeSandbox(locked, state);
  if (!sandbox) return undefined;
  const { run, plan } = sandbox;
  const request = requestOf(state);
  let latest = state;
  try {
    const spec = specOf(config, start.process, start.attachment);
    const fits = fitsSandbox(config, spec, sandboxUser(config));
    if (!fits || hasEnded(run.pidfd)) {
      await run.abortAsync();
      run.close();
      return undefined;
    }
    const rest = plan.planProcess(withGivenStreams(spec));
    run.continueWith(rest, start.fault);
    await STARTS.run(() =>
      runParent(rest, run, {
        isAlone: STARTS.isAlone,
        handListener: listenerHander(
          start.process,
          run,
          () => listenerFacts(state, run.pid),
        ),
        saveState: () => {
          latest = { ...state, phase: "running" };
          writeState(locked.dir, latest);
        },
      })
    );
    return { run, state: latest };
  } catch (error) {
    // Killed while it waited, or before it had its user: nothing of the program has run.
    if (latest === state && isEnd(error)) {
      await run.abortAsync();
      run.close();
      return undefined;
    }
    await fail(error, locked, request, latest, run);
    throw error;
  }
}

/** Whether an error says that the process inside has ended without a word. */
function isEnd(error: unknown): boolean {
  return error instanceof KernelError &&
    (error.errnoName === "ECHILD" || error.errnoName === "EPIPE");
}

/** What has not been started yet. */
const UNUSED: ReadonlySet<Phase> = new Set<Phase>(["created", "prepared"]);

/**
 * Removes a container that was to be prepared, or is. One that
 * somebody has started or removed meanwhile is left alone.
 *
 * @param stateRoot State root.
 * @param wanted The container.
 * @throws {KernelError} `SystemError` if something cannot be removed; it stays recorded.
 *
 * @example
 * ```ts ignore
 * await discardPrepared("/run/nsinit", state);
 * ```
 */
export async function discardPrepared(
  stateRoot: string,
  { id, created }: Pick<StoredState, "id" | "created">,
): Promise<void> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) return;
  try {
    const state = await readState(locked.dir);
    if (state?.created !== created || !UNUSED.has(state.phase)) return;
    const sandbox = takeSandbox(locked, state);
    await sandbox?.run.abortAsync();
    sandbox?.run.close();
    await removeRemains(locked, state);
  } finally {
    unlockState(locked);
  }
}

/**
 * Whether a prepared container can be started at once: its sandbox is this
 * program's, and nothing has ended it.
 *
 * @param stateRoot State root.
 * @param state Its record.
 * @returns False when a start would have to make it anew.
 */
export function isReady(stateRoot: string, state: StoredState): boolean {
  return waiting.has(keyOf(stateDirectory(stateRoot, state.id), state));
}

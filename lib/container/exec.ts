/**
 * `nsinit exec`: starts the container of a directory, or joins it if it lives.
 * What only one of the two needs is loaded when it is needed.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { StateError, UsageError } from "../errors.ts";
import type { Plan } from "../plan/ops.ts";
import {
  type Attachment,
  attachStdio,
  becomeMonitor,
  closeRelay,
} from "./attach.ts";
import { checkId, deriveId } from "./identity.ts";
import type { KeptStart } from "./kept_start.ts";
import { wantsTerminal } from "./process_spec.ts";
import { isHeld, isKept, isRunning, refuseHeld } from "./phase.ts";
import {
  createdState,
  dumpedFile,
  removeRemains,
  removeResources,
  runPoststop,
  undoOf,
} from "./recover.ts";
import type { ExecRequest, ProcessRequest } from "./request.ts";
import type { StepListener } from "./run_plan.ts";
import type { StartRequest } from "./start.ts";
import {
  type LockedState,
  lockState,
  readState,
  stateDirectory,
  unlockKeeping,
  unlockState,
} from "./store.ts";
import type { StoredState } from "./store_types.ts";
import { holdSignals, releaseSignals, replaceFile } from "../../ffi/native.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";

const JOIN_ROUNDS = 100;

async function identify(request: ExecRequest): Promise<string> {
  const { id, directory, hostRoot } = request;
  return checkId(id ?? await deriveId(directory, hostRoot ? "host root" : ""));
}

function describeSource(
  { configPath }: ExecRequest,
  reserved: StoredState | undefined,
): string {
  return configPath ?? (reserved ? "as recorded" : "the built-in template");
}

/** With `--debug` each step is told when it is done. */
async function stepListener(
  { onDebug }: ExecRequest,
): Promise<{ onStep?: StepListener }> {
  if (!onDebug) return {};
  const { explainOp } = await import("../plan/explain.ts");
  const places = { parent: "", child: "inside, " };
  return {
    onStep: (op, side) => onDebug(`${places[side]}${op.op}: ${explainOp(op)}`),
  };
}

/** The configuration with its rootfs canonical, and without a death signal when detached. */
async function settleConfig(
  request: ExecRequest,
  reserved?: StoredState,
): Promise<Config> {
  const config = await request.loadConfig(reserved?.config);
  request.onDebug?.(
    `configuration: ${describeSource(request, reserved)}` +
      (config.dialect ? `, dialect ${config.dialect}` : ""),
  );
  const rootfs = await Deno.realPath(config.rootfs).catch(() => config.rootfs);
  return {
    ...config,
    rootfs,
    ...(request.detach && { parentDeathSignal: 0 }),
  };
}

/** The process request; nobody could hold the other end of a detached terminal. */
function processOf(request: ExecRequest): ProcessRequest {
  if (!request.detach) return request.process;
  if (request.process.tty) {
    throw new UsageError(
      "Cannot use --tty with --detach: nothing would hold the terminal; leave one of them out",
    );
  }
  return { ...request.process, tty: false };
}

function attachFor(request: ExecRequest, config: Config): Attachment {
  return attachStdio({
    tty: wantsTerminal(config, processOf(request)),
    detach: request.detach,
  });
}

/** Where the markers stand: a container that was made without a directory gets none. */
async function markerPlace(
  request: ExecRequest,
  reserved: StoredState | undefined,
): Promise<{ directory?: string }> {
  if (reserved?.directory === "") return {};
  return { directory: await Deno.realPath(request.directory) };
}

async function startRequest(
  request: ExecRequest,
  id: string,
  reserved: StoredState | undefined,
): Promise<StartRequest> {
  const config = await settleConfig(request, reserved);
  const configPath = request.configPath &&
    await Deno.realPath(request.configPath).catch(() => undefined);
  // A container that was created before keeps who makes its cgroups.
  const { cgroupDriver } = reserved ?? request;
  return {
    id,
    config,
    ...await markerPlace(request, reserved),
    process: processOf(request),
    attachment: attachFor(request, config),
    blocking: true,
    ...(configPath && { configPath }),
    ...(reserved && { reserved }),
    ...(cgroupDriver && { cgroupDriver }),
  };
}

function writePidFile(path: string, pid: number): void {
  const cut = path.lastIndexOf("/");
  const dir = cut < 0 ? "." : path.slice(0, cut) || "/";
  replaceFile(dir, path.slice(cut + 1), new TextEncoder().encode(`${pid}`), {
    mode: 0o644,
  });
}

/** Ends the command's part: detached it returns 0, attached it becomes the monitor. */
function handOver(
  request: ExecRequest,
  run: PlanRun,
  attachment: Attachment,
  ending: {
    readonly undo: Plan["undo"];
    readonly message: string;
    readonly warning?: string;
    readonly notice?: string;
  },
): number {
  if (request.pidFile) writePidFile(request.pidFile, run.pid);
  if (request.detach) {
    run.close();
    closeRelay(attachment);
    return 0;
  }
  return becomeMonitor({ run, attachment, ...ending });
}

/** Its processes are in images: a new first one would forget them. */
function checkpointed(id: string): StateError {
  return new StateError(
    "ContainerNotStopped",
    `Cannot start container ${id}: it is checkpointed; go on with "nsinit restore --id ${id}", or drop it with "nsinit delete ${id}"`,
    { context: { id } },
  );
}

/** Takes away what the last start of a kept container has made. */
async function endResources(state: StoredState): Promise<void> {
  await removeResources(state);
  await runPoststop(state);
}

/** The container that {@linkcode spawn} makes. */
interface SpawnPlace {
  readonly id: string;
  readonly locked: LockedState;
  readonly cgroupNameTaken: boolean;
  /** What was recorded of it, when it was made before. */
  readonly reserved: StoredState | undefined;
}

/** As {@linkcode startRequest}; of one that cannot be carried out no state directory stays. */
async function startRequestIn(
  { id, locked, cgroupNameTaken, reserved }: SpawnPlace,
  request: ExecRequest,
): Promise<StartRequest> {
  try {
    return { ...await startRequest(request, id, reserved), cgroupNameTaken };
  } catch (error) {
    if (!reserved) await removeRemains(locked, undefined);
    throw error;
  }
}

/** Decides once more for the launcher, which asks for that; the result keeps it once the start has succeeded. */
async function decisionKeeper(
  { id, locked: { dir }, reserved }: SpawnPlace,
  request: ExecRequest,
  ending: KeptStart["ending"],
): Promise<((run: PlanRun) => Promise<void>) | undefined> {
  if (!request.keep || reserved) return undefined;
  const { finishKeeping, prepareKeeping } = await import("./kept_start.ts");
  const again = (): Promise<StartRequest> =>
    startRequest(request, id, undefined);
  const keeping = await prepareKeeping(request, { dir, again, ending });
  return keeping && ((run) => finishKeeping(keeping, run));
}

/** What the monitor says at the end of a container. */
function endingOf(id: string): KeptStart["ending"] {
  return {
    message:
      `nsinit: Cannot clean up container ${id} completely: run "nsinit delete --force ${id}"`,
    warning: `nsinit: A poststop hook of container ${id} failed`,
    notice: `nsinit: Container ${id} was checkpointed`,
  };
}

async function spawn(
  request: ExecRequest,
  place: SpawnPlace,
): Promise<number> {
  const { id, locked } = place;
  const start = await startRequestIn(place, request);
  const ending = endingOf(id);
  const keepDecision = await decisionKeeper(place, request, ending);
  const { startContainer } = await import("./start.ts");
  const { run, state } = await startContainer(locked, {
    ...start,
    ...await stepListener(request),
  });
  request.onDebug?.(`container ${id} runs as process ${state.pid}`);
  await keepDecision?.(run);
  const undo = undoOf(state, {
    stateDir: locked.dir,
    lockFd: locked.lockFd,
    unless: dumpedFile(state),
  });
  unlockKeeping(locked);
  try {
    return handOver(request, run, start.attachment, { undo, ...ending });
  } catch (error) {
    // The program runs, but nobody would watch it: take all of it back.
    const again = await lockState(request.stateRoot, id, { make: false });
    if (again) {
      await removeRemains(again, state);
      unlockState(again);
    }
    throw error;
  }
}

async function join(
  request: ExecRequest,
  state: StoredState,
): Promise<number> {
  request.onDebug?.(`joining container ${state.id}, process ${state.pid}`);
  const attachment = attachFor(request, state.config);
  let run: PlanRun;
  try {
    const { joinContainer } = await import("./join.ts");
    run = await joinContainer(state, processOf(request), attachment, {
      blocking: true,
      ...await stepListener(request),
    });
  } catch (error) {
    closeRelay(attachment);
    throw error;
  }
  try {
    return handOver(request, run, attachment, { undo: [], message: "" });
  } catch (error) {
    // The program runs, but nobody would watch it: the container goes on without.
    run.abort();
    throw error;
  }
}

/**
 * From the clone on a signal is for the program, but only the monitor can
 * forward it: until then it waits. A start that fails lets it act.
 */
async function withHeldSignals(
  action: () => number | Promise<number>,
): Promise<number> {
  holdSignals();
  try {
    return await action();
  } finally {
    releaseSignals();
  }
}

/**
 * Starts or joins the container and runs the program in it.
 *
 * One that was made by the library but does not run is started from its
 * recorded configuration. From then on it is as any that `exec` has made: it
 * goes when its program ends.
 *
 * @param request What to run, where.
 * @returns 0 when detached; attached the process becomes the monitor and does not return.
 * @throws {NsinitError} Any of the hierarchy; nothing is left of a failed start.
 *
 * @example
 * ```ts ignore
 * Deno.exit(await execContainer(request));
 * ```
 */
export async function execContainer(request: ExecRequest): Promise<number> {
  const id = await identify(request);
  let cgroupNameTaken = false;
  for (let round = 0;; round++) {
    const locked = await lockState(request.stateRoot, id, { make: true });
    if (!locked) continue;
    const state = await readState(locked.dir);
    if (state && isRunning(state)) {
      unlockState(locked);
      await request.onJoin?.(state);
      try {
        return await withHeldSignals(() => join(request, state));
      } catch (error) {
        // It ended between our look and the join: then this command starts it.
        const { ContainerGone } = await import("./join.ts");
        if (!(error instanceof ContainerGone) || round >= JOIN_ROUNDS) {
          throw error;
        }
        continue;
      }
    }
    if (state?.phase === "checkpointed") {
      unlockState(locked);
      throw checkpointed(id);
    }
    if (state && isHeld(state)) {
      unlockState(locked);
      refuseHeld(state);
    }
    const kept = state && isKept(state) ? state : undefined;
    // Of a sandbox that waits nothing stays but its record.
    const reserved = kept?.phase === "prepared" ? createdState(kept) : kept;
    if (state) {
      // Of a kept one that has just ended the record stays, and its owner sees that it is taken.
      await (reserved ? endResources(state) : removeRemains(locked, state));
    }
    if (state && !reserved) {
      unlockState(locked);
      continue;
    }
    try {
      const place = { id, locked, cgroupNameTaken, reserved };
      return await withHeldSignals(() => spawn(request, place));
    } catch (error) {
      unlockState(locked);
      const { isNameTaken } = await import("./start.ts");
      if (cgroupNameTaken || !isNameTaken(error)) throw error;
      cgroupNameTaken = true;
    }
  }
}

/**
 * The Plan that {@linkcode execContainer} would execute to start the container.
 *
 * Needs no root and touches nothing.
 *
 * @param request What would be run, where.
 * @returns The Plan.
 * @throws {NsinitError} What `exec` would say before it does anything.
 */
export async function planExec(request: ExecRequest): Promise<Plan> {
  const id = await identify(request);
  const config = await settleConfig(request);
  const start: StartRequest = {
    id,
    config,
    directory: await Deno.realPath(request.directory),
    process: request.process,
    attachment: {
      stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
      relay: { stdin: -1, stdout: -1, stderr: -1 },
    },
    blocking: true, // as the start itself
    ...(request.configPath && { configPath: request.configPath }),
    ...(request.cgroupDriver && { cgroupDriver: request.cgroupDriver }),
  };
  const { probeHost } = await import("../host/probe.ts");
  const { planStart, settleForUser } = await import("./start.ts");
  const host = probeHost();
  const dir = stateDirectory(request.stateRoot, id);
  return (await planStart(settleForUser(start, host), dir, host)).plan;
}

/**
 * Brings a container back from images, by CRIU.
 *
 * CRIU makes the namespaces and processes. What belongs to the host is ours, as
 * with a start: groups and their limits, the root and the mounts from outside,
 * interfaces; recorded before it is made, and taken away when a step fails.
 *
 * @module
 */
import {
  closeFd,
  openDirectory,
  openPidfd,
  signalPidfd,
} from "../../ffi/native.ts";
import { waitForEnd } from "../../ffi/process_end.ts";
import { REQUESTS } from "../criu/messages.ts";
import { type Criu, findCriu } from "../criu/program.ts";
import { askCriu, type Notification } from "../criu/session.ts";
import { terminalOf } from "../criu/streams.ts";
import { StateError } from "../errors.ts";
import { planRestoredNetwork } from "../plan/restore.ts";
import { CgroupYard } from "./cgroup_yard.ts";
import { criuFailure } from "./criu_failure.ts";
import { commonOptions } from "./criu_options.ts";
import { makeImageDirectory } from "./images.ts";
import { startTimeOf } from "./liveness.ts";
import { lookAt } from "./look_at.ts";
import {
  closeMarkers,
  publishMarkers,
  type ReservedMarker,
  stageMarkers,
} from "./markers.ts";
import { whileRestoring } from "./memory_progress.ts";
import { removeRemains, removeResources, runPoststop } from "./recover.ts";
import { fitImages, makeMountPoints } from "./restore_fit.ts";
import {
  baseDirectory,
  inheritedOf,
  restoreOptions,
} from "./restore_options.ts";
import { planRestore } from "./restore_plan.ts";
import { holdScope, runAbout, runPlan } from "./restore_run.ts";
import type { Restored, RestoreRequest, Restoring } from "./restore_types.ts";
import {
  completeState,
  initialState,
  leftBehind,
  markersOf,
  withMarkers,
  withPoststop,
} from "./start.ts";
import { type LockedState, writeState } from "./store.ts";
import type { StoredState } from "./store_types.ts";

const LOG_NAME = "restore.log";
const SIGKILL = 9;

/** Number of the terminal whose outer end a descriptor is. */
function terminalIndex(fd: number): number | undefined {
  const text = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  const [, index] = /^tty-index:\s*(\d+)$/m.exec(text) ?? [];
  return index === undefined ? undefined : Number(index);
}

/**
 * CRIU gives the restored processes a time namespace, in which the clocks go on
 * from where they stood. What joins has to be in it as well: processes of two of
 * them cannot be restored again.
 */
function withTimeNamespace(state: StoredState, pid: number): StoredState {
  const isKnown = state.namespaces.includes("NEWTIME");
  const timeOf = (of: number | "self"): string =>
    Deno.readLinkSync(`/proc/${of}/ns/time`);
  return isKnown || lookAt("/proc/self/ns/time") === undefined ||
      timeOf("self") === timeOf(pid)
    ? state
    : { ...state, namespaces: [...state.namespaces, "NEWTIME"] };
}

/** Where CRIU works. */
interface Places {
  readonly work: { readonly path: string };
  /** Directory that the mounts from outside are below. */
  readonly base: string;
  readonly yard: CgroupYard;
}

/** One restore under way. */
class Restore {
  readonly #restoring: Restoring;
  readonly #locked: LockedState;
  #markers: ReservedMarker[] = [];
  #master: number | undefined;
  /** Of the first process, a child of ours from its birth. */
  #pidfd: number | undefined;
  #pid = 0;
  #isConnected = false;
  /** What is recorded so far. */
  state: StoredState;

  constructor(locked: LockedState, restoring: Restoring) {
    this.#locked = locked;
    this.#restoring = restoring;
    const { request, plan } = restoring;
    this.state = initialState(request, plan);
  }

  #save(state: StoredState): void {
    this.state = state;
    writeState(this.#locked.dir, state);
  }

  #placeMarkers(): void {
    const { request } = this.#restoring;
    const names = markersOf(request);
    this.#save(this.state);
    if (names.length === 0) return;
    this.#markers = stageMarkers(request.directory ?? "", names);
    this.#save(withMarkers(this.state, this.#markers));
    publishMarkers(this.#markers);
  }

  /** The namespaces are there, the processes are not. */
  async #furnish(pid: number): Promise<void> {
    const { hooks } = this.#restoring.plan;
    if (hooks.length === 0) return;
    // They expect the interfaces.
    await this.#connect(pid);
    await runAbout(pid, hooks, () => this.#save(withPoststop(this.state)));
  }

  /** Sets the network up, once. */
  async #connect(pid: number): Promise<void> {
    if (this.#isConnected) return;
    this.#isConnected = true;
    const { request: { config }, placement } = this.#restoring;
    const network = planRestoredNetwork(config, placement, pid);
    if (network) (await runPlan(network)).close();
  }

  #keepMaster(fd: number): void {
    const { record } = this.#restoring;
    const index = terminalIndex(fd);
    const wanted = record.streams.map(terminalOf);
    if (this.#master === undefined && wanted.includes(index)) {
      this.#master = fd;
    } else closeFd(fd);
  }

  async #notified({ point, pid, fd }: Notification): Promise<void> {
    this.#restoring.request.onDebug?.(`CRIU has reached ${point}`);
    if (fd !== undefined) this.#keepMaster(fd);
    if (pid > 0) {
      this.#pidfd ??= openPidfd(pid);
      this.#pid = pid;
    }
    if (point === "setup-namespaces") await this.#furnish(pid);
    // CRIU drops packets from here on: before, the kernel would reset connections
    // whose sockets are not there yet.
    if (point === "post-setup-namespaces") await this.#connect(this.#pid);
    if (point === "post-restore") {
      const state = withTimeNamespace(this.state, pid);
      this.#save(completeState(state, "running", pid, this.#markers));
    }
  }

  async #ask(): Promise<number> {
    const { request, plan } = this.#restoring;
    const { images, onDebug } = request;
    const criu = await findCriu(request.criu ?? "criu");
    onDebug?.(`CRIU ${criu.version.join(".")} at ${criu.program}`);
    const work = request.workPath === undefined
      ? images
      : await makeImageDirectory(request.workPath);
    const { dir } = this.#locked;
    const base = baseDirectory(criu.program, work.path, dir);
    await using yard = await CgroupYard.create(dir);
    await fitImages(this.#restoring);
    await makeMountPoints(this.#restoring);
    const holder = await holdScope(plan.around);
    try {
      return await this.#askWithin(criu, { work, base, yard });
    } finally {
      // Its place is CRIU's processes' by now, or nobody's.
      await holder?.abortAsync();
      holder?.close();
    }
  }

  /** The groups are there. */
  async #askWithin(
    criu: Criu,
    { work, base, yard }: Places,
  ): Promise<number> {
    const { request, record, plan } = this.#restoring;
    const { images } = request;
    const run = await runPlan(plan.before);
    const opened: number[] = [];
    const open = (path: string): number => {
      const fd = openDirectory(path);
      opened.push(fd);
      return fd;
    };
    try {
      const inherited = inheritedOf(this.#restoring, run);
      const trees = plan.trees.map((slot) => run.slot(slot) ?? -1);
      const common = await commonOptions({
        ...record,
        options: { ...record.options, ...request.choices },
      });
      const answer = await askCriu(
        { ...criu, fds: inherited.fds, trees, base },
        (pid) => ({
          type: REQUESTS.restore,
          options: {
            imagesDirFd: open(images.path),
            // Among CRIU's own mounts: it mounts something there for a while.
            workDirFd: open(`/proc/${pid}/root${work.path}`),
            logFile: LOG_NAME,
            ...common,
            ...restoreOptions(this.#restoring, base, inherited),
            ...(yard.path !== undefined && { cgroupYard: yard.path }),
          },
        }),
        (notification) => this.#notified(notification),
      );
      const pid = answer.response?.restore?.pid;
      if (
        answer.response?.success === true && answer.thrown === undefined &&
        pid !== undefined
      ) return pid;
      throw await criuFailure(
        `Cannot restore container ${request.id}`,
        answer,
        { directory: work.path, name: LOG_NAME },
      );
    } finally {
      for (const fd of opened) closeFd(fd);
      run.close();
    }
  }

  /** Does all of it. */
  async execute(): Promise<Restored> {
    const { request: { onProgress }, plan } = this.#restoring;
    try {
      this.#placeMarkers();
      const pid = await whileRestoring(
        plan.resources.cgroups,
        onProgress,
        () => this.#ask(),
      );
      const pidfd = this.#pidfd;
      if (pidfd === undefined || startTimeOf(pid) !== this.state.startTime) {
        throw new StateError(
          "ContainerNotRunning",
          `Cannot restore container ${this.state.id}: it ended at once`,
        );
      }
      await runAbout(pid, plan.after);
      return {
        state: this.state,
        pidfd,
        ...(this.#master !== undefined && { master: this.#master }),
      };
    } catch (error) {
      if (this.#master !== undefined) closeFd(this.#master);
      throw error;
    } finally {
      closeMarkers(this.#markers);
    }
  }

  /** Ends and reaps what CRIU has left of a restore that failed. */
  async reap(): Promise<void> {
    if (this.#pidfd === undefined) return;
    signalPidfd(this.#pidfd, SIGKILL);
    await waitForEnd(this.#pidfd);
    closeFd(this.#pidfd);
    this.#pidfd = undefined;
  }
}

/** Takes away what a failed restore has made; the record is what it was before. */
async function discard(
  locked: LockedState,
  restore: Restore | undefined,
  reserved: StoredState | undefined,
): Promise<void> {
  const state = restore?.state;
  await restore?.reap();
  if (!reserved) return await removeRemains(locked, state);
  if (!state) return;
  await removeResources(state);
  writeState(locked.dir, reserved);
  await runPoststop(state);
}

/**
 * Restores a container; the lock of its state directory is held, and it does not
 * run.
 *
 * @param locked State directory.
 * @param request What is restored, as what.
 * @returns The container, running; on failure nothing of it is left, and it is as it was before.
 * @throws {StateError} `ContainerNotExists` for images that are of another container.
 * @throws {HostError} `HostUnsupported` if CRIU is missing or too old, or without root.
 * @throws {CriuError} `CriuFailed` if CRIU fails.
 * @throws {KernelError} `SystemError` if the kernel refuses a step.
 *
 * @example
 * ```ts ignore
 * const { pidfd } = await restoreLocked(locked, { id, images, config, attachment });
 * ```
 */
export async function restoreLocked(
  locked: LockedState,
  request: RestoreRequest,
): Promise<Restored> {
  let restore: Restore | undefined;
  try {
    restore = new Restore(locked, await planRestore(request, locked.dir));
    return await restore.execute();
  } catch (error) {
    await discard(locked, restore, request.reserved).catch((second) => {
      // The first failure is the one to tell; what is left stays recorded.
      if (error instanceof Error) {
        error.message += leftBehind(request.id, second);
      }
    });
    throw error;
  }
}

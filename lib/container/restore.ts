/**
 * Brings a container back from images, by CRIU.
 *
 * CRIU makes the namespaces and processes. What belongs to the host is ours, as
 * with a start: groups and their limits, the root and the mounts from outside,
 * interfaces; recorded before it is made, and taken away when a step fails.
 *
 * @module
 */
import { closeFd, openPidfd, signalPidfd } from "../../ffi/native.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { waitForEnd } from "../../ffi/process_end.ts";
import { openDirectory } from "../../ffi/native.ts";
import type { Config } from "../config/types.ts";
import { CgroupYard } from "./cgroup_yard.ts";
import { separateMasters, setDeathSignal } from "../criu/image_files.ts";
import { validateConfig } from "../config/validate.ts";
import { type CriuOptions, REQUESTS } from "../criu/messages.ts";
import { mountOf, parseMounts } from "../criu/mounts.ts";
import { type Criu, findCriu } from "../criu/program.ts";
import { askCriu, type Notification } from "../criu/session.ts";
import { terminalOf } from "../criu/streams.ts";
import { HostError, StateError } from "../errors.ts";
import { probeHost } from "../host/probe.ts";
import type { Host } from "../host/types.ts";
import { type Plan, POINTS } from "../plan/ops.ts";
import { findMountPlaces, planMountPoints } from "../plan/mount_points.ts";
import {
  buildRestorePlan,
  planRestoredNetwork,
  type RestorePlan,
} from "../plan/restore.ts";
import type { Placement, ResourceCgroup } from "../plan/types.ts";
import type { Attachment, StdioEnd } from "./attach.ts";
import { type RestoreTuning, restoreTuning } from "./criu_tuning.ts";
import { criuFailure } from "./criu_failure.ts";
import { commonOptions } from "./criu_options.ts";
import {
  changeImage,
  type DumpChoices,
  type ImageRecord,
  type Images,
  makeImageDirectory,
  shareImages,
} from "./images.ts";
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
import { findSources, movedPath } from "./restore_mounts.ts";
import { runParent } from "./run_plan.ts";
import {
  checkRootfs,
  completeState,
  initialState,
  leftBehind,
  markersOf,
  placeContainer,
  scopeOf,
  withMarkers,
  withPoststop,
} from "./start.ts";
import { type LockedState, writeState } from "./store.ts";
import type { CgroupDriver, OciRecord, StoredState } from "./store_types.ts";

/** Directories that CRIU needs none of: one is covered, for it alone, by the mounts that it is given. */
const BASES = ["/mnt", "/media", "/srv"];
const LOG_NAME = "restore.log";
const SIGKILL = 9;

/** What is restored, as what. */
export interface RestoreRequest {
  /** Id of the container. */
  readonly id: string;
  /** The images. */
  readonly images: Images;
  /** Its configuration; the rootfs is canonical. */
  readonly config: Config;
  /** The container's directory, canonical; absent for one that has none. */
  readonly directory?: string;
  /** What takes the place of its standard streams. */
  readonly attachment: Attachment;
  /** Choices besides those of the dump. */
  readonly choices?: DumpChoices;
  /** How CRIU goes about it. */
  readonly tuning?: RestoreTuning;
  /** Directory of the log; that of the images unless given. */
  readonly workPath?: string;
  /** Memory is fetched by `criu lazy-pages` when it is used. */
  readonly lazyPages?: boolean;
  /** CRIU; the one of PATH unless given. */
  readonly criu?: string;
  /** Who makes the cgroups: we, or systemd. */
  readonly cgroupDriver?: CgroupDriver;
  /** The record of a container that was there before: what a failed restore goes back to. */
  readonly reserved?: StoredState;
  /** What an engine asks for: a container of the OCI command line. */
  readonly oci?: OciRecord;
  /** Whether the container stays, stopped, when its first process has ended. */
  readonly keep?: boolean;
  /** Told how many bytes of memory are filled. */
  readonly onProgress?: (bytes: number) => void;
  /** Told what is being done. */
  readonly onDebug?: (line: string) => void;
}

/** A restored container. */
export interface Restored {
  /** What was written to the state file. */
  readonly state: StoredState;
  /** Pidfd of its first process, a child of this one; owned by the caller. */
  readonly pidfd: number;
  /** Outer end of its terminal, owned by the caller. */
  readonly master?: number;
}

/** What a restore is made of, once it is planned. */
interface Restoring {
  readonly request: RestoreRequest;
  readonly record: ImageRecord;
  readonly host: Host;
  readonly placement: Placement;
  readonly plan: RestorePlan;
  /** Where the mounts from outside come from now, by their keys. */
  readonly sources: ReadonlyMap<string, string>;
}

/** The namespaces are in the images: the configuration cannot have others. */
function checkNamespaces(
  id: string,
  wanted: Config,
  { config }: ImageRecord,
): void {
  const listOf = ({ namespaces }: Config): string =>
    namespaces.map(({ type }) => type).toSorted().join(" ");
  if (listOf(wanted) === listOf(config)) return;
  throw new StateError(
    "ContainerNotExists",
    `Cannot restore container ${id}: its configuration has the namespaces ${
      listOf(wanted)
    }, the images have ${
      listOf(config)
    }; use the configuration of the checkpoint`,
  );
}

async function plan(
  request: RestoreRequest,
  stateDir: string,
): Promise<Restoring> {
  const { id, config, directory = "", images: { record } } = request;
  validateConfig(config);
  checkNamespaces(id, config, record);
  await checkRootfs(config.rootfs);
  const host = probeHost();
  if (host.euid !== 0) {
    throw new HostError(
      `Cannot restore container ${id}: only root can restore processes`,
    );
  }
  const placed = placeContainer(request, stateDir);
  const cgroups = await scopeOf(request, placed, host);
  const placement = { ...placed, ...(cgroups && { cgroups }) };
  const sourcesWith = (newGroups: readonly ResourceCgroup[]) =>
    findSources({
      mounts: record.mounts,
      oldGroups: record.cgroups,
      newGroups,
      config,
      move: (path) => movedPath(path, record.directory, directory),
    });
  const input = { config, host, placement };
  // Where the groups are is planned first, since some of the mounts show them.
  const first = buildRestorePlan({ ...input, mounts: sourcesWith([]) });
  const mounts = sourcesWith(first.resources.cgroups);
  const sources = new Map(
    record.mounts.map(({ key }, at) => [key, mounts[at]?.source ?? ""]),
  );
  const full = buildRestorePlan({ ...input, mounts });
  return { request, record, host, placement, plan: full, sources };
}

/** How CRIU and the kernel call a group. */
function cgroupRoots(
  { host, plan: { resources } }: Restoring,
): { controller: string; path: string }[] {
  return resources.cgroups.flatMap(({ version, controllers, path }) => {
    const hierarchy = host.cgroup.hierarchies.find((each) =>
      each.version === version && path.startsWith(`${each.mount}/`) &&
      (version === 2 || each.controllers[0] === controllers[0])
    );
    if (!hierarchy) return [];
    const { root, mount } = hierarchy;
    const below = path.slice(mount.length);
    const full = root === "/" ? below : root + below;
    const names = version === 2 ? [""] : controllers;
    return names.map((controller) => ({ controller, path: full }));
  });
}

function numberOf(end: StdioEnd, number: number): number {
  return end === "inherit" ? number : end.fd;
}

/** Descriptors that CRIU gets from its fourth on, and what each stands for. */
class Inherited {
  readonly fds: number[] = [];
  readonly keys: { readonly key: string; readonly fd: number }[] = [];

  add(key: string, fd: number): void {
    if (this.keys.some((known) => known.key === key)) return;
    // 0 to 2 are CRIU's own, 3 is the socket.
    this.keys.push({ key, fd: 4 + this.fds.length });
    this.fds.push(fd);
  }
}

function inheritedOf(
  { request: { attachment }, record, plan }: Restoring,
  run: PlanRun,
): Inherited {
  const inherited = new Inherited();
  const { stdin, stdout, stderr } = attachment.stdio;
  [stdin, stdout, stderr].forEach((end, number) => {
    const key = record.streams[number]?.key;
    if (key !== undefined) inherited.add(key, numberOf(end, number));
  });
  const network = plan.network === undefined
    ? undefined
    : run.slot(plan.network);
  if (record.network !== undefined && network !== undefined) {
    inherited.add(record.network, network);
  }
  return inherited;
}

function baseDirectory(...used: readonly string[]): string {
  const found = BASES.find((path) => {
    try {
      return Deno.lstatSync(path).isDirectory &&
        !used.some((each) => `${each}/`.startsWith(`${path}/`));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
  if (found !== undefined) return found;
  throw new HostError(
    `Cannot restore: none of the directories ${
      BASES.join(", ")
    } is there, one of which CRIU finds mounts in; make one`,
  );
}

/** Options that are the restore's alone. */
function restoreOptions(
  restoring: Restoring,
  base: string,
  inherited: Inherited,
): Partial<CriuOptions> {
  const { record, plan, request } = restoring;
  const hasRoot = plan.trees.length > record.mounts.length;
  const first = hasRoot ? 1 : 0;
  const sockets = record.streams.flatMap(({ external }) =>
    external?.startsWith("unix[") ? [external] : []
  );
  return {
    restoreSibling: true,
    evasiveDevices: true,
    cgroupRoots: cgroupRoots(restoring),
    inheritFds: inherited.keys,
    external: [
      ...record.mounts.map(({ key }, index) =>
        `mnt[${key}]:${base}/${first + index}`
      ),
      ...new Set(sockets),
    ],
    ...(hasRoot && { root: `${base}/0` }),
    ...(request.lazyPages && { lazyPages: true }),
    ...restoreTuning(request.tuning ?? {}),
  };
}

async function runPlan(
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
async function holdScope(
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
async function runAbout(
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

/** Number of the terminal whose outer end a descriptor is. */
function terminalIndex(fd: number): number | undefined {
  const text = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  const [, index] = /^tty-index:\s*(\d+)$/m.exec(text) ?? [];
  return index === undefined ? undefined : Number(index);
}

/** Group on the host that is group 0 in a user namespace of the container's own. */
function rootGroup(
  { namespaces, gidMappings = [] }: Config,
): number | undefined {
  const hasOwn = namespaces.some(({ type, path }) =>
    type === "NEWUSER" && path === undefined
  );
  if (!hasOwn) return undefined;
  return gidMappings.find(({ containerId }) => containerId === 0)?.hostId;
}

function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    // The step that opens it tells what is wrong.
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

/** Each mount gets what is mounted outside where its new source does. */
async function fitMounts(
  { sources, request: { images, config } }: Restoring,
): Promise<void> {
  const table = parseMounts(await Deno.readTextFile("/proc/self/mountinfo"));
  const propagates = (key: string | undefined): boolean => {
    const source = key === undefined ? config.rootfs : sources.get(key) ?? "";
    return mountOf(realPathOf(source), table)?.propagates ?? false;
  };
  for await (const { name } of Deno.readDir(images.path)) {
    if (!/^mountpoints-\d+\.img$/.test(name)) continue;
    await changeImage(
      images.path,
      name,
      (image) => separateMasters(image, propagates),
    );
  }
}

/** Makes the images fit what is restored from them. */
async function fitImages(restoring: Restoring): Promise<void> {
  const { images, config } = restoring.request;
  const { path, record } = images;
  await fitMounts(restoring);
  const wanted = config.parentDeathSignal ?? 0;
  await changeImage(
    path,
    `core-${record.pid}.img`,
    (image) => setDeathSignal(image, wanted),
  );
  const gid = rootGroup(config);
  if (gid !== undefined) await shareImages(path, gid);
}

/** CRIU mounts at what is there: a root that is new to the container lacks it. */
async function makeMountPoints(
  { request: { config }, record, sources }: Restoring,
): Promise<void> {
  const { rootfs, overlay, hostRoot } = config;
  if (overlay !== undefined || hostRoot !== undefined) return;
  const places = findMountPlaces(
    config,
    record.mounts.flatMap(({ key, target }) => {
      const source = sources.get(key) ?? "";
      return source === "" || target === "/" ? [] : [{ target, source }];
    }),
  );
  const targets = places.bound.map(({ target }) => target)
    .concat(places.directories);
  if (targets.every((target) => lookAt(rootfs + target) !== undefined)) return;
  (await runPlan(planMountPoints(rootfs, places))).close();
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
    restore = new Restore(locked, await plan(request, locked.dir));
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

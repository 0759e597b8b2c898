/**
 * Starts a container: its first process.
 *
 * @module
 */
import { ConfigError, KernelError } from "../errors.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { compileFilter } from "../../ffi/seccomp.ts";
import { filterCache } from "./filter_cache.ts";
import type { Fault } from "../../ffi/encode_plan.ts";
import type { Config } from "../config/types.ts";
import { placeHostBelowOwn } from "../host/own_groups.ts";
import type { Host } from "../host/types.ts";
import { buildSandboxPlan, buildStartPlan } from "../plan/build.ts";
import { addUserNamespace } from "../plan/rootless.ts";
import { type CgroupPart, noCgroups } from "../plan/cgroups.ts";
import type {
  HostRootParts,
  Placement,
  SandboxPlan,
  StartPlan,
} from "../plan/types.ts";
import { adviseOnUserNamespace } from "./advice.ts";
import { type Attachment, closeInnerEnds } from "./attach.ts";
import { currentHost, forgetHost, hasAnchor } from "./current_host.ts";
import { type ContainerFacts, listenerHander } from "./hand_listener.ts";
import { usersIn } from "./known_users.ts";
import { checkConfig } from "./check_config.ts";
import { CONFIG_FILE } from "./config_place.ts";
import { bootId, ownIdentity, startTimeOf } from "./liveness.ts";
import { lookAt } from "./look_at.ts";
import {
  closeMarkers,
  fillMarkers,
  markerNames,
  publishMarkers,
  type ReservedMarker,
  stagedFiles,
  stageMarkers,
} from "./markers.ts";
import type { ReadyStart } from "./start_cache.ts";
import { specOf } from "./process_spec.ts";
import {
  engineHookEnv,
  removeRemains,
  removeResources,
  runPoststop,
} from "./recover.ts";
import type { ProcessRequest } from "./request.ts";
import { runParent, type StepListener } from "./run_plan.ts";
import { type LockedState, writeState } from "./store.ts";
import type {
  CgroupDriver,
  OciRecord,
  Phase,
  StoredState,
} from "./store_types.ts";
import { STARTS } from "./throttle.ts";

/** A request to make a sandbox for a container. */
export interface SandboxRequest {
  /** Its id. */
  readonly id: string;
  /** Its configuration; the rootfs is canonical. */
  readonly config: Config;
  /** The container's directory, canonical, where markers stand; absent for one that has none. */
  readonly directory?: string;
  /** File that the configuration came from. */
  readonly configPath?: string;
  /** Who makes the cgroups: we, or systemd. */
  readonly cgroupDriver?: CgroupDriver;
  /** Whether a unit of systemd stays when it has failed: whoever removes the container has it forgotten. */
  readonly keepsFailedUnit?: boolean;
  /** Whether the cgroup name of the configuration is in use by another container. */
  readonly cgroupNameTaken?: boolean;
  /** The record of a container that was made before: what a failed start goes back to. */
  readonly reserved?: StoredState;
  /** What an engine asks for: a container of the OCI command line, which has no files in its bundle. */
  readonly oci?: OciRecord;
  /** Whether the container stays, stopped, when its first process has ended. */
  readonly keep?: boolean;
  /** Whether waiting holds up the thread, as for a command line. */
  readonly blocking?: boolean;
  /** Called for each step, which are taken one by one then. */
  readonly onStep?: StepListener;
  /** For tests: an operation that fails. */
  readonly fault?: Fault;
}

/** A request to start a container. */
export interface StartRequest extends SandboxRequest {
  /** What to run. */
  readonly process: ProcessRequest;
  /** The caller's stdio. */
  readonly attachment: Attachment;
  /** The container's ends of the streams stay open: the caller may try again with them. */
  readonly keepEnds?: boolean;
}

/** A started container. */
export interface Started {
  /** The finished execution; owns the pidfd and the pty. */
  readonly run: PlanRun;
  /** What was written to the state file. */
  readonly state: StoredState;
}

/** Directory and name of a path below `root`, as seen inside; undefined when it lies elsewhere. */
function insideRoot(root: string, path: string): string | undefined {
  if (root === "/") return path;
  return path.startsWith(root + "/") ? path.slice(root.length) : undefined;
}

/** The directories on the way to a file, from the top: renamed, they would take it along. */
function parentsOf(path: string): string[] {
  const names = path.split("/").slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

function randomHex(digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("").slice(0, digits);
}

/**
 * Mark of what this start makes outside: unlike an id, which another state
 * root may have too, it is never used twice. An interface's alias holds 255
 * bytes.
 */
function ownerMark(id: string): string {
  return `nsinit:${id.slice(0, 128)}:${randomHex(16)}`;
}

function hostNames(config: Config): string[] {
  return (config.networks ?? []).filter((net) => net.type === "veth")
    .map((net) =>
      net.hostInterfaceName !== ""
        ? net.hostInterfaceName
        : (net.vethPrefix || "veth").slice(0, 8) + randomHex(7)
    );
}

/**
 * Path of the container's cgroups: below the parent, named by the file, or
 * after the id where the file has no name or another container holds it.
 */
function cgroupPathOf(
  { config, id, cgroupNameTaken }: SandboxRequest,
): string {
  const parent = config.cgroups?.parent ?? "nsinit";
  const wanted = config.cgroups?.name;
  const name = !wanted ? id : cgroupNameTaken ? `${wanted}-${id}` : wanted;
  return parent === "" ? name : `${parent.replace(/\/+$/, "")}/${name}`;
}

/**
 * Whether what runs inside could make the container.json that the next command
 * in this directory would follow.
 */
function couldPlantConfig(config: Config, directory: string): boolean {
  const path = `${directory}/${CONFIG_FILE}`;
  if (config.rootfs === "/" || insideRoot(config.rootfs, path) === undefined) {
    return false;
  }
  return !config.readonlyfs && config.overlay === undefined &&
    lookAt(path) === undefined;
}

/**
 * Names of the files that tell of the container in its directory, or keep a
 * place. One with a host root has none: it may be started where nothing can be
 * written.
 */
export function markersOf(
  { directory, config, oci }: SandboxRequest,
): readonly string[] {
  if (oci !== undefined) return [];
  if (directory === undefined || config.hostRoot !== undefined) return [];
  const names = markerNames(config.dialect);
  return couldPlantConfig(config, directory) ? [...names, CONFIG_FILE] : names;
}

/**
 * Where a container's things go.
 *
 * @param request The request.
 * @param stateDir State directory.
 * @returns The placement for the planner.
 */
export function placeContainer(
  request: SandboxRequest,
  stateDir: string,
): Placement {
  const { config, directory, id } = request;
  const files = [
    ...(request.configPath ? [request.configPath] : []),
    ...(directory === undefined || request.oci
      ? []
      : [`${directory}/${CONFIG_FILE}`]),
    ...markersOf(request).map((name) => `${directory}/${name}`),
  ];
  const protect = files.map((path) => insideRoot(config.rootfs, path))
    .filter((path) => path !== undefined);
  const pinned = config.rootfs === "/" ? [] : protect.flatMap(parentsOf);
  const filter = config.seccomp && compileFilter(config.seccomp, filterCache());
  return {
    id,
    stateDir,
    directory: directory ?? "",
    cgroupPath: cgroupPathOf(request),
    ...(request.oci && { isEngines: true, ...engineHookEnv(config) }),
    protect: [...new Set([...pinned, ...protect])],
    hostInterfaceNames: hostNames(config),
    alias: ownerMark(id),
    ...(filter && { filter }),
  };
}

/** The groups that systemd will make, where it is to make them; none where nobody is. */
export async function scopeOf(
  request: SandboxRequest,
  placement: Placement,
  host: Host,
): Promise<CgroupPart | undefined> {
  if (request.cgroupDriver === "disabled") return noCgroups(request.config);
  if (request.cgroupDriver !== "systemd") return undefined;
  const { placeScope } = await import("./scope.ts");
  return await placeScope(request, placement.alias, host);
}

/** Looks the host's root up, where the container gets one made of it. */
async function hostRootOf(
  config: Config,
  user: string,
): Promise<HostRootParts | undefined> {
  if (config.hostRoot === undefined) return undefined;
  const { planHostRoot } = await import("../plan/host_root.ts");
  const { probeRootLayout } = await import("../host/root_layout.ts");
  return planHostRoot(config, user, probeRootLayout());
}

/** Reads what interfaces lose on their way inside. */
async function netAddressesOf(
  { netDevices = [] }: Config,
): Promise<Pick<Placement, "netAddresses">> {
  if (netDevices.length === 0) return {};
  const { readNetAddresses } = await import("./net_devices.ts");
  return { netAddresses: readNetAddresses(netDevices) };
}

/** Looks at the namespaces in which parameters are set, where those are not new. */
async function checkParameters({ sysctl, namespaces }: Config): Promise<void> {
  const isJoined = sysctl !== undefined &&
    namespaces.some(({ path }) => path !== undefined);
  if (!isJoined) return;
  const { checkJoinedParameters } = await import("./joined_parameters.ts");
  checkJoinedParameters({ sysctl, namespaces });
}

/** What only a program has that starts many. */
function programPart(
  { config }: SandboxRequest,
  host: Host,
): Pick<Placement, "hasAnchor" | "findUser"> {
  return {
    hasAnchor: hasAnchor(host),
    findUser: usersIn(config.rootfs).find,
  };
}

/** Everything that a sandbox is planned from but its configuration and the host. */
async function placeSandbox(
  request: SandboxRequest,
  stateDir: string,
  user: string,
  host: Host,
): Promise<Placement> {
  await checkParameters(request.config);
  const placement = placeContainer(request, stateDir);
  const hostRoot = await hostRootOf(request.config, user);
  const cgroups = await scopeOf(request, placement, host);
  return {
    ...placement,
    ...await netAddressesOf(request.config),
    ...(request.blocking !== true && programPart(request, host)),
    ...(hostRoot && { hostRoot }),
    ...(cgroups && { cgroups }),
  };
}

/**
 * Builds the Plan of a start; touches nothing.
 *
 * @throws {ConfigError} `ConfigInvalid` if the configuration cannot be carried out.
 * @throws {HostError} `HostUnsupported` if the host lacks something.
 */
export async function planStart(
  request: StartRequest,
  stateDir: string,
  host: Host,
  options: Pick<Placement, "isHeld"> = {},
): Promise<ReadyStart> {
  const { config } = request;
  checkConfig(config);
  const spec = specOf(config, request.process, request.attachment);
  const place = await placeSandbox(request, stateDir, spec.user, host);
  // Markers are made before the process, and filled when it is there; a command
  // line is slower to begin with, and whoever repeats its start saves by itself.
  const canRecordFirst = request.keep === true && request.blocking !== true &&
    markersOf(request).length === 0;
  const placement = { ...place, canRecordFirst, ...options };
  if (request.blocking || request.fault || request.onStep) {
    return buildStartPlan(config, spec, host, placement);
  }
  startCache ??= await import("./start_cache.ts");
  return startCache.planKnownStart(config, spec, host, placement);
}

/** Only what starts many containers loads it. */
let startCache: typeof import("./start_cache.ts") | undefined;

/**
 * Builds the Plan of a sandbox that waits for its process; touches nothing.
 *
 * @throws {ConfigError} `ConfigInvalid` if the configuration cannot be carried out.
 * @throws {HostError} `HostUnsupported` if the host lacks something.
 */
export async function planSandbox(
  request: SandboxRequest,
  stateDir: string,
  host: Host,
): Promise<SandboxPlan> {
  const { config } = request;
  checkConfig(config);
  const user = sandboxUser(config);
  const placement = await placeSandbox(request, stateDir, user, host);
  return buildSandboxPlan(config, host, placement);
}

/** The user for whom a sandbox is made that waits: the configuration's. */
export function sandboxUser({ process }: Config): string {
  return process?.user ?? "";
}

/** What is recorded before anything is made. */
export function initialState(
  request: SandboxRequest,
  start: Pick<StartPlan, "resources">,
): StoredState {
  const { config, directory = "" } = request;
  return {
    version: 2,
    id: request.id,
    phase: "creating",
    kept: request.keep ?? false,
    ...(request.cgroupDriver && { cgroupDriver: request.cgroupDriver }),
    ...(request.oci && { oci: request.oci }),
    pid: 0,
    startTime: "",
    bootId: bootId(),
    owner: ownIdentity(),
    created: request.reserved?.created ?? new Date().toISOString(),
    directory,
    config,
    namespaces: config.namespaces.map((namespace) => namespace.type),
    resources: {
      ...start.resources,
      files: [
        ...start.resources.files,
        ...stagedFiles(directory, markersOf(request)),
      ],
    },
  };
}

/** The group of each controller, for markers. */
export function cgroupPathsOf(state: StoredState): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const group of state.resources.cgroups) {
    for (const controller of group.controllers) paths[controller] = group.path;
  }
  return paths;
}

/** Adds the markers by name and inode: a file of that name that was there before is not ours. */
export function withMarkers(
  state: StoredState,
  markers: readonly Omit<ReservedMarker, "fd">[],
): StoredState {
  const files = markers.map(({ dir, name, inode }) => ({ dir, name, inode }));
  return {
    ...state,
    resources: {
      ...state.resources,
      files: [...state.resources.files, ...files],
    },
  };
}

/** Notes that hooks run: from now on poststop hooks run at the end. */
export function withPoststop(state: StoredState): StoredState {
  return { ...state, resources: { ...state.resources, poststop: true } };
}

/** What is recorded of a container that runs, in its markers as well. */
export function completeState(
  state: StoredState,
  phase: Phase,
  pid: number,
  markers: readonly ReservedMarker[],
): StoredState {
  const startTime = startTimeOf(pid);
  const network = state.resources.interfaces[0];
  const veth = state.config.networks?.find((net) => net.type === "veth");
  fillMarkers(markers, {
    pid,
    startTime,
    cgroupPaths: cgroupPathsOf(state),
    ...(network && veth && { veth: { host: network.host, child: veth.name } }),
  });
  return {
    ...state,
    phase,
    pid,
    startTime,
  };
}

function follow(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

/**
 * Refuses a root file system that is not there.
 *
 * @throws {ConfigError} `ConfigInvalid`.
 */
export function checkRootfs(rootfs: string): void {
  const found = follow(rootfs);
  if (found?.isDirectory) return;
  const what = found ? "is not a directory" : "does not exist";
  throw new ConfigError(
    `Cannot use rootfs ${rootfs}: it ${what}; make it, or correct "rootfs"`,
    [{ message: `${rootfs} ${what}`, path: "rootfs" }],
  );
}

/**
 * Whether a start failed because another container holds the cgroup name:
 * two may be made from one file. Then `cgroupNameTaken` gives it another name.
 */
export function isNameTaken(error: unknown): boolean {
  return error instanceof KernelError && error.errnoName === "EEXIST" &&
    (error.operation === "cgroup.make" || error.operation === "systemd.scope");
}

/**
 * Starts a container whose state directory is locked and empty.
 *
 * @param locked State directory with its lock held.
 * @param request What to start.
 * @returns The running container; on failure nothing of it is left.
 * @throws {NsinitError} Any of the hierarchy; the first failure.
 */
export async function startContainer(
  locked: LockedState,
  request: StartRequest,
): Promise<Started> {
  try {
    return await STARTS.run(() => start(locked, request));
  } finally {
    if (!request.keepEnds) closeInnerEnds(request.attachment);
  }
}

/**
 * The request as this user can have it carried out: without root a user
 * namespace is added, which is recorded with the rest.
 */
export function settleForUser<T extends SandboxRequest>(
  request: T,
  host: Host,
): T {
  return { ...request, config: addUserNamespace(request.config, host) };
}

async function start(
  locked: LockedState,
  request: StartRequest,
): Promise<Started> {
  const { process } = request;
  return await make(locked, request, {
    phase: "running",
    process,
    plan: (settled, host) => planStart(settled, locked.dir, host),
  });
}

/** How a container is made: by which Plan, and what it is then. */
export interface Making<T extends SandboxRequest> {
  /** Its phase at the end. */
  readonly phase: "running" | "prepared" | "held";
  /** The process that runs or waits then, if one does. */
  readonly process?: ProcessRequest;
  /** Plans it. */
  readonly plan: (request: T, host: Host) => Promise<ReadyStart>;
}

/**
 * Makes a container whose state directory is locked: writes down what will be
 * made, executes the Plan, and on failure takes all of it back.
 *
 * @param locked State directory with its lock held.
 * @param wanted What to make.
 * @param making By which Plan.
 * @returns The finished execution and the record.
 * @throws {NsinitError} Any of the hierarchy; the first failure.
 */
export async function make<T extends SandboxRequest>(
  locked: LockedState,
  wanted: T,
  { phase, process, plan }: Making<T>,
): Promise<Started> {
  const host = wanted.oci ? placeHostBelowOwn(currentHost()) : currentHost();
  const request = settleForUser(wanted, host);
  const names = markersOf(request);
  let state: StoredState | undefined;
  let run: PlanRun | undefined;
  let markers: ReservedMarker[] = [];
  try {
    checkRootfs(request.config.rootfs);
    const start = await plan(request, host);
    state = initialState(request, start);
    // With the process inside made first, one record does.
    const isLater = start.isRecordedFirst &&
      start.plan.parent[0]?.op === "spawn";
    if (!isLater) writeState(locked.dir, state);
    if (names.length > 0) {
      markers = stageMarkers(request.directory ?? "", names);
      state = withMarkers(state, markers);
      writeState(locked.dir, state);
      publishMarkers(markers);
    }
    run = new PlanRun(start.plan, request.fault, start.packed);
    const execution = run;
    const saveState = (): void => {
      const { pid } = execution;
      state = {
        ...completeState(state as StoredState, phase, pid, markers),
        ...(phase === "held" && process && { process }),
      };
      writeState(locked.dir, state);
    };
    await runParent(start.plan, execution, {
      blocking: request.blocking ?? false,
      isAlone: phase === "running" && STARTS.isAlone,
      keepUser: usersIn(request.config.rootfs).keep,
      ...(request.onStep && { onStep: request.onStep }),
      ...(start.isRecordedFirst && { spawned: saveState }),
      beginHooks: () => {
        state = withPoststop(state as StoredState);
        writeState(locked.dir, state);
      },
      handListener: listenerHander(
        process ?? {},
        execution,
        () => listenerFacts(request, execution.pid),
      ),
      saveState,
    });
    return { run: execution, state };
  } catch (error) {
    await fail(error, locked, request, state, run);
    throw error;
  } finally {
    closeMarkers(markers);
  }
}

/** What a seccomp agent is told of a container that starts. */
export function listenerFacts(
  { id, directory, config }: Pick<
    SandboxRequest,
    "id" | "directory" | "config"
  >,
  containerPid: number,
): ContainerFacts {
  return {
    id,
    status: "creating",
    containerPid,
    bundle: directory || config.rootfs,
    labels: config.labels ?? [],
  };
}

/** What counts of a request that cannot be carried out. */
type FailedRequest =
  & Pick<SandboxRequest, "id" | "config" | "reserved" | "blocking">
  & { readonly attachment?: Attachment };

/** A start has failed: takes back what it made, and adds to the error what that says. */
export async function fail(
  error: unknown,
  locked: LockedState,
  request: FailedRequest,
  state: StoredState | undefined,
  run: PlanRun | undefined,
): Promise<void> {
  const { euid } = currentHost();
  // What was known of it may be what has failed.
  forgetHost();
  adviseOnUserNamespace(error, request.config, euid);
  await discard(locked, request, state, run).catch((second) => {
    // The first failure is the one to tell; what is left stays recorded.
    if (error instanceof Error) {
      error.message += leftBehind(request.id, second);
    }
  });
}

/** Words that something could not be removed. */
export function leftBehind(id: string, reason: unknown): string {
  const why = reason instanceof Error ? reason.message : String(reason);
  return `\nIts removal failed too, "nsinit delete --force ${id}" tries again: ${why}`;
}

/** Kills and removes a half-made container; what cannot be removed stays recorded for the next command. */
async function discard(
  locked: LockedState,
  { reserved, blocking = false, attachment }: FailedRequest,
  state: StoredState | undefined,
  run: PlanRun | undefined,
): Promise<void> {
  try {
    if (blocking) run?.abort();
    else await run?.abortAsync();
    if (run && attachment?.stays) {
      const { passOnLastOutput } = await import("./last_output.ts");
      passOnLastOutput(attachment, run);
    }
  } finally {
    run?.close();
    if (!reserved) await removeRemains(locked, state, { blocking });
    else if (state) {
      await removeResources(state, { blocking });
      writeState(locked.dir, reserved);
      await runPoststop(state, { blocking });
    }
  }
}

/**
 * Changes the limits of a container, whether it lives or not.
 *
 * @module
 */
import type { Fault } from "../../ffi/encode_plan.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import type { Cgroup, Config, Resources } from "../config/types.ts";
import { validateConfig } from "../config/validate.ts";
import { KernelError, StateError } from "../errors.ts";
import { probeHost } from "../host/probe.ts";
import { devicePolicy } from "../plan/cgroup/devices.ts";
import { limitWrites } from "../plan/cgroup/limits.ts";
import { mergeResources } from "../plan/cgroup/merge.ts";
import { restoreText } from "../plan/cgroup/restore.ts";
import { planUpdate, type UpdateOp, type UpdatePlan } from "../plan/update.ts";
import { freezerState, pause, resume } from "./freezer.ts";
import { readIfThere } from "./group_files.ts";
import { checkId } from "./identity.ts";
import { hasProcess, isKept, isPrepared, isRunning } from "./phase.ts";
import { settleCreated } from "./recover.ts";
import {
  type LockedState,
  lockState,
  readState,
  unlockState,
  writeState,
} from "./store.ts";
import type { StoredState } from "./store_types.ts";

/**
 * What changes: members, or a function of the limits in force, which is asked
 * under the container's lock, so that nothing comes between.
 */
export type LimitChange =
  | Resources
  | ((current: Resources | undefined) => Resources);

/** How an update is executed. */
export interface UpdateOptions {
  /** For tests: an operation that fails, counted over limits and device rules. */
  readonly fault?: Fault;
}

/** Steps back, last one first. */
type Journal = (() => Promise<void>)[];

async function execute(ops: readonly UpdateOp[], fault?: Fault): Promise<void> {
  const run = new PlanRun({ parent: ops, child: [], undo: [] }, fault);
  try {
    await run.parentAsync(0, ops.length);
  } finally {
    run.close();
  }
}

/** The write that undoes another, from what the file says now; undefined for files that cannot be read. */
function stepBack(op: UpdateOp): UpdateOp | undefined {
  // A controller that was enabled for the group stays: it limits nothing by itself.
  if (op.op !== "cgroup.write") return undefined;
  const { path, file, value } = op;
  let before: string | undefined;
  try {
    before = readIfThere(`${path}/${file}`);
  } catch (error) {
    // Files that only take orders, such as memory.reclaim, have nothing to go back to.
    if (!(error instanceof KernelError)) throw error;
  }
  if (before === undefined) return undefined;
  return { ...op, flags: 0, value: restoreText(file, value, before) };
}

/** The failure of one operation, by the name of its limit. */
function failureOf(id: string, op: UpdateOp, error: unknown): unknown {
  if (!(error instanceof KernelError)) return error;
  const { errno, errnoName } = error;
  const limit = op.note ?? "the controllers";
  // What version 1 says to a limit below the memory that cannot be taken back.
  const advice = errnoName === "EBUSY" && limit.startsWith("memory")
    ? "; the container uses more than that"
    : "";
  return new KernelError(
    `Cannot change ${limit} of container ${id}: ${error.message}${advice}`,
    {
      errno,
      errnoName,
      operation: op.op,
      cause: error,
      context: { id, limit },
    },
  );
}

/** Executes operations one by one, noting down how to go back. */
async function applyOps(
  id: string,
  ops: readonly UpdateOp[],
  journal: Journal,
  faultIndex: number | undefined,
  fault: Fault | undefined,
): Promise<void> {
  for (const [index, op] of ops.entries()) {
    const back = stepBack(op);
    try {
      await execute(
        [op],
        fault && index === faultIndex ? { ...fault, index: 0 } : undefined,
      );
    } catch (error) {
      throw failureOf(id, op, error);
    }
    if (back) journal.push(() => execute([back]));
  }
}

/** Changes the device rules; what would be open for a moment meets nobody who runs. */
async function applyDevices(
  state: StoredState,
  { devices }: UpdatePlan,
  journal: Journal,
  change: (journal: Journal) => Promise<void>,
): Promise<void> {
  const { ops, back, needsPause } = devices;
  if (ops.length === 0) return;
  // In a sandbox that waits nothing runs, nor can a start begin meanwhile.
  const pauses = needsPause && isRunning(state) &&
    freezerState(state) === "thawed";
  if (pauses) await pause(state);
  try {
    await change([]);
    journal.push(() => execute(back));
  } catch (error) {
    await execute(back);
    throw error;
  } finally {
    if (pauses) await resume(state);
  }
}

async function applyFreezer(
  state: StoredState,
  wanted: UpdatePlan["freezer"],
  journal: Journal,
): Promise<void> {
  const isFrozen = freezerState(state) !== "thawed";
  if (wanted === undefined || (wanted === "FROZEN") === isFrozen) return;
  const [there, back] = isFrozen ? [resume, pause] : [pause, resume];
  await there(state);
  journal.push(() => back(state));
}

/** Goes back; the first failure stays the one to tell. */
async function rollBack(journal: Journal, error: unknown): Promise<void> {
  for (const step of journal.toReversed()) {
    try {
      await step();
    } catch (second) {
      if (!(error instanceof Error)) continue;
      const why = second instanceof Error ? second.message : String(second);
      error.message += `\nAn earlier value could not be put back: ${why}`;
    }
  }
}

/** What is recorded afterwards. */
function withResources(state: StoredState, cgroups: Cgroup): StoredState {
  const config: Config = { ...state.config, cgroups };
  return { ...state, config };
}

/** Properties by which systemd learns of operations. */
async function propertiesOf(
  ops: readonly (UpdateOp | undefined)[],
): Promise<string[]> {
  const { systemdProperties } = await import(
    "../plan/cgroup/systemd_properties.ts"
  );
  return systemdProperties(
    ops.filter((op) => op?.op === "cgroup.write"),
  );
}

/**
 * Tells systemd first, which writes the files that it knows at once and again
 * later; those that it does not know are written after that.
 */
async function applyScope(
  { resources, config }: StoredState,
  { limits, devices, next }: UpdatePlan,
  journal: Journal,
): Promise<void> {
  const { scope } = resources;
  if (!scope) return;
  const { changeScope } = await import("./scope.ts");
  const isV1 = devices.ops.some(({ op }) => op === "cgroup.write");
  const { deviceProperties } = await import(
    "../plan/cgroup/systemd_properties.ts"
  );
  const rules = (cgroups: Resources): string[] =>
    isV1 ? deviceProperties(devicePolicy(cgroups)) : [];
  const there = [...await propertiesOf(limits), ...rules(next)];
  const back = [
    ...await propertiesOf(limits.map(stepBack)),
    ...rules(config.cgroups ?? { allowAllDevices: true }),
  ];
  await changeScope(scope, there);
  journal.push(() => changeScope(scope, back));
}

async function updateRunning(
  locked: LockedState,
  state: StoredState,
  resources: Resources,
  { fault }: UpdateOptions,
): Promise<StoredState> {
  const { id, config } = state;
  const plan = planUpdate(
    {
      id,
      groups: state.resources.cgroups,
      isScope: state.resources.scope !== undefined,
      ...(config.cgroups && { cgroups: config.cgroups }),
    },
    resources,
    probeHost(),
  );
  const { limits, devices } = plan;
  const updated = withResources(state, plan.next);
  const journal: Journal = [];
  try {
    await applyScope(state, plan, journal);
    await applyOps(id, limits, journal, fault?.index, fault);
    const rest = fault && fault.index - limits.length;
    await applyDevices(
      state,
      plan,
      journal,
      (steps) => applyOps(id, devices.ops, steps, rest, fault),
    );
    await applyFreezer(state, plan.freezer, journal);
    writeState(locked.dir, updated);
  } catch (error) {
    await rollBack(journal, error);
    throw error;
  }
  return updated;
}

/** Checks what a container that does not run would get when it is started, and records it. */
function updateRecord(
  locked: LockedState,
  state: StoredState,
  next: Cgroup,
): StoredState {
  limitWrites(next, probeHost());
  devicePolicy(next);
  const updated = withResources(state, next);
  writeState(locked.dir, updated);
  return updated;
}

async function updateLocked(
  locked: LockedState,
  id: string,
  change: LimitChange,
  options: UpdateOptions,
): Promise<StoredState> {
  const state = await readState(locked.dir);
  if (!state) throw notThere(id);
  const resources = typeof change === "function"
    ? change(state.config.cgroups)
    : change;
  const { next } = mergeResources(state.config.cgroups, resources);
  validateConfig({ ...state.config, cgroups: next });
  // What waits in a sandbox would wait for ever if it were frozen.
  if (state.phase === "prepared" && resources.freezer) {
    return updateRecord(locked, await settleCreated(locked, state), next);
  }
  if (hasProcess(state) || isPrepared(state)) {
    return await updateRunning(locked, state, resources, options);
  }
  if (isKept(state)) return updateRecord(locked, state, next);
  throw new StateError(
    "ContainerNotRunning",
    `Cannot change the limits of container ${id}: container is not running`,
    { context: { id } },
  );
}

function notThere(id: string): StateError {
  return new StateError(
    "ContainerNotExists",
    `Cannot change the limits of container ${id}: container does not exist`,
    { context: { id } },
  );
}

/**
 * Changes the limits of a container.
 *
 * Only members that are given change; 0 and empty texts count as not given, -1
 * lifts a limit, a list replaces the one before. All values are checked before
 * anything is written. When the kernel refuses one, those that were written are
 * put back and nothing is recorded. The new limits are recorded under the
 * container's lock, so that joins, later starts and other programs see them.
 *
 * A container that does not run gets them when it is started.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @param change What changes.
 * @param options For tests.
 * @returns The new record.
 * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
 * @throws {HostError} `HostUnsupported` for limits that this host cannot keep.
 * @throws {KernelError} `SystemError` if the kernel refuses; the message names the limit.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`, `InvalidIdFormat`.
 *
 * @example
 * ```ts ignore
 * await updateContainer("/run/nsinit", "demo", { memory: 64 << 20, pidsLimit: 50 });
 * ```
 */
export async function updateContainer(
  stateRoot: string,
  id: string,
  change: LimitChange,
  options: UpdateOptions = {},
): Promise<StoredState> {
  const locked = await lockState(stateRoot, checkId(id), { make: false });
  if (!locked) throw notThere(id);
  try {
    return await updateLocked(locked, id, change, options);
  } finally {
    unlockState(locked);
  }
}

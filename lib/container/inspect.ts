/**
 * Looks into one container.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { checkId } from "./identity.ts";
import { summarize } from "./list.ts";
import { pidsOf } from "./processes.ts";
import { isRunning } from "./phase.ts";
import { readState, stateDirectory } from "./store.ts";
import type { Phase, StoredState } from "./store_types.ts";

/** Words that there is no such container. */
export function notThere(id: string): StateError {
  return new StateError(
    "ContainerNotExists",
    `Cannot find container ${id}: container does not exist (nsinit list shows those that do)`,
    { context: { id } },
  );
}

/**
 * Loads a container's recorded state.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns Its state.
 * @throws {StateError} `ContainerNotExists` if there is none, `InvalidIdFormat` for a bad id.
 *
 * @example
 * ```ts ignore
 * const state = await loadState("/run/nsinit", "demo");
 * ```
 */
export async function loadState(
  stateRoot: string,
  id: string,
): Promise<StoredState> {
  const state = await readState(stateDirectory(stateRoot, checkId(id)));
  if (state) return state;
  throw notThere(id);
}

/** Phases before the first process runs. */
const UNUSED: ReadonlySet<Phase> = new Set<Phase>(
  ["created", "prepared", "held"],
);

/** Words why there is nothing to do it with. */
export function notRunning(id: string, state: StoredState): StateError {
  const why = UNUSED.has(state.phase)
    ? "it has not been started yet"
    : "container is not running";
  return new StateError(
    "ContainerNotRunning",
    `Cannot use container ${id}: ${why}`,
    { context: { id } },
  );
}

/** Loads a container that lives. */
export async function loadRunning(
  stateRoot: string,
  id: string,
): Promise<StoredState> {
  const state = await loadState(stateRoot, id);
  if (isRunning(state)) return state;
  throw notRunning(id, state);
}

const NAMESPACE_FILES: Readonly<Record<string, string>> = {
  NEWNET: "net",
  NEWPID: "pid",
  NEWNS: "mnt",
  NEWUTS: "uts",
  NEWIPC: "ipc",
  NEWUSER: "user",
};

/** Files of namespaces that came after the original; told of where the container has its own. */
const LATER_NAMESPACE_FILES: Readonly<Record<string, string>> = {
  NEWCGROUP: "cgroup",
  NEWTIME: "time",
};

/** Paths of the cgroups of a recorded container by controller. */
export function cgroupPathsOf(state: StoredState): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const group of state.resources.cgroups) {
    for (const controller of group.controllers) paths[controller] = group.path;
    if (group.version === 2) paths["unified"] = group.path;
  }
  return paths;
}

/**
 * Files of the namespaces that a process of the container is in, shared ones
 * included; none where no first process lives.
 */
export function namespacePathsOf(state: StoredState): Record<string, string> {
  if (!isRunning(state)) return {};
  const files = { ...NAMESPACE_FILES };
  for (const [type, file] of Object.entries(LATER_NAMESPACE_FILES)) {
    if (state.namespaces.some((own) => own === type)) files[type] = file;
  }
  return Object.fromEntries(
    Object.entries(files).map(([type, file]) => [
      type,
      `/proc/${state.pid}/ns/${file}`,
    ]),
  );
}

/**
 * A container's state as libcontainer's `nsinit state` printed it, with its
 * status.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns JSON-able object.
 * @throws {StateError} `ContainerNotExists` if there is none.
 */
export async function stateOf(
  stateRoot: string,
  id: string,
): Promise<Record<string, unknown>> {
  const { toContainerJson } = await import(
    "../config/write_container_json.ts"
  );
  const state = await loadState(stateRoot, id);
  const { status, pid } = summarize(state);
  return {
    id: state.id,
    status,
    init_process_pid: pid,
    init_process_start: pid === 0 ? "" : state.startTime,
    created: state.created,
    directory: state.directory,
    cgroup_paths: cgroupPathsOf(state),
    namespace_paths: namespacePathsOf(state),
    ...(state.exit && { exit: state.exit }),
    config: toContainerJson(state.config, () => {}),
  };
}

/**
 * Host pids of all processes of a container.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns Pids, sorted.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`.
 */
export async function processesOf(
  stateRoot: string,
  id: string,
): Promise<number[]> {
  return pidsOf(await loadRunning(stateRoot, id));
}

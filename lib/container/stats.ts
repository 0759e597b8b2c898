/**
 * What a container uses now, read from its control groups and its network
 * namespace.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import { blkioStats } from "../stats/blkio.ts";
import { cpuStats } from "../stats/cpu.ts";
import { memoryStats } from "../stats/memory.ts";
import { parseNetDev } from "../stats/network.ts";
import type { GroupFiles } from "../stats/numbers.ts";
import {
  cpusetStats,
  hugetlbStats,
  pidsStats,
  rdmaStats,
} from "../stats/small.ts";
import type { InterfaceStats, Stats } from "../stats/types.ts";
import { readIfThere, readQuickly } from "./group_files.ts";
import { loadRunning } from "./inspect.ts";
import { hasProcess } from "./phase.ts";
import type { StoredState } from "./store_types.ts";

function notRunning(id: string): StateError {
  return new StateError(
    "ContainerNotRunning",
    `Cannot read the statistics of container ${id}: container is not running`,
    { context: { id } },
  );
}

function namesIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // the container has ended
    throw error;
  }
}

/** Names of files by the version of their hierarchy. */
export type FileNames = Readonly<Record<1 | 2, ReadonlySet<string>>>;

/** A group of which only some files are read. */
function someFilesOf(group: ResourceCgroup, only: FileNames): GroupFiles {
  const { version, path } = group;
  return {
    version,
    path,
    read: (name) =>
      only[version].has(name) ? readQuickly(`${path}/${name}`) : undefined,
    names: () => [],
  };
}

function filesOf(group: ResourceCgroup): GroupFiles {
  const { version, path } = group;
  // Half of the files that are asked for are not there: one look tells which.
  const names = namesIn(path);
  const known = new Set(names);
  return {
    version,
    path,
    read: (name) =>
      known.has(name) ? readIfThere(`${path}/${name}`) : undefined,
    names: () => names,
  };
}

/** Interfaces of the container's own network namespace. */
function interfacesOf(
  state: StoredState,
  read: typeof readIfThere,
): InterfaceStats[] | undefined {
  // Otherwise they would be those of the host.
  if (!state.namespaces.includes("NEWNET")) return undefined;
  const path = `/proc/${state.pid}/net/dev`;
  const text = read(path);
  return text === undefined ? undefined : parseNetDev(text, path);
}

/**
 * Reads the statistics of a container.
 *
 * The files are small and made by the kernel as they are read, about forty of
 * them: reading them at once takes less of the event loop than handing each to
 * a thread would.
 *
 * @param state Its recorded state.
 * @param only Files that are read, where not all are wanted; what other files tell is absent or 0.
 * @returns What the kernel counts; members of missing controllers are absent.
 * @throws {StateError} `ContainerNotRunning` if it has ended.
 * @throws {KernelError} `SystemError` if a file cannot be read, or (EBADMSG) is malformed.
 *
 * @example
 * ```ts ignore
 * const { memory, cpu } = collectStats(state);
 * console.log(memory?.usage.usage, cpu?.usage?.total);
 * ```
 */
export function collectStats(state: StoredState, only?: FileNames): Stats {
  if (!hasProcess(state)) throw notRunning(state.id);
  const { cgroups } = state.resources;
  const read = (group: ResourceCgroup): GroupFiles =>
    only ? someFilesOf(group, only) : filesOf(group);
  const groupOf = (controller: string): GroupFiles | undefined => {
    const group = cgroups.find(({ version, controllers }) =>
      version === 1 && controllers.includes(controller)
    );
    return group && read(group);
  };
  const v2 = cgroups.find(({ version }) => version === 2);
  const unified = v2 && read(v2);
  const either = <T>(
    controller: string,
    count: (files: GroupFiles) => T | undefined,
  ): T | undefined => {
    const own = groupOf(controller);
    return (own && count(own)) ?? (unified && count(unified));
  };
  const members = {
    time: Date.now(),
    cpu: cpuStats({
      cpuacct: groupOf("cpuacct"),
      cpu: groupOf("cpu"),
      unified,
    }),
    cpuset: either("cpuset", cpusetStats),
    memory: memoryStats(groupOf("memory"), unified),
    blkio: blkioStats(groupOf("blkio"), unified),
    hugetlb: either("hugetlb", hugetlbStats),
    pids: either("pids", pidsStats),
    rdma: either("rdma", rdmaStats),
    interfaces: interfacesOf(state, only ? readQuickly : readIfThere),
  };
  // What vanished while it was read would look like a missing controller, and
  // its pid may by now be that of a stranger.
  if (!hasProcess(state)) throw notRunning(state.id);
  return present(members);
}

/** Leaves out what there is not. */
function present(
  members: { readonly [Name in keyof Stats]: Stats[Name] | undefined } & {
    readonly time: number;
  },
): Stats {
  const entries = Object.entries(members)
    .filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(entries), time: members.time };
}

/**
 * Reads the statistics of a container of a state root.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @returns What the kernel counts.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`.
 * @throws {KernelError} `SystemError` if a file cannot be read or is malformed.
 */
export async function statsOf(stateRoot: string, id: string): Promise<Stats> {
  return collectStats(await loadRunning(stateRoot, id));
}

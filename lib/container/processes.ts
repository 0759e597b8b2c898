/**
 * Which processes a container has.
 *
 * @module
 */
import { closeFd, openDirectory } from "../../ffi/native.ts";
import { KernelError } from "../errors.ts";
import { pidsOfNamespace } from "./namespace_processes.ts";
import { readIfThere } from "./group_files.ts";
import type { StoredState } from "./store_types.ts";

function directoriesIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `${path}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // removed meanwhile
    throw error;
  }
}

/** A path and a name may have 4096 bytes together, and groups be as deep as somebody likes. */
const LONG_PATH = 2048;

/** Opens a group; undefined when it has been removed. */
function openGroup(path: string): number | undefined {
  try {
    return openDirectory(path);
  } catch (error) {
    if (error instanceof KernelError && error.errnoName === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/**
 * A group and all below it, each before those that it holds. Paths are good
 * until the next one is asked for.
 */
export function* groupTree(path: string): Generator<string> {
  yield path;
  for (const below of directoriesIn(path)) {
    if (below.length < LONG_PATH) {
      yield* groupTree(below);
      continue;
    }
    const fd = openGroup(below);
    if (fd === undefined) continue;
    try {
      yield* groupTree(`/proc/self/fd/${fd}`);
    } finally {
      closeFd(fd);
    }
  }
}

/**
 * Host pids in a cgroup and those below it.
 *
 * @param path Directory of the group.
 * @returns Pids in ascending order; processes of pid namespaces that cannot be
 * seen from here have none.
 * @throws {KernelError} `SystemError` if the kernel refuses to tell.
 *
 * @example
 * ```ts ignore
 * console.log(pidsOfGroup("/sys/fs/cgroup/nsinit/demo"));
 * ```
 */
export function pidsOfGroup(path: string): number[] {
  const pids = new Set<number>();
  for (const group of groupTree(path)) {
    // A threaded group of version 2 has no such list: the one above it does.
    const text = readIfThere(`${group}/cgroup.procs`) ?? "";
    for (const line of text.split("\n")) {
      if (line !== "" && line !== "0") pids.add(Number(line));
    }
  }
  return [...pids].sort((a, b) => a - b);
}

/**
 * Host pids of all processes of a container, groups below its own included.
 *
 * @param state Recorded state of a container that runs.
 * @returns Pids in ascending order.
 * @throws {KernelError} `SystemError` if the kernel refuses to tell.
 */
export function pidsOf(state: StoredState): number[] {
  const { cgroups } = state.resources;
  // The group through which its processes are killed.
  const group = cgroups.find(({ version }) => version === 2) ??
    cgroups.find(({ controllers }) => controllers.includes("freezer")) ??
    cgroups[0];
  return group ? pidsOfGroup(group.path) : pidsOfNamespace(state.pid);
}

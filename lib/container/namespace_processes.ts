/**
 * Processes of a container that has no cgroup: its pid namespace holds them.
 *
 * @module
 */
import { closeFd, signalPidfd } from "../../ffi/native.ts";
import { StateError } from "../errors.ts";
import { bootId, isAlive, openProcess } from "./liveness.ts";
import type { StoredState } from "./store_types.ts";
import { sleep } from "../pause.ts";

const SIGKILL = 9;
const KILL_TIMEOUT_MS = 10_000;
const POLL_MS = 2;

/** The pid namespace of a process; undefined when it is gone or another user's. */
function namespaceOf(pid: number): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

/** Parent of a process; 0 when it is gone. */
function parentOf(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The command name may hold anything: fields follow the last parenthesis.
    const [, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(ppid ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return 0;
  }
}

/**
 * Finds the processes of a pid namespace and those below it, in namespaces of
 * their own.
 *
 * Looks at every process of the host, so it is not for starting anything.
 *
 * @param first Host pid of the namespace's first process.
 * @returns Host pids, sorted; `first` alone when its namespace cannot be seen.
 *
 * @example
 * ```ts
 * import { pidsOfNamespace } from "./namespace_processes.ts";
 *
 * if (!pidsOfNamespace(Deno.pid).includes(Deno.pid)) throw new Error("lost");
 * ```
 */
export function pidsOfNamespace(first: number): number[] {
  const namespace = namespaceOf(first);
  if (namespace === undefined) return [first];
  const all = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => pid > 0);
  const found = new Set(all.filter((pid) => namespaceOf(pid) === namespace));
  const parents = new Map(all.map((pid) => [pid, parentOf(pid)]));
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].sort((a, b) => a - b);
}

/**
 * Kills a container that has no cgroup: with its first process the kernel ends
 * all others of its pid namespace. One that is dead already is no error.
 *
 * @param state Its state.
 * @throws {StateError} `ContainerNotStopped` if it does not end.
 */
export async function killNamespace(state: StoredState): Promise<void> {
  if (state.resources.cgroups.length > 0 || state.bootId !== bootId()) return;
  const pidfd = openProcess(state);
  if (pidfd === undefined) return;
  try {
    signalPidfd(pidfd, SIGKILL);
  } finally {
    closeFd(pidfd);
  }
  for (const end = Date.now() + KILL_TIMEOUT_MS; isAlive(state);) {
    if (Date.now() > end) {
      throw new StateError(
        "ContainerNotStopped",
        `Cannot end container ${state.id}: process ${state.pid} does not die; it may wait for a device or a file system`,
      );
    }
    await sleep(POLL_MS);
  }
}

/**
 * Statistics of a container, again and again until it ends.
 *
 * @module
 */
import { poller } from "../../ffi/poller.ts";
import type { Stats } from "../stats/types.ts";
import { openProcess } from "./liveness.ts";
import { hasProcess } from "./phase.ts";
import { collectStats } from "./stats.ts";
import type { StoredState } from "./store_types.ts";

/** A sleep that the end of a process cuts short. */
class Sleeper {
  readonly #pidfd: number;
  #isOver = false;
  #wake: () => void = () => {};

  /** Takes over a pidfd. */
  constructor(pidfd: number) {
    this.#pidfd = pidfd;
    const watch = poller.watch(pidfd, "read", () => {
      watch.stop();
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Sleeps; false when the process has ended. */
  async sleep(ms: number): Promise<boolean> {
    if (this.#isOver) return false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    return !this.#isOver;
  }

  close(): void {
    poller.close(this.#pidfd);
  }
}

/**
 * Reads the statistics of a container now, and then at an interval until its
 * first process has ended. What is late is left out, not caught up with.
 *
 * @param state Its recorded state.
 * @param intervalMs Milliseconds between two readings.
 * @returns The readings; ends with the container.
 * @throws {StateError} `ContainerNotRunning` if it does not run at the beginning.
 * @throws {KernelError} `SystemError` if a file cannot be read or is malformed.
 *
 * @example
 * ```ts ignore
 * for await (const { pids } of watchStats(state, 1000)) console.log(pids?.current);
 * ```
 */
export async function* watchStats(
  state: StoredState,
  intervalMs: number,
): AsyncGenerator<Stats, void, void> {
  yield collectStats(state);
  const pidfd = openProcess(state);
  if (pidfd === undefined) return;
  const sleeper = new Sleeper(pidfd);
  try {
    let next = performance.now() + intervalMs;
    while (await sleeper.sleep(Math.max(next - performance.now(), 0))) {
      const stats = statsUnlessEnded(state);
      if (stats === undefined) return;
      yield stats;
      next = Math.max(next + intervalMs, performance.now());
    }
  } finally {
    sleeper.close();
  }
}

function statsUnlessEnded(state: StoredState): Stats | undefined {
  try {
    return collectStats(state);
  } catch (error) {
    if (!hasProcess(state)) return undefined;
    throw error;
  }
}

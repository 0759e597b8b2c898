/**
 * Many containers that live at once.
 *
 * @module
 */
import type { Container, Factory, Process } from "../mod.ts";
import { type Bench, freshId, placeOf, WAITING } from "./bench.ts";
import { benchConfig } from "./config.ts";

const IN_FLIGHT = 4;

/** A container with its first process, which waits until it is killed. */
export interface Live {
  /** The container. */
  readonly container: Container;
  /** Its first process. */
  readonly process: Process;
}

async function inFlight(
  count: number,
  action: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

/**
 * Starts more containers.
 *
 * @param bench The run.
 * @param factory Where their states are.
 * @param all Those that live; the new ones are added.
 * @param count How many there shall be.
 */
export async function liveUpTo(
  bench: Bench,
  factory: Factory,
  all: Live[],
  count: number,
): Promise<void> {
  const config = benchConfig(placeOf(bench), WAITING);
  await inFlight(count - all.length, async () => {
    bench.signal.throwIfAborted();
    const container = await factory.create(freshId("live"), config);
    const process = await container.start({ args: WAITING });
    all.push({ container, process });
  });
}

/**
 * Destroys all.
 *
 * @param all Those that live; empty afterwards.
 */
export async function endAll(all: Live[]): Promise<void> {
  const ending = all.splice(0);
  await inFlight(ending.length, async (index) => {
    await ending[index]?.container.destroy({ force: true });
  });
}

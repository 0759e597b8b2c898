/**
 * What follows a dump that ended the container.
 *
 * @module
 */
import { replaceFile } from "../../ffi/native.ts";
import type { ImageDirectory } from "./images.ts";
import { isAlive } from "./liveness.ts";
import { ownerLives } from "./phase.ts";
import { dumpedFile, removeResources, runPoststop } from "./recover.ts";
import { writeState } from "./store.ts";
import { NO_RESOURCES, type StoredState } from "./store_types.ts";
import { sleep } from "../pause.ts";

const EMPTY = new Uint8Array();

/** What has been dumped. */
export interface Dumped {
  /** The container. */
  readonly state: StoredState;
  /** Its state directory, locked. */
  readonly stateDir: string;
  /** Where the images are. */
  readonly images: ImageDirectory;
}

/** Waits for what CRIU has killed to be gone. */
async function untilDead(state: StoredState): Promise<void> {
  const end = Date.now() + 10_000;
  while (isAlive(state) && Date.now() < end) {
    await sleep(5);
  }
}

/** How long the pids of what CRIU has killed are waited for, in milliseconds. */
const REAP_MS = 5000;

/**
 * Waits until the parents of a container's processes have taken notice of their
 * ends: without a pid namespace of its own they come back with the same pids.
 */
async function untilReaped(
  { namespaces }: StoredState,
  pids: readonly number[],
): Promise<void> {
  if (namespaces.includes("NEWPID")) return;
  const end = Date.now() + REAP_MS;
  const isThere = (pid: number): Promise<boolean> =>
    Deno.stat(`/proc/${pid}`).then(() => true, () => false);
  for (const pid of pids) {
    while (await isThere(pid) && Date.now() < end) {
      await sleep(20);
    }
  }
}

/**
 * Takes away what the container had outside, and records where its processes are.
 *
 * @param dumped The container and its images.
 * @param pids The processes that it had.
 */
export async function settleCheckpointed(
  { state, stateDir, images }: Dumped,
  pids: readonly number[],
): Promise<void> {
  await untilDead(state);
  await removeResources(state);
  await untilReaped(state, pids);
  const { exit: _, ...rest } = state;
  writeState(stateDir, {
    ...rest,
    phase: "checkpointed",
    resources: NO_RESOURCES,
    images: images.path,
  });
  await runPoststop(state);
}

/** The one that watches the container is told that nothing is left to it. */
export class MonitorNote {
  readonly #name: string | undefined;

  /** For the container of a state directory. */
  constructor(readonly dir: string, state: StoredState) {
    const hasMonitor = !state.kept && ownerLives(state);
    this.#name = hasMonitor ? dumpedFile(state) : undefined;
  }

  /** Leaves the note, if there is one who watches. */
  write(): void {
    if (this.#name === undefined) return;
    replaceFile(this.dir, this.#name, EMPTY, { mode: 0o600 });
  }

  /** Takes it back, where the dump has failed after all. */
  async remove(): Promise<void> {
    if (this.#name === undefined) return;
    await Deno.remove(`${this.dir}/${this.#name}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

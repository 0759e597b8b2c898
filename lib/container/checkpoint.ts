/**
 * Writes the processes of a container into images, by CRIU.
 *
 * @module
 */
import { checkId } from "./identity.ts";
import { notRunning, notThere } from "./inspect.ts";
import type { DumpTuning } from "./criu_tuning.ts";
import { dump } from "./dump.ts";
import {
  checkOutside,
  discardImages,
  type DumpChoices,
  type ImageDirectory,
  makeImageDirectory,
} from "./images.ts";
import { isRunning } from "./phase.ts";
import { lockState, readState, unlockState } from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** How a container is checkpointed. */
export interface CheckpointOptions extends DumpChoices {
  /** Directory of the images; made if it is missing, one level. */
  readonly imagePath: string;
  /** Directory of the log; that of the images unless given. */
  readonly workPath?: string;
  /** The container goes on. */
  readonly leaveRunning?: boolean;
  /** Memory goes to a `criu page-server` there instead of into the images. */
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** Only memory is written, and the container goes on: a later checkpoint takes what has changed since. */
  readonly preDump?: boolean;
  /** Images of an earlier pre-dump: relative to the images, or absolute. */
  readonly parentPath?: string;
  /** Memory is served to a restore elsewhere when that needs it. */
  readonly lazyPages?: boolean;
}

/** A checkpoint to be made. */
export interface CheckpointRequest extends CheckpointOptions {
  /** How CRIU goes about it. */
  readonly tuning?: DumpTuning;
  /** CRIU; the one of PATH unless given. */
  readonly criu?: string;
  /** Told how many bytes of memory are written. */
  readonly onProgress?: (bytes: number) => void;
  /** Told what is being done. */
  readonly onDebug?: (line: string) => void;
}

async function checkpointLocked(
  state: StoredState,
  stateDir: string,
  options: CheckpointRequest,
): Promise<void> {
  const images = await makeImageDirectory(options.imagePath);
  let work: ImageDirectory | undefined;
  try {
    checkOutside(images.path, state.config.rootfs);
    work = options.workPath === undefined
      ? undefined
      : await makeImageDirectory(options.workPath);
    await dump({ state, stateDir, images, work, options });
  } catch (error) {
    await discardImages(images);
    throw error;
  }
}

/**
 * Checkpoints a container. Unless it is to go on it has no processes then, and
 * its state is `checkpointed`.
 *
 * A checkpoint that fails leaves the container as it was, and no images.
 *
 * @param stateRoot State root.
 * @param id Container id.
 * @param options Where to, and what to take along.
 * @param created Time of creation, to tell it from a later one of the same id.
 * @throws {StateError} `ContainerNotExists`, `ContainerNotRunning`.
 * @throws {HostError} `HostUnsupported` if CRIU is missing or too old, or cannot do what is asked for here.
 * @throws {CriuError} `CriuFailed` if CRIU fails.
 *
 * @example
 * ```ts ignore
 * await checkpointContainer("/run/nsinit", "demo", { imagePath: "/var/lib/demo.images" });
 * ```
 */
export async function checkpointContainer(
  stateRoot: string,
  id: string,
  options: CheckpointRequest,
  created?: string,
): Promise<void> {
  const locked = await lockState(stateRoot, checkId(id), { make: false });
  if (!locked) throw notThere(id);
  try {
    const state = await readState(locked.dir);
    if (!state || (created !== undefined && state.created !== created)) {
      throw notThere(id);
    }
    if (!isRunning(state)) throw notRunning(id, state);
    await checkpointLocked(state, locked.dir, options);
  } finally {
    unlockState(locked);
  }
}

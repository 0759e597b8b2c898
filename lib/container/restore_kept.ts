/**
 * Restores into a container that was created, or has been checkpointed or
 * stopped.
 *
 * @module
 */
import { StateError, UsageError } from "../errors.ts";
import type { Attachment } from "./attach.ts";
import { type DumpChoices, type Images, openImages } from "./images.ts";
import { notThere } from "./inspect.ts";
import { isKept, isRunning } from "./phase.ts";
import { removeRemains, settleStopped } from "./recover.ts";
import { restoreLocked } from "./restore.ts";
import type { Restored } from "./restore_types.ts";
import { lockState, readState, unlockState } from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** How a container is restored. */
export interface RestoreOptions extends DumpChoices {
  /** Directory of the images; that of its last checkpoint unless given. */
  readonly imagePath?: string;
  /** Directory of the log; that of the images unless given. */
  readonly workPath?: string;
  /** Memory is fetched by `criu lazy-pages` when it is used. */
  readonly lazyPages?: boolean;
}

/** What a program of the library needs besides. */
export interface KeptRestore {
  /** Time of creation, to tell the container from a later one of the same id. */
  readonly created: string;
  /** How it is restored. */
  readonly options: RestoreOptions;
  /** CRIU; the one of PATH unless given. */
  readonly criu?: string;
  /** Makes the streams, once it is known whether it has a terminal. */
  readonly attach: (images: Images) => Attachment;
}

/** Words that a container cannot be restored into while it runs. */
export function runsAlready(id: string): StateError {
  return new StateError(
    "ContainerNotStopped",
    `Cannot restore container ${id}: it runs; kill it first, or restore under another id`,
    { context: { id } },
  );
}

/**
 * Opens the images that are meant.
 *
 * @param id Container id.
 * @param given Their directory, when it is given.
 * @param state What is recorded of the container.
 * @returns The images.
 * @throws {UsageError} `UsageInvalid` if it is not known where they are.
 */
export async function findImages(
  id: string,
  given: string | undefined,
  state: StoredState | undefined,
): Promise<Images> {
  const path = given ?? state?.images;
  if (path !== undefined) return await openImages(path);
  throw new UsageError(
    `Cannot restore container ${id}: it has not been checkpointed; name the directory of its images (--image-path)`,
  );
}

/**
 * Restores into a container of the library.
 *
 * @param stateRoot State root.
 * @param id Its id.
 * @param request From where, with which streams.
 * @returns The container, running.
 * @throws {StateError} `ContainerNotExists`; `ContainerNotStopped` if it runs.
 * @throws {NsinitError} What {@linkcode restoreLocked} throws.
 *
 * @example
 * ```ts ignore
 * const { pidfd } = await restoreKept("/run/nsinit", "demo", { created, options, attach });
 * ```
 */
export async function restoreKept(
  stateRoot: string,
  id: string,
  { created, options, criu, attach }: KeptRestore,
): Promise<Restored> {
  const locked = await lockState(stateRoot, id, { make: false });
  if (!locked) throw notThere(id);
  try {
    const state = await readState(locked.dir);
    if (state?.created !== created) throw notThere(id);
    if (isRunning(state)) throw runsAlready(id);
    if (!isKept(state)) {
      await removeRemains(locked, state);
      throw notThere(id);
    }
    const hasEnded = state.phase === "running" || state.phase === "creating";
    const reserved = hasEnded
      ? await settleStopped(locked, state, undefined)
      : state;
    const { imagePath, workPath, lazyPages, ...choices } = options;
    const images = await findImages(id, imagePath, reserved);
    const { config, directory, cgroupDriver } = reserved;
    return await restoreLocked(locked, {
      id,
      images,
      config,
      ...(directory !== "" && { directory }),
      attachment: attach(images),
      choices,
      reserved,
      keep: true,
      ...(workPath !== undefined && { workPath }),
      ...(lazyPages && { lazyPages }),
      ...(criu !== undefined && { criu }),
      ...(cgroupDriver && { cgroupDriver }),
    });
  } finally {
    unlockState(locked);
  }
}

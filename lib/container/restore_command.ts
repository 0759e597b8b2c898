/**
 * `nsinit restore`: brings a container back in a directory, and watches it.
 *
 * @module
 */
import {
  closeFd,
  holdSignals,
  releaseSignals,
  replaceFile,
} from "../../ffi/native.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../errors.ts";
import { attachStdio, closeRelay, monitorProcess } from "./attach.ts";
import { checkId, deriveId } from "./identity.ts";
import type { DumpChoices, Images } from "./images.ts";
import { isKept, isRunning } from "./phase.ts";
import { memoryIn } from "./memory_progress.ts";
import { dumpedFile, removeRemains, settleStopped, undoOf } from "./recover.ts";
import { restoreLocked } from "./restore.ts";
import { findImages, runsAlready } from "./restore_kept.ts";
import { movedConfig } from "./restore_mounts.ts";
import type { Restored } from "./restore_types.ts";
import {
  type LockedState,
  lockState,
  readState,
  unlockKeeping,
  unlockState,
} from "./store.ts";
import type { CgroupDriver, StoredState } from "./store_types.ts";

/** What the command line asks for. */
export interface RestoreCommand {
  /** Root of all state. */
  readonly stateRoot: string;
  /** Id; derived from the canonical directory when absent. */
  readonly id?: string;
  /** The container's directory, absolute. */
  readonly directory: string;
  /** Directory of the images; that of the last checkpoint when absent. */
  readonly imagePath?: string;
  /** Directory of the log; that of the images when absent. */
  readonly workPath?: string;
  /** Choices besides those of the checkpoint. */
  readonly choices: DumpChoices;
  /** Memory is fetched by `criu lazy-pages` when it is used. */
  readonly lazyPages?: boolean;
  /** CRIU. */
  readonly criu: string;
  /** Return as soon as the container runs. */
  readonly detach: boolean;
  /** File to write the pid to, as seen here. */
  readonly pidFile?: string;
  /** Reads a configuration that takes the place of the recorded one. */
  readonly loadConfig?: () => Promise<Config>;
  /** Who makes the cgroups of a container that was not there before; we when absent. */
  readonly cgroupDriver?: CgroupDriver;
  /** Told how many bytes of memory are filled, of how many. */
  readonly onProgress?: (bytes: number, total: number) => void;
  /** Called once the container runs, before this command becomes its monitor. */
  readonly onRunning?: () => void;
  /** Told what is being done. */
  readonly onDebug?: (line: string) => void;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** The configuration: the one named, else the container's, else that of the images, moved here where it fits. */
async function configOf(
  { loadConfig, detach }: RestoreCommand,
  directory: string,
  { record }: Images,
  reserved: StoredState | undefined,
): Promise<Config> {
  const chosen = async (): Promise<Config> => {
    if (loadConfig) return await loadConfig();
    if (reserved) return reserved.config;
    const moved = movedConfig(record.config, record.directory, directory);
    return await isDirectory(moved.rootfs) ? moved : record.config;
  };
  const config = await chosen();
  const rootfs = await Deno.realPath(config.rootfs).catch(() => config.rootfs);
  return { ...config, rootfs, ...(detach && { parentDeathSignal: 0 }) };
}

function writePidFile(path: string, pid: number): void {
  const cut = path.lastIndexOf("/");
  const data = new TextEncoder().encode(`${pid}`);
  replaceFile(path.slice(0, cut) || "/", path.slice(cut + 1), data, {
    mode: 0o644,
  });
}

/** What is recorded under the id; sweeps away what a killed owner left. */
async function lockFree(
  stateRoot: string,
  id: string,
): Promise<{ locked: LockedState; reserved: StoredState | undefined }> {
  for (;;) {
    const locked = await lockState(stateRoot, id, { make: true });
    if (!locked) continue;
    try {
      const state = await readState(locked.dir);
      if (!state) return { locked, reserved: undefined };
      if (isRunning(state)) throw runsAlready(id);
      if (isKept(state)) {
        const hasEnded = state.phase === "running";
        const reserved = hasEnded
          ? await settleStopped(locked, state, undefined)
          : state;
        return { locked, reserved };
      }
      await removeRemains(locked, state);
    } catch (error) {
      unlockState(locked);
      throw error;
    }
    unlockState(locked);
  }
}

async function restore(
  command: RestoreCommand,
  id: string,
  locked: LockedState,
  reserved: StoredState | undefined,
): Promise<number> {
  const { detach, workPath, lazyPages, criu, onDebug, onProgress } = command;
  const images = await findImages(id, command.imagePath, reserved);
  if (images.hasTerminal && detach) {
    throw new UsageError(
      "Cannot use --detach: the container has a terminal, which nothing would hold",
    );
  }
  const directory = reserved?.directory ||
    await Deno.realPath(command.directory);
  const config = await configOf(command, directory, images, reserved);
  const attachment = attachStdio({ tty: images.hasTerminal, detach });
  const cgroupDriver = reserved?.cgroupDriver ?? command.cgroupDriver;
  const total = onProgress ? await memoryIn(images.path) : 0;
  let restored: Restored;
  try {
    restored = await restoreLocked(locked, {
      id,
      images,
      config,
      directory,
      attachment,
      choices: command.choices,
      criu,
      ...(reserved && { reserved }),
      ...(workPath !== undefined && { workPath }),
      ...(lazyPages && { lazyPages }),
      ...(cgroupDriver && { cgroupDriver }),
      ...(onDebug && { onDebug }),
      ...(onProgress && {
        onProgress: (bytes) => onProgress(bytes, total),
      }),
    });
    command.onRunning?.();
  } catch (error) {
    closeRelay(attachment);
    throw error;
  }
  return await watch(command, locked, restored, attachment);
}

/** Ends the command's part: detached it returns 0, attached it becomes the monitor. */
async function watch(
  { detach, pidFile, stateRoot }: RestoreCommand,
  locked: LockedState,
  { state, pidfd, master = -1 }: Restored,
  attachment: ReturnType<typeof attachStdio>,
): Promise<number> {
  const { id } = state;
  if (pidFile !== undefined) writePidFile(pidFile, state.pid);
  if (detach) {
    closeFd(pidfd);
    unlockState(locked);
    return 0;
  }
  const undo = undoOf(state, {
    stateDir: locked.dir,
    lockFd: locked.lockFd,
    unless: dumpedFile(state),
  });
  unlockKeeping(locked);
  try {
    return monitorProcess({
      pidfd,
      master,
      attachment,
      undo,
      message:
        `nsinit: Cannot clean up container ${id} completely: run "nsinit delete --force ${id}"`,
      warning: `nsinit: A poststop hook of container ${id} failed`,
      notice: `nsinit: Container ${id} was checkpointed`,
    });
  } catch (error) {
    // The program runs, but nobody would watch it: take all of it back.
    const again = await lockState(stateRoot, id, { make: false });
    if (again) {
      await removeRemains(again, state);
      unlockState(again);
    }
    throw error;
  }
}

/**
 * Restores a container in a directory.
 *
 * @param command What is asked for.
 * @returns 0 when detached; attached the process becomes the monitor and does not return.
 * @throws {StateError} `ContainerNotStopped` if it runs; `ContainerNotExists` for images that cannot be used.
 * @throws {UsageError} `UsageInvalid` for wrong options.
 * @throws {NsinitError} What {@linkcode restoreLocked} throws.
 *
 * @example
 * ```ts ignore
 * Deno.exit(await restoreContainer(command));
 * ```
 */
export async function restoreContainer(
  command: RestoreCommand,
): Promise<number> {
  const { stateRoot, directory } = command;
  const id = checkId(command.id ?? await deriveId(directory));
  const { locked, reserved } = await lockFree(stateRoot, id);
  // What ends this command from here on is for the container, once there is one.
  holdSignals();
  try {
    return await restore(command, id, locked, reserved);
  } catch (error) {
    // Of one that cannot be carried out no state directory stays.
    if (!reserved && !await readState(locked.dir)) {
      await removeRemains(locked, undefined);
    }
    unlockState(locked);
    throw error;
  } finally {
    releaseSignals();
  }
}

/**
 * Reserves a container: its id and configuration, without a process.
 *
 * @module
 */
import { NsinitError, StateError } from "../errors.ts";
import type { Config as WrittenConfig } from "../config/input/types.ts";
import type { Config } from "../config/types.ts";
import { takeConfig } from "./check_config.ts";
import { checkId } from "./identity.ts";
import { bootId, ownIdentity } from "./liveness.ts";
import { isKept, isRunning } from "./phase.ts";
import { removeRemains } from "./recover.ts";
import { checkRootfs } from "./start.ts";
import {
  type LockedState,
  lockState,
  readState,
  unlockState,
  writeState,
} from "./store.ts";
import {
  type CgroupDriver,
  NO_RESOURCES,
  type StoredState,
} from "./store_types.ts";
import { CREATIONS } from "./throttle.ts";

function inUse(id: string, cause?: unknown): StateError {
  return new StateError(
    "IdInUse",
    `Cannot create container ${id}: id already in use; load it, or delete it first`,
    { context: { id }, cause },
  );
}

/**
 * Takes a free id, sweeping away what a killed owner left under it.
 *
 * @throws {StateError} `IdInUse`.
 */
export async function takeId(
  stateRoot: string,
  id: string,
): Promise<LockedState> {
  for (;;) {
    const locked = await lockState(stateRoot, id, { make: true });
    if (!locked) continue;
    try {
      const state = await readState(locked.dir).catch((cause) => {
        throw cause instanceof NsinitError ? inUse(id, cause) : cause;
      });
      if (!state) return locked;
      if (isRunning(state) || isKept(state)) throw inUse(id);
      await removeRemains(locked, state);
    } catch (error) {
      unlockState(locked);
      throw error;
    }
    unlockState(locked);
  }
}

/** Made canonical without a thread: what is looked up is in memory, but for the first time. */
function withRealRoot(config: Config): Config {
  checkRootfs(config.rootfs);
  const rootfs = Deno.realPathSync(config.rootfs);
  return rootfs === config.rootfs ? config : takeConfig({ ...config, rootfs });
}

/** How a container is made. */
export interface CreateOptions {
  /** Who makes its cgroups; we do unless it is `systemd`. */
  readonly cgroupDriver?: CgroupDriver;
  /** Whether it is to be prepared, and without this program is a remain. */
  readonly forPool?: boolean;
}

/**
 * Creates a container, which stays until it is deleted.
 *
 * @param stateRoot State root.
 * @param id Its id.
 * @param config Its configuration; the rootfs is made canonical.
 * @param options Who makes its cgroups.
 * @returns Its state.
 * @throws {StateError} `InvalidIdFormat`; `IdInUse` when there is one of that id.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that breaks a rule, or a rootfs that is missing.
 *
 * @example
 * ```ts ignore
 * const state = await createContainer("/run/nsinit", "demo", defaultConfig("/srv/root"));
 * ```
 */
export async function createContainer(
  stateRoot: string,
  id: string,
  config: WrittenConfig,
  options: CreateOptions = {},
): Promise<StoredState> {
  checkId(id);
  const own = await CREATIONS.run(() => withRealRoot(takeConfig(config)));
  const locked = await takeId(stateRoot, id);
  try {
    const state: StoredState = {
      version: 2,
      id,
      phase: options.forPool ? "prepared" : "created",
      kept: true,
      ...(options.cgroupDriver && { cgroupDriver: options.cgroupDriver }),
      pid: 0,
      startTime: "",
      bootId: bootId(),
      owner: ownIdentity(),
      created: new Date().toISOString(),
      directory: "",
      config: own,
      namespaces: own.namespaces.map(({ type }) => type),
      resources: NO_RESOURCES,
    };
    writeState(locked.dir, state);
    return state;
  } catch (error) {
    await removeRemains(locked, undefined);
    throw error;
  } finally {
    unlockState(locked);
  }
}

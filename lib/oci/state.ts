/**
 * Containers of the OCI command line: what they are now, in its words.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { freezerState } from "../container/freezer.ts";
import { ownerLives } from "../container/phase.ts";
import { bootId, isAlive } from "../container/liveness.ts";
import { checkId } from "../container/identity.ts";
import {
  type LockedState,
  lockState,
  readState,
  stateDirectory,
  unlockState,
} from "../container/store.ts";
import type { StoredState } from "../container/store_types.ts";
import { SPEC_VERSION } from "./globals.ts";

/** Status of a container, in the words of the runtime specification and of runc. */
export type OciStatus =
  | "creating"
  | "created"
  | "running"
  | "paused"
  | "stopped";

/**
 * What a container is doing.
 *
 * @param state Its record.
 * @returns `stopped` too when its first process has ended without anyone noting it down.
 */
export function ociStatusOf(state: StoredState): OciStatus {
  const lives = state.bootId === bootId() && isAlive(state);
  switch (state.phase) {
    case "creating":
      return ownerLives(state) ? "creating" : "stopped";
    case "held":
      return lives ? "created" : "stopped";
    case "running":
      if (!lives) return "stopped";
      return freezerState(state) === "thawed" ? "running" : "paused";
    default:
      return "stopped";
  }
}

/** There is no such container. */
export function missing(id: string): StateError {
  return new StateError("ContainerNotExists", "container does not exist", {
    context: { id },
  });
}

/**
 * Checks an id in the words of the field.
 *
 * @throws {StateError} `InvalidIdFormat`.
 */
export function checkOciId(id: string | undefined): string {
  if (id === undefined || id === "") {
    throw new StateError("InvalidIdFormat", "container id cannot be empty");
  }
  const [odd] = /[^A-Za-z0-9_+.-]/.exec(id) ?? [];
  if (odd === undefined) return checkId(id);
  throw new StateError(
    "InvalidIdFormat",
    `invalid container ID format: invalid character \`${odd}\` in the ID \`${
      id.slice(0, 64)
    }\``,
    { context: { id } },
  );
}

/**
 * Reads the record of a container.
 *
 * @param stateRoot Directory of all states.
 * @param id Its id, as given.
 * @returns The record.
 * @throws {StateError} `ContainerNotExists`, `InvalidIdFormat`.
 */
export async function loadOci(
  stateRoot: string,
  id: string | undefined,
): Promise<StoredState> {
  const checked = checkOciId(id);
  const state = await readState(stateDirectory(stateRoot, checked));
  // A maker that was killed leaves a record that nobody can use.
  const isRemain = state?.phase === "creating" && !ownerLives(state);
  if (state && !isRemain) return state;
  throw missing(checked);
}

/**
 * Does something with a container that nobody changes meanwhile.
 *
 * @param stateRoot Directory of all states.
 * @param id Its id, as given.
 * @param action Gets the locked directory and the record.
 * @returns What the action returns.
 * @throws {StateError} `ContainerNotExists`, `InvalidIdFormat`.
 */
export async function withOci<T>(
  stateRoot: string,
  id: string | undefined,
  action: (locked: LockedState, state: StoredState) => Promise<T>,
): Promise<T> {
  const checked = checkOciId(id);
  const locked = await lockState(stateRoot, checked, { make: false });
  if (!locked) throw missing(checked);
  try {
    const state = await readState(locked.dir);
    if (!state || state.phase === "creating") throw missing(checked);
    return await action(locked, state);
  } finally {
    unlockState(locked);
  }
}

function annotationsOf(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label) => {
    const cut = label.indexOf("=");
    return [label.slice(0, cut), label.slice(cut + 1)];
  }));
}

/** A container as `state` and `list` print it. */
export interface OciState {
  /** Version of the runtime specification. */
  readonly ociVersion: string;
  /** Its id. */
  readonly id: string;
  /** Host pid of its first process; 0 when that has ended. */
  readonly pid: number;
  /** What it is doing. */
  readonly status: OciStatus;
  /** Its bundle. */
  readonly bundle: string;
  /** Host path of its root. */
  readonly rootfs: string;
  /** RFC 3339 time of its creation. */
  readonly created: string;
  /** Annotations of its configuration. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Name of the user who made it; empty in `state`, as in runc's. */
  readonly owner: string;
}

/**
 * A container as `state` and `list` print it.
 *
 * @param state Its record.
 * @returns JSON-able object, its members in the customary order.
 */
export function ociStateOf(state: StoredState): OciState {
  const { id, created, config, oci, directory } = state;
  const status = ociStatusOf(state);
  const labels = config.labels ?? [];
  return {
    ociVersion: oci?.version || SPEC_VERSION,
    id,
    pid: status === "stopped" ? 0 : state.pid,
    status,
    bundle: oci?.bundle ?? directory,
    rootfs: config.rootfs,
    created,
    ...labels.length > 0 && { annotations: annotationsOf(labels) },
    owner: "",
  };
}

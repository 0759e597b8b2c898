/**
 * Freezes and thaws the processes of a container. What is frozen stands in the
 * kernel alone: it is read there each time, so that what another program did is
 * seen.
 *
 * @module
 */
import { errnoName } from "../../ffi/errno.ts";
import { KernelError, StateError } from "../errors.ts";
import { freezerWrite } from "../plan/cgroup/freezer.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import { readIfThere, writeIfThere } from "./group_files.ts";
import { hasProcess } from "./phase.ts";
import type { StoredState } from "./store_types.ts";
import { groupTree } from "./processes.ts";
import { sleep } from "../pause.ts";

/** What the kernel says of a group: `freezing` until its last process has stopped. */
export type FreezerState = "thawed" | "freezing" | "frozen";

/** How long {@linkcode pause} and {@linkcode resume} wait for the kernel. */
export interface FreezeOptions {
  /** Milliseconds, 10,000 unless given. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 20;
/** A version 1 group that stays at FREEZING is thawed for a moment this often. */
const RETRY_MS = 500;
const ETIMEDOUT = 110;
const EBUSY = 16;

/** The groups that can freeze the container; the first is the one that is used. */
function freezersOf(state: StoredState): ResourceCgroup[] {
  const { cgroups } = state.resources;
  return [
    ...cgroups.filter(({ version, controllers }) =>
      version === 1 && controllers.includes("freezer")
    ),
    ...cgroups.filter(({ version }) => version === 2),
  ];
}

/**
 * Reads the state of a group from the texts of its files. Pure.
 *
 * @param version Version of the hierarchy.
 * @param own v1 `freezer.state`; v2 `cgroup.freeze`.
 * @param events v2 `cgroup.events`, which also tells what groups above do.
 * @returns The state.
 * @throws {KernelError} `SystemError` (EBADMSG) for a text that the kernel does not write.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseFreezer } from "./freezer.ts";
 *
 * assertEquals(parseFreezer(1, "FREEZING\n", ""), "freezing");
 * assertEquals(parseFreezer(2, "1\n", "populated 1\nfrozen 1\n"), "frozen");
 * ```
 */
export function parseFreezer(
  version: 1 | 2,
  own: string,
  events: string,
): FreezerState {
  const text = own.trim();
  if (version === 1) {
    if (text === "THAWED") return "thawed";
    if (text === "FREEZING") return "freezing";
    if (text === "FROZEN") return "frozen";
  } else {
    if (/^frozen 1$/m.test(events)) return "frozen";
    if (text === "0") return "thawed";
    if (text === "1") return "freezing";
  }
  const shown = JSON.stringify(text.slice(0, 40));
  throw new KernelError(
    `Cannot tell whether a group is frozen: the kernel says ${shown}`,
    { errno: 74, errnoName: "EBADMSG" },
  );
}

/**
 * Reads the state of one group.
 *
 * @param group The group.
 * @returns What the kernel says; undefined when it is gone or cannot freeze.
 * @throws {KernelError} `SystemError` if the kernel's files cannot be read.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { stateOfGroup } from "./freezer.ts";
 *
 * assertEquals(stateOfGroup({ version: 2, path: "/no/such/group" }), undefined);
 * ```
 */
export function stateOfGroup(
  { version, path }: Pick<ResourceCgroup, "version" | "path">,
): FreezerState | undefined {
  const { file } = freezerWrite("FROZEN", version);
  const own = readIfThere(`${path}/${file}`);
  if (own === undefined) return undefined;
  const events = version === 2 ? readIfThere(`${path}/cgroup.events`) : "";
  return events === undefined ? undefined : parseFreezer(version, own, events);
}

/**
 * Whether a container's processes are frozen now, by whomever.
 *
 * @param state Its recorded state.
 * @returns What the kernel says; `thawed` when its groups are gone.
 * @throws {KernelError} `SystemError` if the kernel's files cannot be read.
 *
 * @example
 * ```ts ignore
 * if (freezerState(state) === "frozen") console.log("paused");
 * ```
 */
export function freezerState(state: StoredState): FreezerState {
  const states = freezersOf(state).map(stateOfGroup);
  if (states.includes("frozen")) return "frozen";
  return states.includes("freezing") ? "freezing" : "thawed";
}

function ask(group: ResourceCgroup, wanted: "FROZEN" | "THAWED"): boolean {
  const { file, value } = freezerWrite(wanted, group.version);
  return writeIfThere(`${group.path}/${file}`, value);
}

function notRunning(verb: string, id: string, why: string): StateError {
  return new StateError(
    "ContainerNotRunning",
    `Cannot ${verb} container ${id}: ${why}`,
    { context: { id } },
  );
}

function kernelRefusal(message: string, errno: number): KernelError {
  return new KernelError(message, { errno, errnoName: errnoName(errno) });
}

/** Waits longer and longer between looks, until a deadline. */
async function* looks(timeoutMs: number): AsyncGenerator<void> {
  const end = performance.now() + timeoutMs;
  for (let ms = 1;; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
    yield;
    if (performance.now() >= end) return;
    await sleep(ms);
  }
}

/**
 * Waits until a group is frozen. What is stuck in version 1 gets free by thawing
 * for a moment: a process that was made while the group froze may have missed it.
 *
 * @returns False when the group is gone.
 */
async function untilFrozen(
  group: ResourceCgroup,
  timeoutMs: number,
): Promise<boolean | undefined> {
  let retry = performance.now() + RETRY_MS;
  for await (const _ of looks(timeoutMs)) {
    const now = stateOfGroup(group);
    if (now === undefined) return false;
    if (now === "frozen") return true;
    if (group.version !== 1 || performance.now() < retry) continue;
    retry = performance.now() + RETRY_MS;
    if (!ask(group, "THAWED") || !ask(group, "FROZEN")) return false;
  }
  return undefined;
}

/**
 * Pauses a container: returns when the last of its processes has stopped.
 *
 * @param state Its recorded state.
 * @param options How long to wait.
 * @throws {StateError} `ContainerNotRunning` if it does not run or is paused already.
 * @throws {KernelError} `SystemError` if the kernel refuses, or (ETIMEDOUT) if not
 * all of its processes stop in time; then it runs on.
 *
 * @example
 * ```ts ignore
 * await pause(state);
 * await resume(state);
 * ```
 */
export async function pause(
  state: StoredState,
  options: FreezeOptions = {},
): Promise<void> {
  const { id } = state;
  const { timeoutMs = TIMEOUT_MS } = options;
  if (!hasProcess(state)) {
    throw notRunning("pause", id, "container is not running");
  }
  if (freezerState(state) === "frozen") {
    throw notRunning("pause", id, "it is paused already");
  }
  const group = freezersOf(state).find((each) =>
    stateOfGroup(each) !== undefined
  );
  if (!group) {
    if (!hasProcess(state)) throw notRunning("pause", id, "it has ended");
    throw kernelRefusal(
      `Cannot pause container ${id}: it has no group that can be frozen; mount the freezer hierarchy, or cgroup2`,
      95,
    );
  }
  let isFrozen: boolean | undefined;
  try {
    isFrozen = ask(group, "FROZEN") && await untilFrozen(group, timeoutMs);
  } finally {
    if (isFrozen !== true) ask(group, "THAWED");
  }
  if (isFrozen === undefined) {
    throw kernelRefusal(
      `Cannot pause container ${id}: some of its processes did not stop within ${timeoutMs} ms, so it runs on; one may wait for a device (state D in /proc/PID/status)`,
      ETIMEDOUT,
    );
  }
  // An empty group freezes well.
  if (!isFrozen || !hasProcess(state)) {
    throw notRunning("pause", id, "it has ended");
  }
}

/**
 * Resumes a container, also one that another program froze. Groups that the
 * container froze below its own stay so.
 *
 * @param state Its recorded state.
 * @param options How long to wait.
 * @throws {StateError} `ContainerNotRunning`; `ContainerNotPaused` if it is not paused.
 * @throws {KernelError} `SystemError` if the kernel refuses, or (EBUSY) if a group
 * above the container's is frozen.
 */
export async function resume(
  state: StoredState,
  options: FreezeOptions = {},
): Promise<void> {
  const { id } = state;
  const { timeoutMs = TIMEOUT_MS } = options;
  if (!hasProcess(state)) {
    throw notRunning("resume", id, "container is not running");
  }
  const groups = freezersOf(state);
  if (freezerState(state) === "thawed") {
    throw new StateError(
      "ContainerNotPaused",
      `Cannot resume container ${id}: container is not paused`,
      { context: { id } },
    );
  }
  for (const group of groups) {
    if ((stateOfGroup(group) ?? "thawed") !== "thawed") ask(group, "THAWED");
  }
  for await (const _ of looks(timeoutMs)) {
    if (freezerState(state) === "thawed") return;
    const held = groups.find(isFrozenAbove);
    if (held) {
      throw kernelRefusal(
        `Cannot resume container ${id}: a group above ${held.path} is frozen; thaw that one`,
        EBUSY,
      );
    }
  }
  throw kernelRefusal(
    `Cannot resume container ${id}: the kernel did not thaw it within ${timeoutMs} ms`,
    ETIMEDOUT,
  );
}

/** The directory that holds another. */
function above(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Whether it is not the group itself that is frozen. */
function isFrozenAbove({ version, path }: ResourceCgroup): boolean {
  if (version === 1) {
    return readIfThere(`${path}/freezer.self_freezing`)?.trim() === "0" &&
      readIfThere(`${path}/freezer.parent_freezing`)?.trim() === "1";
  }
  // Up to the mount point, which cannot be frozen and has no such file.
  for (let at = above(path);; at = above(at)) {
    const asked = readIfThere(`${at}/cgroup.freeze`)?.trim();
    if (asked === undefined) return false;
    if (asked === "1") return true;
  }
}

/**
 * Thaws what a version 1 freezer holds, the groups below included, so that
 * processes that were killed while frozen can die.
 *
 * @param state Recorded state of a container.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function thawForKill(state: StoredState): void {
  for (const { version, path } of freezersOf(state)) {
    if (version !== 1) continue; // version 2 lets a frozen process die
    for (const group of groupTree(path)) {
      writeIfThere(`${group}/freezer.state`, "THAWED");
    }
  }
}

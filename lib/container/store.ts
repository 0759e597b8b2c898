/**
 * State directories: `<root>/<id>/state.json`, replaced in one step, one lock per
 * container (the flock of its directory).
 *
 * Within a process waiters queue up here, and only the first asks for the flock,
 * again and again: a thread of Deno's pool each would use that up.
 *
 * @module
 */
import {
  describeCause,
  KernelError,
  NsinitError,
  StateError,
} from "../errors.ts";
import {
  closeFd,
  effectiveUserId,
  unlockDirectory,
  unwrap,
} from "../../ffi/native.ts";
import {
  loadText,
  lockStateDirectory,
  stampOf,
  type StateLockFailure,
  writeRecord,
} from "../../ffi/state_files.ts";
import { turnWhenDue } from "../../ffi/turns.ts";
import { configText, findShared, formatData, parseData } from "./configs.ts";
import type { Config } from "../config/types.ts";
import type { Phase, StoredState } from "./store_types.ts";
import { sleep } from "../pause.ts";

/** Name of the state file. */
export const STATE_FILE = "state.json";
const STATE_LIMIT_BYTES = 16 * 1024 * 1024;
const LOCK_ROUNDS = 1000;
/** Pauses in milliseconds between two attempts to get a lock that another process holds. */
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 20;

/** A state directory whose lock is held. */
export interface LockedState {
  /** The directory. */
  readonly dir: string;
  /** Descriptor that holds the lock. */
  readonly lockFd: number;
  /** Lets the next one of this process in. */
  readonly leave: () => void;
}

/** For each state directory that is locked or waited for, the end of the queue. */
const queues = new Map<string, Promise<void>>();

/** Waits for one's turn in this process; the result ends it. */
async function enterQueue(dir: string): Promise<() => void> {
  const before = queues.get(dir);
  const { promise, resolve } = Promise.withResolvers<void>();
  queues.set(dir, promise);
  await before;
  return () => {
    if (queues.get(dir) === promise) queues.delete(dir);
    resolve();
  };
}

/** Takes the flock of a directory, without a thread that waits for it. */
async function takeFlock(
  root: string,
  id: string,
  make: boolean,
): Promise<Exclude<StateLockFailure, "busy">> {
  for (
    let ms = FIRST_PAUSE;;
    ms = Math.min(ms * 1.5, LONGEST_PAUSE)
  ) {
    const lock = lockStateDirectory(root, id, make);
    if (lock !== "busy") return lock;
    await sleep(ms);
  }
}

/** Path of a container's state directory. */
export function stateDirectory(root: string, id: string): string {
  return `${root}/${id}`;
}

/** State root and id of a state directory. */
export function statePlace(
  dir: string,
): { readonly root: string; readonly id: string } {
  const cut = dir.lastIndexOf("/");
  return { root: dir.slice(0, cut), id: dir.slice(cut + 1) };
}

/** Makes a directory with exactly the mode 0700, whatever the umask, if the name is free. */
async function makeDirectory(dir: string): Promise<void> {
  try {
    await Deno.mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  try {
    await Deno.chmod(dir, 0o700);
  } catch (error) {
    // Somebody who lists containers took it for a remain: its lock tells.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Makes what is missing of a path; parents get the mode 0700 as well. */
async function makeParents(dir: string): Promise<void> {
  try {
    await makeDirectory(dir);
  } catch (error) {
    const cut = dir.lastIndexOf("/");
    if (!(error instanceof Deno.errors.NotFound) || cut <= 0) throw error;
    await makeParents(dir.slice(0, cut));
    await makeDirectory(dir);
  }
}

/**
 * Checks the state root, made before where `make` says so: it must be ours, as
 * whoever owns it decides what is in the states.
 *
 * @returns False when it is missing.
 */
async function checkRoot(root: string, make: boolean): Promise<boolean> {
  try {
    if (make) await makeParents(root);
    const info = await Deno.lstat(root);
    if (!info.isDirectory) throw new Error("it is not a directory");
    if (info.uid !== effectiveUserId()) {
      throw new Error(`it belongs to user ${info.uid}: choose another`);
    }
    if (((info.mode ?? 0) & 0o022) !== 0) {
      throw new Error("others may write to it: chmod 700 it");
    }
    return true;
  } catch (cause) {
    if (!make && cause instanceof Deno.errors.NotFound) return false;
    throw refuseRoot(root, cause);
  }
}

/** A state root that cannot be used; a permission that Deno lacks stays what it is. */
function refuseRoot(root: string, cause: unknown): unknown {
  if (cause instanceof Deno.errors.NotCapable) return cause;
  const hint = effectiveUserId() === 0
    ? ""
    : "; set XDG_RUNTIME_DIR to a directory of yours, or give --root DIR";
  return new StateError(
    "ContainerNotExists",
    `Cannot use state directory ${root}: ${describeCause(cause)}${hint}`,
    { cause },
  );
}

/**
 * Locks a container's state directory, making it first when asked.
 *
 * @param root State root.
 * @param id Checked id.
 * @param make Whether a missing directory is made.
 * @returns The locked directory; undefined when it is missing and not made.
 * @throws {KernelError} `SystemError` if the lock cannot be taken.
 *
 * @example
 * ```ts ignore
 * const locked = await lockState("/run/nsinit", "demo", { make: true });
 * ```
 */
export async function lockState(
  root: string,
  id: string,
  options: { readonly make: boolean },
): Promise<LockedState | undefined> {
  const dir = stateDirectory(root, id);
  const leave = await enterQueue(dir);
  let lockFd: number | undefined;
  try {
    lockFd = await lockInTurn(root, id, options);
    return lockFd === undefined ? undefined : { dir, lockFd, leave };
  } finally {
    if (lockFd === undefined) leave();
  }
}

/**
 * State roots that Deno has let this program use: the library does not ask it,
 * so that is done once, by what needs the permission.
 */
const permitted = { read: new Set<string>(), write: new Set<string>() };

async function enterRoot(root: string, make: boolean): Promise<boolean> {
  if (permitted[make ? "write" : "read"].has(root)) return true;
  if (!await checkRoot(root, make)) return false;
  permitted.read.add(root);
  if (make) permitted.write.add(root);
  return true;
}

/** What failed, after `Cannot`. */
function lockAttempt(root: string, id: string): string {
  return `lock container ${id} by its directory ${stateDirectory(root, id)}`;
}

async function lockInTurn(
  root: string,
  id: string,
  { make }: { readonly make: boolean },
): Promise<number | undefined> {
  const turn = turnWhenDue();
  if (turn) await turn;
  if (!await enterRoot(root, make)) return undefined;
  for (let round = 0; round < LOCK_ROUNDS; round++) {
    const lock = await takeFlock(root, id, make);
    if (typeof lock === "number" && lock >= 0) return lock;
    if (lock === "missing" && !make) return undefined;
    // "stale": its owner removed it while we waited; the next round decides anew.
    if (lock !== "stale" && !await checkRoot(root, make)) return undefined;
    // The root is as it has to be: what is in it, or to be made in it, is not.
    if (typeof lock === "number") unwrap(lock, lockAttempt(root, id));
  }
  throw new StateError(
    "IdInUse",
    `Cannot lock container ${id}: it is being made and removed all the time`,
  );
}

/** Gives a lock up and closes it. */
export function unlockState(locked: LockedState): void {
  try {
    closeFd(locked.lockFd);
  } finally {
    locked.leave();
  }
}

/** Gives a lock up but keeps its descriptor, by which it can be taken again. */
export function unlockKeeping(locked: LockedState): void {
  unlockDirectory(locked.lockFd);
  locked.leave();
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const PHASES: ReadonlySet<unknown> = new Set(
  [
    "created",
    "prepared",
    "held",
    "creating",
    "running",
    "checkpointed",
    "stopped",
  ] satisfies Phase[],
);

/** Version 1 knew no containers that outlive their first process. */
function upgrade(state: unknown): unknown {
  if (!isObject(state) || state["version"] !== 1) return state;
  return { ...state, version: 2, kept: false };
}

/** Lists and objects that are looked into; what is in them was written by us. */
function hasShape(state: unknown): state is StoredState {
  if (!isObject(state) || state["version"] !== 2) return false;
  const { id, pid, startTime, bootId, owner, config, namespaces, resources } =
    state;
  return [id, startTime, bootId, state["directory"]]
    .every((text) => typeof text === "string") &&
    PHASES.has(state["phase"]) && typeof state["kept"] === "boolean" &&
    Number.isSafeInteger(pid) && Array.isArray(namespaces) &&
    isObject(owner) && isObject(config) && isObject(resources) &&
    [config["mounts"], config["namespaces"]].every(Array.isArray) &&
    ["cgroups", "interfaces", "files"].every((key) =>
      Array.isArray(resources[key])
    );
}

/** How the text of a state ends, around its configuration. */
const CONFIG_KEY = ',"config":';
const TEXT_END = "}\n";

function parseState(text: string): unknown {
  const shared = findShared(text, TEXT_END);
  if (!shared) return parseData(text);
  const { config } = shared;
  const rest = text.slice(0, text.length - TEXT_END.length)
    .slice(0, -shared.text.length);
  if (!rest.endsWith(CONFIG_KEY)) return parseData(text);
  const state = parseData(rest.slice(0, -CONFIG_KEY.length) + "}");
  return isObject(state) ? { ...state, config } : state;
}

/** The text of a state before its configuration, and from there on. */
export function stateText(
  { config, ...rest }: StoredState,
): { readonly head: string; readonly tail: string } {
  return {
    head: formatData(rest).slice(0, -1),
    tail: CONFIG_KEY + configText(config) + TEXT_END,
  };
}

const encoder = new TextEncoder();

/** Configurations that containers share, as their records end with them. */
const tails = new WeakMap<Config, Uint8Array>();

function tailOf(config: Config, tail: string): Uint8Array {
  const known = tails.get(config);
  if (known) return known;
  const bytes = encoder.encode(tail);
  if (Object.isFrozen(config)) tails.set(config, bytes);
  return bytes;
}

/** UTF-8 takes three bytes at most for one unit of a string. */
const UTF8_BYTES = 3;
let buffer = new Uint8Array(65536);

/** The bytes of a record, in a buffer that the next call uses again: nearly all of it is the configuration. */
function encodeState(state: StoredState): Uint8Array<ArrayBuffer> {
  const { head, tail } = stateText(state);
  const end = tailOf(state.config, tail);
  const size = UTF8_BYTES * head.length + end.length;
  if (size > buffer.length) buffer = new Uint8Array(size);
  const { written } = encoder.encodeInto(head, buffer);
  buffer.set(end, written);
  return buffer.subarray(0, written + end.length);
}

/** A record that this program wrote, and what its file was then. */
interface Written {
  readonly stamp: bigint;
  readonly state: StoredState;
}

/**
 * Records of this program, the latest last: it mostly reads what it has just
 * written. Somebody else who writes one trades its file for the spare.
 */
const latest = new Map<string, Written>();
/** How many are kept: more would be memory for each container that lives. */
const KEPT = 16;

function keep(dir: string, state: StoredState): void {
  const stamp = stampOf(`${dir}/${STATE_FILE}`);
  latest.delete(dir);
  const [oldest] = latest.keys();
  if (latest.size >= KEPT && oldest !== undefined) latest.delete(oldest);
  latest.set(dir, { stamp, state });
}

/** What this program wrote last, unless somebody has changed it. */
function findLatest(dir: string): StoredState | undefined {
  const found = latest.get(dir);
  if (!found || !permitted.read.has(statePlace(dir).root)) return undefined;
  if (stampOf(`${dir}/${STATE_FILE}`) === found.stamp) return found.state;
  latest.delete(dir);
  return undefined;
}

/** Reads the text; Deno is asked once whether that is allowed. */
function readText(dir: string): string | undefined {
  const root = dir.slice(0, dir.lastIndexOf("/"));
  if (!permitted.read.has(root)) {
    try {
      Deno.lstatSync(root || "/");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    permitted.read.add(root);
  }
  return loadText(`${dir}/${STATE_FILE}`, STATE_LIMIT_BYTES);
}

/**
 * Reads a container's state.
 *
 * @param dir State directory.
 * @returns The state; undefined when there is none.
 * @throws {StateError} `ContainerNotExists` if the file is damaged or of another version.
 */
export async function readState(dir: string): Promise<StoredState | undefined> {
  const turn = turnWhenDue();
  if (turn) await turn;
  try {
    const own = findLatest(dir);
    if (own) return own;
    const text = readText(dir);
    if (text === undefined) return undefined;
    const state = upgrade(parseState(text));
    if (hasShape(state)) return state;
    throw new TypeError("it is no state of version 1 or 2");
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    if (cause instanceof NsinitError && !(cause instanceof KernelError)) {
      throw cause;
    }
    const file = `${dir}/${STATE_FILE}`;
    const isForeign = cause instanceof KernelError &&
      cause.errnoName === "EACCES";
    const reason = describeCause(cause).replace(`Cannot read ${file}: `, "");
    const fix = isForeign
      ? "it is another user's container"
      : '"nsinit delete --force" removes it';
    throw new StateError(
      "ContainerNotExists",
      `Cannot read ${file}: ${reason}; ${fix}`,
      { cause },
    );
  }
}

/** Writes a container's state, for readers in one step; its lock must be held. */
export function writeState(dir: string, state: StoredState): void {
  writeRecord(dir, STATE_FILE, encodeState(state), 0o600);
  keep(dir, state);
}

/** Ids that have a state directory, sorted. */
export async function listIds(root: string): Promise<string[]> {
  const ids: string[] = [];
  try {
    for await (const entry of Deno.readDir(root)) {
      if (entry.isDirectory) ids.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw refuseRoot(root, error);
  }
  return ids.sort();
}

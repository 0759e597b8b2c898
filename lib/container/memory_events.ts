/**
 * What the kernel tells of a container's memory: that it ran out, and that it
 * gets short.
 *
 * @module
 */
import { poller } from "../../ffi/poller.ts";
import { HostError, StateError } from "../errors.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import {
  type EventSink,
  type EventSource,
  EventStream,
} from "./event_stream.ts";
import { openProcess } from "./liveness.ts";
import {
  countGroupEvents,
  countKills,
  countShortages,
  isFile,
  type Notifier,
  type Told,
} from "./notifiers.ts";
import { hasProcess } from "./phase.ts";
import type { StoredState } from "./store_types.ts";

/** The container ran out of memory. */
export interface OomEvent {
  /** Says so. */
  readonly type: "oom";
  /** When it was noticed: milliseconds since 1970. */
  readonly time: number;
  /**
   * How often, since the last event: in version 2 processes that were killed,
   * groups below included; in version 1 times that the group itself was out of
   * memory.
   */
  readonly count: number;
}

/** How short memory is. */
export type PressureLevel = "low" | "medium" | "critical";

/** The container's memory gets short. */
export interface PressureEvent {
  /** Says so. */
  readonly type: "pressure";
  /** When it was noticed: milliseconds since 1970. */
  readonly time: number;
  /** The level that was asked for; it is that or worse. */
  readonly level: PressureLevel;
  /** How often, since the last event. */
  readonly count: number;
}

/**
 * What the levels are in version 2, which measures how long processes wait for
 * memory: in any two seconds, that some process waited for 5 %, that some waited
 * for 20 %, that all did for 20 %. Windows of two seconds need no privilege.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { PRESSURE_TRIGGERS } from "./memory_events.ts";
 *
 * assertEquals(Object.keys(PRESSURE_TRIGGERS), ["low", "medium", "critical"]);
 * ```
 */
export const PRESSURE_TRIGGERS: Readonly<Record<PressureLevel, string>> = {
  low: "some 100000 2000000",
  medium: "some 400000 2000000",
  critical: "full 400000 2000000",
};

/** One kind of notification, in both versions. */
interface Kind<T> {
  /** What it does, for errors. */
  readonly what: string;
  /** Version 1: a file of the memory controller, and what its event takes besides. */
  readonly v1: { readonly file: string; readonly argument: string };
  /** Version 2: a file that must be there, and what counts. */
  readonly v2: {
    readonly file: string;
    readonly open: (
      group: ResourceCgroup,
      told: Told,
      end: () => void,
    ) => Notifier;
  };
  /** Makes the event. */
  readonly eventOf: (count: number) => T;
}

function notRunning(id: string, what: string): StateError {
  return new StateError(
    "ContainerNotRunning",
    `Cannot ${what} of container ${id}: container is not running`,
    { context: { id } },
  );
}

function unsupported(id: string, what: string): HostError {
  return new HostError(
    `Cannot ${what} of container ${id}: it has no memory control group; give its configuration "cgroups", and mount the memory hierarchy or cgroup2`,
    { context: { id } },
  );
}

/** Starts what counts, in the version that the container's memory is counted in. */
function openNotifier<T>(
  state: StoredState,
  { what, v1, v2 }: Kind<T>,
  told: Told,
  end: () => void,
): Notifier {
  const { cgroups } = state.resources;
  const first = cgroups.find(({ version, controllers, path }) =>
    version === 1 && controllers.includes("memory") &&
    isFile(`${path}/${v1.file}`)
  );
  if (first) return countGroupEvents(first, v1.file, v1.argument, told, end);
  const second = cgroups.find(({ version, path }) =>
    version === 2 && isFile(`${path}/${v2.file}`)
  );
  if (second) return v2.open(second, told, end);
  if (hasProcess(state)) throw unsupported(state.id, what);
  throw notRunning(state.id, what);
}

/** Counts of one kind of notification as one. */
function addUp<T extends { readonly count: number }>(earlier: T, later: T): T {
  return { ...later, count: earlier.count + later.count };
}

/** Tells a sink until the first process has ended, or the group is removed. */
function startMemory<T>(
  state: StoredState,
  kind: Kind<T>,
  { push, end }: EventSink<T>,
): EventSource {
  const pidfd = hasProcess(state) ? openProcess(state) : undefined;
  if (pidfd === undefined) throw notRunning(state.id, kind.what);
  let notifier: Notifier | undefined;
  let isOpen = true;
  const release = (): void => {
    if (isOpen) poller.close(pidfd);
    isOpen = false;
  };
  try {
    // Looking does not reap: that is up to whoever started it.
    const watch = poller.watch(pidfd, "read", () => {
      release();
      notifier?.finish();
    });
    const told = (count: number): void => push(kind.eventOf(count));
    const opened = notifier = openNotifier(state, kind, told, end);
    return {
      ref: () => [watch, opened].forEach((each) => each.ref()),
      unref: () => [watch, opened].forEach((each) => each.unref()),
      stop: () => {
        release();
        opened.stop();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Starts telling a sink each time that a container runs out of memory; see {@linkcode watchOom}. */
export function startOom(
  state: StoredState,
  sink: EventSink<OomEvent>,
): EventSource {
  return startMemory<OomEvent>(state, {
    what: "tell of a want of memory",
    v1: { file: "memory.oom_control", argument: "" },
    v2: { file: "memory.events", open: countKills },
    eventOf: (count) => ({ type: "oom", time: Date.now(), count }),
  }, sink);
}

/** Starts telling a sink when a container's memory gets short; see {@linkcode watchPressure}. */
export function startPressure(
  state: StoredState,
  level: PressureLevel,
  sink: EventSink<PressureEvent>,
): EventSource {
  return startMemory<PressureEvent>(state, {
    what: "tell of the memory pressure",
    v1: { file: "memory.pressure_level", argument: level },
    v2: {
      file: "memory.pressure",
      open: (group, told, end) =>
        countShortages(group, PRESSURE_TRIGGERS[level], told, end),
    },
    eventOf: (count) => ({ type: "pressure", time: Date.now(), level, count }),
  }, sink);
}

/**
 * Tells each time that a container runs out of memory.
 *
 * @param state Recorded state of a container that runs.
 * @returns The events from now on; ends with the container.
 * @throws {StateError} `ContainerNotRunning`.
 * @throws {HostError} `HostUnsupported` if it has no memory control group.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 *
 * @example
 * ```ts ignore
 * for await (const { count } of watchOom(state)) console.log("out of memory", count);
 * ```
 */
export function watchOom(state: StoredState): EventStream<OomEvent> {
  return new EventStream((sink) => startOom(state, sink), addUp);
}

/**
 * Tells when a container's memory gets short, by the kernel's levels in version
 * 1 (`low`: memory is being reclaimed; `medium`: it swaps or drops files in use;
 * `critical`: it is about to run out), by {@linkcode PRESSURE_TRIGGERS} in
 * version 2.
 *
 * @param state Recorded state of a container that runs.
 * @param level How short.
 * @returns The events from now on; ends with the container.
 * @throws {StateError} `ContainerNotRunning`.
 * @throws {HostError} `HostUnsupported` if it has no memory control group, or the kernel does not measure pressure.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 *
 * @example
 * ```ts ignore
 * for await (const _ of watchPressure(state, "medium")) dropCaches();
 * ```
 */
export function watchPressure(
  state: StoredState,
  level: PressureLevel,
): EventStream<PressureEvent> {
  return new EventStream((sink) => startPressure(state, level, sink), addUp);
}

/**
 * What happens to a container, from its start to its end.
 *
 * @module
 */
import { watchFile } from "../../ffi/inotify.ts";
import { closeFd, type ExitStatus } from "../../ffi/native.ts";
import type { Watch } from "../../ffi/poller.ts";
import { watchEnd } from "../../ffi/process_end.ts";
import { HostError, KernelError, StateError } from "../errors.ts";
import {
  type EventSink,
  type EventSource,
  EventStream,
} from "./event_stream.ts";
import { loadState, notThere } from "./inspect.ts";
import { openProcess } from "./liveness.ts";
import {
  type OomEvent,
  type PressureEvent,
  type PressureLevel,
  startOom,
  startPressure,
} from "./memory_events.ts";
import { isRunning, ownerLives } from "./phase.ts";
import { readState, stateDirectory } from "./store.ts";
import type { StoredState } from "./store_types.ts";

/** The first process runs. */
export interface StartEvent {
  /** Says so. */
  readonly type: "start";
  /** When it was started: milliseconds since 1970, to a hundredth of a second. */
  readonly time: number;
  /** Its pid on the host. */
  readonly pid: number;
}

/** The first process has ended, and with it the container. */
export interface ExitEvent<S> {
  /** Says so. */
  readonly type: "exit";
  /** When it was noticed: milliseconds since 1970. */
  readonly time: number;
  /** Pid that it had on the host. */
  readonly pid: number;
  /** How it ended; absent where nobody can know. */
  readonly status?: S;
}

/** Something that happened to a container. */
export type ContainerEvent<S> =
  | StartEvent
  | OomEvent
  | PressureEvent
  | ExitEvent<S>;

/** Options of {@linkcode watchEvents}. */
export interface EventOptions {
  /** From which level on a shortage of memory is told; `medium` unless given, `false` for never. */
  readonly pressure?: PressureLevel | false;
}

/** How long the owner of a container is given to record its end, in milliseconds. */
const RECORD_MS = 5000;
const MS_PER_TICK = 10;

/** When a process was started, from its start time in ticks since boot. */
function startedAt({ startTime }: StoredState): number {
  const [uptime = "0"] = Deno.readTextFileSync("/proc/uptime").split(" ");
  const boot = Date.now() - Math.round(Number(uptime) * 1000);
  return boot + Number(startTime) * MS_PER_TICK;
}

/** Follows the record of a container, and its processes while it runs. */
class Follower<S> implements EventSource {
  readonly #dir: string;
  readonly #sink: EventSink<ContainerEvent<S>>;
  readonly #level: PressureLevel | false;
  readonly #statusOf: (end: ExitStatus) => S;
  readonly #watches = new Set<Pick<Watch, "ref" | "unref" | "stop">>();
  #isRef = false;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Sources of memory events that have not ended yet. */
  #open = 0;
  #run: StoredState | undefined;
  /** It was seen before it was started. */
  #hasWaited = false;
  #end: { readonly status: ExitStatus | undefined } | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(
    dir: string,
    sink: EventSink<ContainerEvent<S>>,
    level: PressureLevel | false,
    statusOf: (end: ExitStatus) => S,
  ) {
    this.#dir = dir;
    this.#sink = sink;
    this.#level = level;
    this.#statusOf = statusOf;
  }

  /** Begins with what is recorded now; its directory is watched already. */
  begin(state: StoredState): void {
    if (this.#isOver) return;
    this.#add(watchFile(this.#dir, () => this.#changed(), { ref: false }));
    this.#see(state);
    this.#changed();
  }

  ref(): void {
    this.#isRef = true;
    for (const watch of this.#watches) watch.ref();
    if (this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  unref(): void {
    this.#isRef = false;
    for (const watch of this.#watches) watch.unref();
    if (this.#timer !== undefined) Deno.unrefTimer(this.#timer);
  }

  stop(): void {
    this.#isOver = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
  }

  #add(source: EventSource): () => void {
    const watch = {
      ref: () => source.ref?.(),
      unref: () => source.unref?.(),
      stop: () => source.stop(),
    };
    if (this.#isRef) watch.ref();
    else watch.unref();
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  /** Reads the record again, one reading after the other. */
  #changed(): void {
    this.#reading = this.#reading.then(async () => {
      if (!this.#isOver) this.#see(await readState(this.#dir));
    }).catch((error) => this.#sink.fail(error));
  }

  #see(state: StoredState | undefined): void {
    if (this.#isOver) return;
    if (this.#run) return this.#seeEnd(state);
    switch (state?.phase) {
      case undefined:
        return this.#sink.end(); // deleted without ever having run
      case "running":
        return this.#follow(state);
      case "stopped":
        this.#run = state;
        return this.#ended(state.exit && exitOf(state.exit));
      default:
        this.#hasWaited = true; // not started yet
    }
  }

  /** It runs: tells of that, and of what comes. */
  #follow(state: StoredState): void {
    this.#run = state;
    const { pid } = state;
    const pidfd = isRunning(state) ? openProcess(state) : undefined;
    if (pidfd !== undefined || this.#hasWaited) {
      this.#sink.push({ type: "start", time: startedAt(state), pid });
    }
    if (pidfd === undefined) return this.#ended(undefined);
    this.#listen((sink) => startOom(state, sink));
    const level = this.#level;
    if (level) this.#listen((sink) => startPressure(state, level, sink));
    const watch = watchEnd(pidfd, (status) => {
      stop();
      this.#ended(status);
    }, { reap: false });
    const stop = this.#add({
      ref: () => watch.ref(),
      unref: () => watch.unref(),
      stop: () => {
        watch.stop();
        closeFd(pidfd);
      },
    });
  }

  /** Passes on what a source tells; a container without such a group has none. */
  #listen(
    start: (sink: EventSink<OomEvent | PressureEvent>) => EventSource,
  ): void {
    let stop: (() => void) | undefined;
    let isOpen = true;
    this.#open++;
    const end = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      stop?.();
      this.#settle();
    };
    const { push, fail } = this.#sink;
    try {
      stop = this.#add(start({ push, end, fail }));
      if (!isOpen) stop();
    } catch (error) {
      isOpen = false;
      this.#open--;
      const isExpected = error instanceof HostError ||
        error instanceof StateError; // no such group; ended since
      if (!isExpected) throw error;
    }
  }

  /** The process has ended; if the kernel does not tell how, its owner may. */
  #ended(status: ExitStatus | undefined): void {
    this.#end = { status };
    if (status) return this.#settle();
    if (this.#run?.phase === "stopped") return this.#settle();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#settle();
    }, RECORD_MS);
    if (!this.#isRef) Deno.unrefTimer(this.#timer);
    this.#changed();
  }

  /** The record of a run changes once more, when it has ended. */
  #seeEnd(state: StoredState | undefined): void {
    if (!this.#end || this.#end.status || this.#timer === undefined) return;
    const run = this.#run;
    const isSame = state !== undefined && state.pid === run?.pid &&
      state.startTime === run.startTime;
    if (isSame && state.phase === "running" && ownerLives(state)) return;
    if (isSame && state.exit) this.#end = { status: exitOf(state.exit) };
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#settle();
  }

  /** The exit is told last, after what is known of the memory. */
  #settle(): void {
    const { pid = 0 } = this.#run ?? {};
    if (!this.#end || this.#isOver) return;
    if (this.#open > 0 || this.#timer !== undefined) return;
    const { status } = this.#end;
    this.#sink.push({
      type: "exit",
      time: Date.now(),
      pid,
      ...(status && { status: this.#statusOf(status) }),
    });
    this.#sink.end();
  }
}

function exitOf(
  { code, signal }: { readonly code: number; readonly signal?: number },
): ExitStatus {
  return { code, signal };
}

/** Counts of the same kind are one event. */
function merge<S>(
  earlier: ContainerEvent<S>,
  later: ContainerEvent<S>,
): ContainerEvent<S> | undefined {
  const isCounted = (earlier.type === "oom" && later.type === "oom") ||
    (earlier.type === "pressure" && later.type === "pressure");
  return isCounted
    ? { ...later, count: earlier.count + later.count }
    : undefined;
}

/** A recorded container to follow. */
export interface Followed {
  /** State root. */
  readonly stateRoot: string;
  /** Its id. */
  readonly id: string;
  /** Loads its record; unless given, whichever container has the id. */
  readonly load?: () => Promise<StoredState>;
}

/**
 * Follows a container until its first process has ended: its start (told also
 * when it runs already), want and shortage of memory, its exit. One that was
 * not started yet is waited for; of one that has ended the exit alone is told.
 *
 * Any number of programs and streams may follow a container. One without a
 * memory control group tells nothing of memory. What happens after the start
 * was told is not missed.
 *
 * @param container The container; the stream fails with `ContainerNotExists` if
 * there is none.
 * @param statusOf Makes the status in exit events.
 * @param options From which level on a shortage of memory is told.
 * @returns The events; ends after the exit, or when the container is deleted.
 *
 * @example
 * ```ts ignore
 * const demo = { stateRoot: "/run/nsinit", id: "demo" };
 * for await (const event of watchEvents(demo, ({ code }) => code)) {
 *   console.log(event.type);
 * }
 * ```
 */
export function watchEvents<S>(
  container: Followed,
  statusOf: (end: ExitStatus) => S,
  options: EventOptions = {},
): EventStream<ContainerEvent<S>> {
  const { stateRoot, id, load = () => loadState(stateRoot, id) } = container;
  const { pressure = "medium" } = options;
  const dir = stateDirectory(stateRoot, id);
  return new EventStream<ContainerEvent<S>>((sink) => {
    const follower = new Follower(dir, sink, pressure, statusOf);
    load().then((state) => follower.begin(state)).catch((error) => {
      const isGone = error instanceof KernelError &&
        error.errnoName === "ENOENT";
      sink.fail(isGone ? notThere(id) : error);
    });
    return follower;
  }, merge);
}

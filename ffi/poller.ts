/**
 * The one place where this program waits for descriptors: pidfds, pipes,
 * terminals, eventfds, inotify, pressure files.
 *
 * All stand in one epoll set (`c/poll.c`). While something is watched that keeps
 * the program alive, one nonblocking call is under way, whatever the number of
 * descriptors; while all that is watched is unref'ed, an unref'ed timer looks
 * instead, so that the event loop can end; else there is nothing.
 *
 * @module
 */
import { library } from "./library.ts";
import { closeFd, unwrap } from "./native.ts";
import { noteTurn } from "./turns.ts";

/** What to wait for: data, room to write, an exceptional event (pressure), or the other side's end alone. */
export type Interest = "read" | "write" | "priority" | "end";

/** What a descriptor is ready for. */
export interface Readiness {
  /** Data, or the end of it. */
  readonly readable: boolean;
  /** Room to write. */
  readonly writable: boolean;
  /** An exceptional event: EPOLLPRI. */
  readonly priority: boolean;
  /** The other side is closed: EPOLLHUP. */
  readonly ended: boolean;
  /** EPOLLERR, e.g. nobody reads a pipe any more. */
  readonly failed: boolean;
}

/** Something that is being watched. */
export interface Watch {
  /** Ends it; the callback is not called any more. Again is fine. */
  stop(): void;
  /** It keeps the program running, which is the rule. */
  ref(): void;
  /** The program may end while it is watched. */
  unref(): void;
}

/** Options of waits. */
export interface WaitOptions {
  /** Gives the wait up; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** `false`: the program may end meanwhile. */
  readonly ref?: boolean;
}

const POLLIN = 0x1;
const POLLPRI = 0x2;
const POLLOUT = 0x4;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const BATCH = 256;
/** How often unref'ed watches are looked at, in milliseconds. */
const LOOK_MS = 10;

const EVENTS = { read: POLLIN, write: POLLOUT, priority: POLLPRI, end: 0 };

function readinessOf(events: number): Readiness {
  return {
    readable: (events & POLLIN) !== 0,
    writable: (events & POLLOUT) !== 0,
    priority: (events & POLLPRI) !== 0,
    ended: (events & POLLHUP) !== 0,
    failed: (events & POLLERR) !== 0,
  };
}

interface Watcher {
  readonly interest: Interest;
  readonly callback: (readiness: Readiness) => void;
  isRef: boolean;
  isActive: boolean;
}

/** One descriptor in the set. */
interface Entry {
  readonly fd: number;
  readonly generation: number;
  readonly watchers: Set<Watcher>;
}

/** Wanted events. The edge-triggered mode of POLLPRI is for that alone. */
function eventsOf(entry: Entry): number {
  let events = 0;
  for (const { interest } of entry.watchers) events |= EVENTS[interest];
  return events;
}

/** Descriptors of the epoll set. */
interface Descriptors {
  readonly fd: number;
  readonly wake: number;
}

/**
 * Waits for descriptors; {@linkcode poller} is the one there is.
 *
 * A descriptor is to be given to {@linkcode Poller.close}, or released, before
 * its number can be used again. Callbacks run on the main thread; what one
 * throws is reported as an uncaught error and stops no other.
 */
export class Poller {
  readonly #entries = new Map<number, Entry>();
  readonly #events = new Uint32Array(3 * BATCH);
  readonly #buffer = new Uint8Array(this.#events.buffer);
  #set: Descriptors | undefined;
  #generation = 0;
  #refs = 0;
  #loop: Promise<void> | undefined;
  #isWaiting = false;
  #isWoken = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Calls back whenever a descriptor is ready, until stopped.
   *
   * As long as it stays ready it is called again and again; `priority` alone is
   * called once for each event. The end of the other side and errors are
   * delivered whatever was asked for.
   *
   * @param fd Descriptor, borrowed.
   * @param interest What to wait for.
   * @param callback Called with what it is ready for.
   * @param options `ref: false` not to keep the program running.
   * @returns The watch.
   * @throws {KernelError} `SystemError` for what cannot be waited for (EPERM:
   * regular files are always ready), or which is not open (EBADF).
   *
   * @example
   * ```ts ignore
   * const watch = poller.watch(eventfd, "read", () => drain(eventfd));
   * watch.stop();
   * ```
   */
  watch(
    fd: number,
    interest: Interest,
    callback: (readiness: Readiness) => void,
    options: { readonly ref?: boolean } = {},
  ): Watch {
    const isRef = options.ref !== false;
    const watcher: Watcher = { interest, callback, isRef, isActive: true };
    const entry = this.#entries.get(fd) ?? this.#entryOf(fd);
    entry.watchers.add(watcher);
    try {
      this.#arm(entry);
    } catch (error) {
      entry.watchers.delete(watcher);
      if (entry.watchers.size === 0) this.#entries.delete(fd);
      throw error;
    }
    if (isRef) this.#refs++;
    this.#settle();
    return {
      stop: () => this.#stop(entry, watcher),
      ref: () => this.#setRef(watcher, true),
      unref: () => this.#setRef(watcher, false),
    };
  }

  /**
   * Waits once.
   *
   * @param fd Descriptor, borrowed.
   * @param interest What to wait for.
   * @param options Signal that gives up; `ref: false` not to keep the program running.
   * @returns What it is ready for.
   * @throws {KernelError} `SystemError` as {@linkcode Poller.watch}.
   * @throws The signal's reason.
   *
   * @example
   * ```ts ignore
   * const { ended } = await poller.ready(pipe, "read");
   * ```
   */
  ready(
    fd: number,
    interest: Interest,
    options: WaitOptions = {},
  ): Promise<Readiness> {
    const { signal, ref = true } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const giveUp = () => {
        watch.stop();
        reject(signal?.reason);
      };
      const watch = this.watch(fd, interest, (readiness) => {
        watch.stop();
        signal?.removeEventListener("abort", giveUp);
        resolve(readiness);
      }, { ref });
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }

  /**
   * Ends all watches of a descriptor, which may be closed then.
   *
   * Waits of {@linkcode Poller.ready} for it never settle: give them up by
   * their signal first.
   *
   * @param fd Descriptor.
   */
  release(fd: number): void {
    const entry = this.#entries.get(fd);
    if (!entry) return;
    for (const watcher of [...entry.watchers]) this.#stop(entry, watcher);
  }

  /**
   * Releases a descriptor and closes it.
   *
   * @param fd Descriptor, owned by the caller.
   * @throws {KernelError} `SystemError` if it is not open.
   */
  close(fd: number): void {
    this.release(fd);
    closeFd(fd);
  }

  /**
   * Waits until no call is under way any more, when nothing keeps the program.
   * With something watched it returns at once.
   *
   * @returns Nothing.
   */
  async settled(): Promise<void> {
    while (this.#refs === 0 && this.#loop) await this.#loop;
  }

  /** How many descriptors are watched. */
  get size(): number {
    return this.#entries.size;
  }

  #open(): Descriptors {
    if (this.#set) return this.#set;
    const out = new Int32Array(2);
    unwrap(
      library().nsi_poll_open(new Uint8Array(out.buffer)),
      "make an epoll set",
    );
    return this.#set = { fd: out[0] ?? -1, wake: out[1] ?? -1 };
  }

  #entryOf(fd: number): Entry {
    // 0 is the eventfd's.
    this.#generation = this.#generation % 0xffff_ffff + 1;
    return { fd, generation: this.#generation, watchers: new Set() };
  }

  /** Adds a descriptor, or asks again for what it is wanted for. */
  #arm(entry: Entry): void {
    const { fd, generation } = entry;
    const isKnown = this.#entries.has(fd);
    unwrap(
      library().nsi_poll_watch(
        this.#open().fd,
        fd,
        generation,
        eventsOf(entry),
        isKnown ? 1 : 0,
      ),
      `wait for descriptor ${fd}`,
    );
    this.#entries.set(fd, entry);
  }

  #stop(entry: Entry, watcher: Watcher): void {
    if (!watcher.isActive) return;
    watcher.isActive = false;
    entry.watchers.delete(watcher);
    if (watcher.isRef) this.#refs--;
    if (entry.watchers.size === 0) this.#forget(entry);
    this.#settle();
  }

  #forget({ fd }: Entry): void {
    this.#entries.delete(fd);
    unwrap(
      library().nsi_poll_forget(this.#open().fd, fd),
      `stop waiting for descriptor ${fd}`,
    );
  }

  #setRef(watcher: Watcher, isRef: boolean): void {
    if (!watcher.isActive || watcher.isRef === isRef) return;
    watcher.isRef = isRef;
    this.#refs += isRef ? 1 : -1;
    this.#settle();
  }

  /** Brings what is under way in line with what is watched. */
  #settle(): void {
    if (this.#refs > 0) {
      this.#cancelLook();
      this.#loop ??= this.#run();
    } else if (this.#isWaiting) {
      if (!this.#isWoken) {
        unwrap(
          library().nsi_poll_wake(this.#open().wake),
          "end the wait for descriptors",
        );
      }
      this.#isWoken = true;
    } else if (this.#entries.size === 0) {
      this.#cancelLook();
    } else if (!this.#loop && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#look(), LOOK_MS);
      Deno.unrefTimer(this.#timer);
    }
  }

  #cancelLook(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #run(): Promise<void> {
    const { fd } = this.#open();
    while (this.#refs > 0) {
      this.#isWaiting = true;
      const count = await library().nsi_poll_wait(fd, this.#buffer, BATCH, -1);
      this.#isWaiting = this.#isWoken = false;
      noteTurn();
      this.#dispatch(unwrap(count, "wait for descriptors"));
    }
    this.#loop = undefined;
    this.#settle();
  }

  #look(): void {
    this.#timer = undefined;
    const count = library().nsi_poll_look(
      this.#open().fd,
      this.#buffer,
      BATCH,
    );
    this.#dispatch(unwrap(count, "look at descriptors"));
    this.#settle();
  }

  #dispatch(count: number): void {
    // A callback may start a look of its own: what came is read first.
    const found = this.#events.slice(0, 3 * count);
    for (let at = 0; at < found.length; at += 3) {
      const [fd = -1, generation, events = 0] = found.subarray(at, at + 3);
      const entry = this.#entries.get(fd);
      // Of a descriptor that was closed meanwhile, its number given to another.
      if (entry && entry.generation === generation) {
        this.#deliver(entry, events);
      }
    }
  }

  #deliver(entry: Entry, events: number): void {
    const readiness = readinessOf(events);
    for (const watcher of [...entry.watchers]) {
      const wanted = EVENTS[watcher.interest] | POLLERR | POLLHUP;
      if (!watcher.isActive || (events & wanted) === 0) continue;
      try {
        watcher.callback(readiness);
      } catch (error) {
        reportError(error);
      }
    }
    const isLeft = this.#entries.get(entry.fd) === entry;
    if (isLeft && eventsOf(entry) !== POLLPRI) this.#arm(entry);
  }
}

/** The poller of this program; a worker has one of its own. */
export const poller: Poller = new Poller();

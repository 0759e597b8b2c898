/**
 * Changes of files, by one inotify instance for the whole program: users have
 * few of those, however many watches each has.
 *
 * @module
 */
import { library } from "./library.ts";
import { closeFd, cString, unwrap } from "./native.ts";
import { poller, type Watch } from "./poller.ts";

const IN_MODIFY = 0x2;
const IN_MOVED_TO = 0x80;
const IN_DELETE = 0x200;
const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;
/** The same for all: a file has one watch, and so one mask. */
const MASK = IN_MODIFY | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
  IN_MOVE_SELF;

const EAGAIN = 11;
const HEADER = 16;
const EVERYONE = "everyone";

/** Somebody who is told of changes of a file. */
interface Listener {
  readonly changed: () => void;
  isRef: boolean;
}

class Inotify {
  readonly #files = new Map<number, Set<Listener>>();
  readonly #buffer = new Uint8Array(65536);
  #fd = -1;
  #watch: Watch | undefined;

  add(path: string, listener: Listener): number {
    if (this.#fd < 0) this.#open();
    try {
      const id = unwrap(
        library().nsi_inotify_add(this.#fd, cString(path), MASK),
        `watch ${path} for changes`,
      );
      const listeners = this.#files.get(id) ?? new Set();
      this.#files.set(id, listeners.add(listener));
      return id;
    } finally {
      this.settle();
    }
  }

  remove(id: number, listener: Listener): void {
    const listeners = this.#files.get(id);
    if (!listeners?.delete(listener)) return;
    if (listeners.size === 0) {
      this.#files.delete(id);
      // Of a file that is gone the kernel has removed the watch itself: EINVAL.
      library().nsi_inotify_remove(this.#fd, id);
    }
    this.settle();
  }

  /** Keeps the instance while something is watched, and the program while somebody wants that. */
  settle(): void {
    if (this.#fd < 0) return;
    if (this.#files.size === 0) {
      this.#watch?.stop();
      this.#watch = undefined;
      closeFd(this.#fd);
      this.#fd = -1;
      return;
    }
    const isRef = [...this.#files.values()].some((listeners) =>
      [...listeners].some((listener) => listener.isRef)
    );
    if (isRef) this.#watch?.ref();
    else this.#watch?.unref();
  }

  #open(): void {
    const fd = unwrap(
      library().nsi_inotify_open(),
      "make an inotify instance (sysctl fs.inotify.max_user_instances limits them)",
    );
    try {
      this.#watch = poller.watch(fd, "read", () => this.#read());
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    this.#fd = fd;
  }

  #read(): void {
    const changed = new Set<number | typeof EVERYONE>();
    for (;;) {
      const result = Number(
        library().nsi_read(
          this.#fd,
          this.#buffer,
          BigInt(this.#buffer.length),
        ),
      );
      if (result === -EAGAIN) break;
      const length = unwrap(result, "read what changed");
      if (length === 0) break;
      this.#collect(length, changed);
    }
    for (const [id, listeners] of [...this.#files]) {
      if (!changed.has(id) && !changed.has(EVERYONE)) continue;
      for (const listener of [...listeners]) listener.changed();
    }
  }

  /** Reads `struct inotify_event` records; a queue that ran over (-1) is a change of all. */
  #collect(length: number, changed: Set<number | typeof EVERYONE>): void {
    const view = new DataView(this.#buffer.buffer, 0, length);
    for (let at = 0; at + HEADER <= length;) {
      const id = view.getInt32(at, true);
      changed.add(id < 0 ? EVERYONE : id);
      at += HEADER + view.getUint32(at + 12, true);
    }
  }
}

const inotify = new Inotify();

/**
 * Calls back after changes of a file, or of what is in a directory, and when it
 * is removed. Several changes may be told at once.
 *
 * @param path The file or directory; a symlink is not followed.
 * @param changed Called back; the file may be gone by then.
 * @param options `ref: false` not to keep the program running.
 * @returns The watch.
 * @throws {KernelError} `SystemError` if it cannot be watched.
 *
 * @example
 * ```ts ignore
 * const watch = watchFile("/sys/fs/cgroup/demo/memory.events", () => count());
 * watch.stop();
 * ```
 */
export function watchFile(
  path: string,
  changed: () => void,
  options: { readonly ref?: boolean } = {},
): Watch {
  const listener = { changed, isRef: options.ref !== false };
  const id = inotify.add(path, listener);
  const setRef = (isRef: boolean): void => {
    listener.isRef = isRef;
    inotify.settle();
  };
  return {
    stop: () => inotify.remove(id, listener),
    ref: () => setRef(true),
    unref: () => setRef(false),
  };
}

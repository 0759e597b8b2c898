/**
 * Bytes of non-blocking descriptors, and what terminals need.
 *
 * @module
 */
import { KernelError } from "../lib/errors.ts";
import { describeErrno, errnoName } from "./errno.ts";
import { library } from "./library.ts";
import { closeFd, makePipe, unwrap } from "./native.ts";

const EINTR = 4;
const POLLERR = 0x8;
const POLLHUP = 0x10;

/** Failures that streams tell apart, and how others are worded. */
export const FAILURES = {
  /** Input or output error: the end of a terminal. */
  EIO: 5,
  /** Would have to wait. */
  EAGAIN: 11,
  /** Nobody reads. */
  EPIPE: 32,
  /** Makes the error for a positive errno. */
  error(errno: number, attempt: string): KernelError {
    return new KernelError(`Cannot ${attempt}: ${describeErrno(errno)}`, {
      errno,
      errnoName: errnoName(errno),
    });
  },
} as const;

/**
 * Reads what is there.
 *
 * @param fd Non-blocking descriptor, borrowed.
 * @param into Room.
 * @returns How many bytes; 0 at the end; a negative errno.
 */
export function readSome(fd: number, into: Uint8Array<ArrayBuffer>): number {
  for (;;) {
    const count = Number(library().nsi_read(fd, into, BigInt(into.length)));
    if (count !== -EINTR) return count;
  }
}

/**
 * Writes what there is room for.
 *
 * @param fd Non-blocking descriptor, borrowed.
 * @param data Bytes; at least one.
 * @returns How many were written; a negative errno.
 */
export function writeSome(fd: number, data: Uint8Array): number {
  for (;;) {
    const count = Number(
      library().nsi_write(
        fd,
        data as Uint8Array<ArrayBuffer>,
        BigInt(data.length),
      ),
    );
    if (count !== -EINTR) return count;
  }
}

/**
 * Looks at the state of a pipe or terminal without waiting.
 *
 * @param fd Descriptor, borrowed.
 * @returns `ended`: nobody has the other end for writing; `failed`: for reading.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function pollState(
  fd: number,
): { readonly ended: boolean; readonly failed: boolean } {
  const events = unwrap(library().nsi_poll_state(fd, 0), "look at a stream");
  return {
    ended: (events & POLLHUP) !== 0,
    failed: (events & POLLERR) !== 0,
  };
}

/**
 * Tells how much can be read now.
 *
 * @param fd Descriptor of a pipe, borrowed.
 * @returns Bytes.
 * @throws {KernelError} `SystemError` for what is no pipe.
 */
export function pendingBytes(fd: number): number {
  return unwrap(library().nsi_pending(fd), "look into a pipe");
}

/**
 * Makes a descriptor of our own non-blocking.
 *
 * @param fd Descriptor whose open file nobody else has.
 * @returns The descriptor.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function makeNonBlocking(fd: number): number {
  unwrap(library().nsi_nonblock(fd), `use descriptor ${fd}`);
  return fd;
}

/** A pipe of which one end is ours. */
export interface HalfPipe {
  /** Non-blocking end. */
  readonly outer: number;
  /** The container's end. */
  readonly inner: number;
}

/**
 * Makes a pipe to or from a container.
 *
 * @param direction `in`: we write; `out`: we read.
 * @returns Both ends, close-on-exec, owned by the caller.
 * @throws {KernelError} `SystemError` if there are no descriptors left.
 */
export function makeHalfPipe(direction: "in" | "out"): HalfPipe {
  const [read, write] = makePipe();
  const [outer, inner] = direction === "in" ? [write, read] : [read, write];
  makeNonBlocking(outer);
  return { outer, inner };
}

/**
 * Opens the file of a descriptor once more, non-blocking: the flag would
 * otherwise hold for all who share it.
 *
 * @param fd Descriptor, borrowed.
 * @param direction `in`: for reading; `out`: for writing.
 * @returns A descriptor, owned by the caller.
 * @throws {KernelError} `SystemError` if it cannot be opened.
 */
export function reopen(fd: number, direction: "in" | "out"): number {
  return unwrap(
    library().nsi_reopen(fd, direction === "out" ? 1 : 0),
    `open descriptor ${fd} once more`,
  );
}

/**
 * Opens the inner end of a pty, by which it does not end while a program has
 * closed all of its own.
 *
 * @param master Its outer end, borrowed.
 * @returns A descriptor, owned by the caller.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function openPtyPeer(master: number): number {
  return unwrap(
    library().nsi_pty_peer(master),
    "open the inner end of the terminal",
  );
}

/**
 * Sets the size of a terminal, which sends SIGWINCH inside.
 *
 * @param fd Of the terminal, borrowed.
 * @param size In characters, at most 65535 each.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function resizeWindow(
  fd: number,
  size: { readonly columns: number; readonly rows: number },
): void {
  unwrap(
    library().nsi_window_resize(fd, size.rows, size.columns),
    "resize the terminal",
  );
}

/** Closes those of some descriptors that are open. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) if (fd >= 0) closeFd(fd);
}

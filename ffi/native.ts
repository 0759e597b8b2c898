/**
 * Small typed functions through which everything else reaches C. Executions of
 * Plans are in plan_run.ts, which many commands do without.
 *
 * @module
 */
import { KernelError } from "../lib/errors.ts";
import { describeErrno, errnoName } from "./errno.ts";
import { library } from "./library.ts";

const encoder = new TextEncoder();
/** A pidfd is readable once its process has ended. */
const POLLIN = 1;

/** A text as C takes it; one with a NUL byte is refused. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new TypeError(`Cannot pass ${JSON.stringify(text)}: NUL byte`);
  }
  return encoder.encode(text + "\0");
}

/**
 * Throws for a negative result.
 *
 * @param result What C returned.
 * @param attempt What was attempted, as the end of "Cannot ...".
 * @returns The result.
 * @throws {KernelError} `SystemError` for a negative result.
 *
 * @example
 * ```ts
 * import { unwrap } from "./native.ts";
 *
 * if (unwrap(3, "open a thing") !== 3) throw new Error("changed");
 * ```
 */
export function unwrap(result: number, attempt: string): number {
  if (result >= 0) return result;
  throw new KernelError(`Cannot ${attempt}: ${describeErrno(-result)}`, {
    errno: -result,
    errnoName: errnoName(-result),
  });
}

/**
 * Holds back signals that would end this process, for the monitor to forward.
 *
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function holdSignals(): void {
  unwrap(library().nsi_signals_hold(), "hold signals back");
}

/** Lets held signals act; one that waits may end this process here. */
export function releaseSignals(): void {
  library().nsi_signals_release();
}

/** Opens a pidfd; undefined when there is no such process. */
export function openPidfd(pid: number): number | undefined {
  const fd = library().nsi_pidfd_open(pid);
  if (fd === -3) return undefined;
  return unwrap(fd, `open a pidfd of process ${pid}`);
}

/** Sends a signal through a pidfd; false when the process is gone. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = library().nsi_pidfd_signal(pidfd, signal);
  if (result === -3) return false;
  unwrap(result, `send signal ${signal}`);
  return true;
}

/** Whether the process of a pidfd has ended, reaped or not. */
export function hasEnded(pidfd: number): boolean {
  const events = library().nsi_poll_state(pidfd, POLLIN);
  return unwrap(events, "look at a process") !== 0;
}

/** Closes a descriptor. */
export function closeFd(fd: number): void {
  unwrap(library().nsi_close(fd), `close descriptor ${fd}`);
}

/** Whether a descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  return library().nsi_isatty(fd) === 1;
}

/** Rows and columns of a terminal; undefined when the descriptor is none. */
export function windowSize(
  fd: number,
): { rows: number; columns: number } | undefined {
  const out = new Uint32Array(2);
  const result = library().nsi_window_size(fd, new Uint8Array(out.buffer));
  if (result < 0) return undefined;
  return { rows: out[0] ?? 0, columns: out[1] ?? 0 };
}

/** Makes a close-on-exec pipe: read end, write end. */
export function makePipe(): [read: number, write: number] {
  const out = new Int32Array(2);
  unwrap(library().nsi_pipe(new Uint8Array(out.buffer)), "make a pipe");
  return [out[0] ?? -1, out[1] ?? -1];
}

/** Opens the host's null device for reading and writing. */
export function openNull(): number {
  return unwrap(library().nsi_null(), "open /dev/null");
}

/** Effective user id. */
export function effectiveUserId(): number {
  return library().nsi_geteuid();
}

/**
 * Reads a descriptor to its end, at most `limit` bytes.
 *
 * @param fd Descriptor; stays open.
 * @param limit Largest size accepted, in bytes.
 * @returns The bytes; undefined when there are more than `limit`.
 * @throws {KernelError} `SystemError` if reading fails.
 */
export function readDescriptor(
  fd: number,
  limit: number,
): Uint8Array<ArrayBuffer> | undefined {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  while (total <= limit) {
    const chunk = new Uint8Array(65536);
    const count = Number(
      library().nsi_read(fd, chunk, BigInt(chunk.length)),
    );
    unwrap(count, `read descriptor ${fd}`);
    if (count === 0) {
      const all = new Uint8Array(total);
      let at = 0;
      for (const part of chunks) {
        all.set(part, at);
        at += part.length;
      }
      return all;
    }
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return undefined;
}

/** Writes bytes to a descriptor in full. */
export function writeDescriptor(
  fd: number,
  data: Uint8Array<ArrayBuffer>,
): void {
  for (let done = 0; done < data.length;) {
    const rest = data.subarray(done);
    done += unwrap(
      Number(library().nsi_write(fd, rest, BigInt(rest.length))),
      `write to descriptor ${fd}`,
    );
  }
}

/** Result of {@linkcode lockDirectory} other than a descriptor. */
export type LockFailure = "missing" | "stale" | "busy";

/** Flag of `nsi_dir_lock()`: a lock that is held is -EAGAIN. */
const LOCK_NO_WAIT = 2;

/**
 * Locks a directory unless its lock is held.
 *
 * @param path Directory.
 * @returns The descriptor that holds the lock, or why there is none.
 * @throws {KernelError} `SystemError` for other failures.
 */
export function lockDirectory(path: string): number | LockFailure {
  const result = library().nsi_dir_lock(cString(path), LOCK_NO_WAIT);
  switch (-result) {
    case 2:
      return "missing";
    case 116:
      return "stale";
    case 11:
      return "busy";
    default:
      return unwrap(result, `lock ${path}`);
  }
}

/** Gives a directory lock up; the descriptor stays open. */
export function unlockDirectory(fd: number): void {
  unwrap(library().nsi_dir_unlock(fd), "unlock the state directory");
}

/** Options of {@linkcode replaceFile}. */
export interface ReplaceOptions {
  /** Permission bits. */
  readonly mode: number;
  /** Keep the file open and return its descriptor. */
  readonly keep?: boolean;
  /** Refuse to replace something that is not a regular file. */
  readonly regularOnly?: boolean;
}

/**
 * Writes a file under a temporary name and renames it, following no links.
 *
 * @returns A write descriptor when `keep` is set, else 0.
 * @throws {KernelError} `SystemError` if it cannot be written.
 */
export function replaceFile(
  dir: string,
  name: string,
  data: Uint8Array<ArrayBuffer>,
  options: ReplaceOptions,
): number {
  const flags = (options.keep ? 1 : 0) | (options.regularOnly ? 2 : 0);
  const result = library().nsi_file_replace(
    cString(dir),
    cString(name),
    cString(temporaryName(name)),
    data,
    BigInt(data.length),
    options.mode,
    flags,
  );
  return unwrap(result, `write ${dir}/${name}`);
}

/**
 * Name under which {@linkcode replaceFile} writes before it renames. It is
 * fixed, so that what a killed writer left can be found and removed.
 */
export function temporaryName(name: string): string {
  return `.${name}.nsinit`;
}

/** Inode of a regular file, no links followed; undefined when it is missing or none. */
export function inodeOf(dir: string, name: string): bigint | undefined {
  const out = new BigUint64Array(1);
  const result = library().nsi_file_inode(
    cString(dir),
    cString(name),
    new Uint8Array(out.buffer),
  );
  return result < 0 ? undefined : out[0];
}

/** What libseccomp would not take. */
export interface SeccompRefusal {
  /** A call whose name is unknown, an architecture, or a whole rule. */
  readonly refused: "name" | "architecture" | "rule";
  /** Its index among the rules or the architectures. */
  readonly index: number;
}

/**
 * Compiles packed seccomp rules with libseccomp.
 *
 * @param rules Packed as in `c/seccomp_compile.c`.
 * @returns The BPF program, or what was refused.
 * @throws {KernelError} `SystemError` if libseccomp fails otherwise.
 */
export function compileSeccomp(
  rules: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | SeccompRefusal {
  const out = new Uint8Array(65536 * 8);
  const length = library().nsi_seccomp_compile(
    rules,
    rules.length,
    out,
    out.length,
  );
  if (length <= -200_000) return { refused: "rule", index: -length - 200_000 };
  if (length <= -100_000) {
    return { refused: "architecture", index: -length - 100_000 };
  }
  if (length <= -10_000) return { refused: "name", index: -length - 10_000 };
  unwrap(length, "compile the seccomp filter");
  return out.slice(0, length);
}

/** How a process ended: wait status of waitid(2). */
export interface ExitStatus {
  /** Exit code, or 128 + signal. */
  readonly code: number;
  /** Signal number, when one ended it. */
  readonly signal: number | undefined;
}

/** Waits for a child through its pidfd; blocks. */
export function waitPidfd(pidfd: number): ExitStatus {
  const out = new Int32Array(2);
  unwrap(
    library().nsi_wait(pidfd, 0, new Uint8Array(out.buffer)),
    "wait for the process inside",
  );
  return exitStatusOf(out);
}

/**
 * Reads what `nsi_wait` and `nsi_pidfd_exit` fill in.
 *
 * @param out `si_code` and `si_status` of waitid(2).
 * @returns The status.
 *
 * @example
 * ```ts
 * import { exitStatusOf } from "./native.ts";
 *
 * if (exitStatusOf(new Int32Array([2, 9])).code !== 137) throw new Error("changed");
 * ```
 */
export function exitStatusOf(out: Int32Array): ExitStatus {
  const exited = out[0] === 1; // CLD_EXITED
  const status = out[1] ?? 0;
  return exited
    ? { code: status, signal: undefined }
    : { code: 128 + status, signal: status };
}

/**
 * Opens a directory.
 *
 * @param path Its path; a link in its place is refused.
 * @returns A descriptor, owned by the caller.
 * @throws {KernelError} `SystemError` if it cannot be opened.
 */
export function openDirectory(path: string): number {
  return unwrap(library().nsi_dir_open(cString(path)), `open ${path}`);
}

/**
 * Tells how much room is left on a file system.
 *
 * @param path A file or directory of it.
 * @returns Bytes that may still be written, as statfs(2) has it; 2^63 - 1 where nothing is counted.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function roomLeft(path: string): bigint {
  const left = library().nsi_fs_room(cString(path));
  if (left < 0n) unwrap(Number(left), `see how full the disk of ${path} is`);
  return left;
}

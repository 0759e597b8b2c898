/**
 * Files of control groups and of `/proc`, which come and go with what they are
 * about.
 *
 * @module
 */
import { describeErrno, errnoName } from "../../ffi/errno.ts";
import { loadText } from "../../ffi/state_files.ts";
import { KernelError } from "../errors.ts";

/** ENOENT, ESRCH, ENODEV: what it is about is gone; EOPNOTSUPP: not measured here. */
const ABSENT = [2, 3, 19, 95];

/** The same by their names. */
const ABSENT_NAMES = ["ENOENT", "ESRCH", "ENODEV", "EOPNOTSUPP"];
/** Longer than any of these files. */
const LIMIT_BYTES = 1024 * 1024;

/** Number of the error that the system gave; 0 when it gave none. */
export function errnoOf(error: unknown): number {
  const text = error instanceof Error ? error.message : "";
  return Number(/\(os error (\d+)\)/.exec(text)?.[1] ?? 0);
}

function failure(attempt: string, path: string, cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (errno === 0) return cause;
  return new KernelError(`Cannot ${attempt} ${path}: ${describeErrno(errno)}`, {
    errno,
    errnoName: errnoName(errno),
    cause,
    context: { path },
  });
}

/**
 * Reads a file that the kernel may not have.
 *
 * @param path The file.
 * @returns Its text; undefined when the kernel has none, or its subject is gone.
 * @throws {KernelError} `SystemError` for other failures.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readIfThere } from "./group_files.ts";
 *
 * assertEquals(readIfThere("/proc/self/no-such-file"), undefined);
 * ```
 */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (ABSENT.includes(errnoOf(error))) return undefined;
    throw failure("read", path, error);
  }
}

/**
 * As {@linkcode readIfThere}, for who reads thousands: a third of the system
 * calls, once the library is open.
 *
 * @param path The file; no link is followed as its last component.
 * @returns Its text; undefined when the kernel has none, or its subject is gone.
 * @throws {KernelError} `SystemError` for other failures.
 *
 * @example
 * ```ts ignore
 * const text = readQuickly("/sys/fs/cgroup/nsinit/demo/pids.current");
 * ```
 */
export function readQuickly(path: string): string | undefined {
  try {
    return loadText(path, LIMIT_BYTES);
  } catch (error) {
    const isAbsent = error instanceof KernelError &&
      ABSENT_NAMES.includes(error.errnoName);
    if (isAbsent) return undefined;
    throw error;
  }
}

/**
 * Writes a file of a control group.
 *
 * @param path The file; never made.
 * @param value What is written.
 * @returns False when the group is gone.
 * @throws {KernelError} `SystemError` for other failures.
 */
export function writeIfThere(path: string, value: string): boolean {
  try {
    Deno.writeTextFileSync(path, value, { create: false });
    return true;
  } catch (error) {
    if ([2, 19].includes(errnoOf(error))) return false;
    throw failure(`write ${JSON.stringify(value)} to`, path, error);
  }
}

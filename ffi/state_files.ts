/**
 * Files of states: their locks, reading and removing, each in one call that
 * does not wait.
 *
 * @module
 */
import { library } from "./library.ts";
import { cString, type LockFailure, temporaryName, unwrap } from "./native.ts";

const ENOENT = 2;
const EAGAIN = 11;
const EINVAL = 22;
const ELOOP = 40;
const ESTALE = 116;
const FLAG_MAKE = 1;

/** Why a state directory could not be locked: as of any directory, or the negative errno of what the kernel, or the root that is not ours alone, refuses. */
export type StateLockFailure = LockFailure | number;

/**
 * Locks a container's directory below a state root unless its lock is held.
 *
 * @param root State root; it must belong to this user, and nobody else may write to it.
 * @param name Name of the directory in it.
 * @param make Whether a missing directory is made, for its owner alone; the root never is.
 * @returns The descriptor that holds the lock, or why there is none: a number below 0 is an errno.
 *
 * @example
 * ```ts ignore
 * const lock = lockStateDirectory("/run/nsinit", "demo", true);
 * ```
 */
export function lockStateDirectory(
  root: string,
  name: string,
  make: boolean,
): StateLockFailure {
  const flags = make ? FLAG_MAKE : 0;
  const result = library().nsi_state_lock(cString(root), cString(name), flags);
  if (result >= 0) return result;
  switch (-result) {
    case ENOENT:
      return "missing";
    case ESTALE:
      return "stale";
    case EAGAIN:
      return "busy";
    default:
      return result;
  }
}

const decoder = new TextDecoder();
let buffer = new Uint8Array(65536);

/** The file's bytes, in a buffer that the next call uses again. */
function load(path: string, limit: number): Uint8Array | undefined {
  const name = cString(path);
  for (;;) {
    const size = BigInt(buffer.length);
    const count = Number(library().nsi_file_load(name, buffer, size));
    if (count === -ENOENT) return undefined;
    if (count === -EINVAL || count === -ELOOP || count > limit) {
      throw new TypeError("it is not a regular file of ordinary size");
    }
    unwrap(count, `read ${path}`);
    if (count <= buffer.length) return buffer.subarray(0, count);
    buffer = new Uint8Array(count);
  }
}

/**
 * Reads a regular file; no link is followed as its last component.
 *
 * @param path Absolute path.
 * @param limit Largest size accepted, in bytes.
 * @returns Its bytes; undefined when there is no such file.
 * @throws {TypeError} If it is no regular file, or larger.
 * @throws {KernelError} `SystemError` if it cannot be read.
 *
 * @example
 * ```ts ignore
 * const program = loadBytes("/run/nsinit-filters/0123456789abcdef", 1 << 20);
 * ```
 */
export function loadBytes(
  path: string,
  limit: number,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = load(path, limit);
  return bytes && new Uint8Array(bytes);
}

/**
 * Reads a regular file as text; no link is followed as its last component.
 *
 * @param path Absolute path.
 * @param limit Largest size accepted, in bytes.
 * @returns The text; undefined when there is no such file.
 * @throws {TypeError} If it is no regular file, or larger.
 * @throws {KernelError} `SystemError` if it cannot be read.
 *
 * @example
 * ```ts ignore
 * const text = loadText("/run/nsinit/demo/state.json", 1 << 20);
 * ```
 */
export function loadText(path: string, limit: number): string | undefined {
  const bytes = load(path, limit);
  return bytes && decoder.decode(bytes);
}

/**
 * Names a file and the time of its last change.
 *
 * @param path Absolute path; no link is followed as its last component.
 * @returns A number that is another one for another file and for one that has been written to; 0 when there is none.
 *
 * @example
 * ```ts ignore
 * const before = stampOf("/run/nsinit/demo/state.json");
 * ```
 */
export function stampOf(path: string): bigint {
  return library().nsi_file_stamp(cString(path));
}

/**
 * Name of the spare of a file that {@linkcode writeRecord} writes. It is fixed,
 * so that it can be found and removed.
 *
 * @param name Name of the file.
 * @returns Name of the spare.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spareOf } from "./state_files.ts";
 *
 * assertEquals(spareOf("state.json"), ".state.json.nsinit");
 * ```
 */
export function spareOf(name: string): string {
  return temporaryName(name);
}

/**
 * Writes a file that is written again and again, so that readers see the old or
 * the new one; one writer at a time. Its spare stays beside it.
 *
 * @param dir Directory; no link is followed.
 * @param name Name of the file in it.
 * @param data Its content.
 * @param mode Its permission bits.
 * @throws {KernelError} `SystemError` if it cannot be written.
 *
 * @example
 * ```ts ignore
 * writeRecord("/run/nsinit/demo", "state.json", new Uint8Array(), 0o600);
 * ```
 */
export function writeRecord(
  dir: string,
  name: string,
  data: Uint8Array<ArrayBuffer>,
  mode: number,
): void {
  const result = library().nsi_record_write(
    cString(dir),
    cString(name),
    cString(spareOf(name)),
    data,
    BigInt(data.length),
    mode,
  );
  unwrap(result, `write ${dir}/${name}`);
}

/**
 * Names bytes: FNV-1a of 64 bits, no proof against those who look for a collision.
 *
 * @param bytes Any.
 * @returns 16 hex digits.
 *
 * @example
 * ```ts ignore
 * hashOf(new Uint8Array()); // "cbf29ce484222325"
 * ```
 */
export function hashOf(bytes: Uint8Array<ArrayBuffer>): string {
  const hash = library().nsi_hash(bytes, BigInt(bytes.length));
  return hash.toString(16).padStart(16, "0");
}

/**
 * Removes a file of a directory; no link is followed.
 *
 * @param dir The directory.
 * @param name Name in it; a missing one is fine.
 * @throws {KernelError} `SystemError` if it cannot be removed.
 *
 * @example
 * ```ts ignore
 * removeFile("/run/nsinit/demo", ".state.json.nsinit");
 * ```
 */
export function removeFile(dir: string, name: string): void {
  unwrap(
    library().nsi_file_unlink(cString(dir), cString(name)),
    `remove ${dir}/${name}`,
  );
}

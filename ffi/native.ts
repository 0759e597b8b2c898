/**
 * The few typed functions through which everything else reaches C.
 *
 * @module
 */
import { KernelError } from "../lib/errors.ts";
import type { Plan } from "../lib/plan/ops.ts";
import { decodeReport, errorOf } from "./decode_report.ts";
import { encodePlan, type Fault } from "./encode_plan.ts";
import { describeErrno, errnoName } from "./errno.ts";
import { REPORT, USER } from "./layout.ts";
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

/** Identity that `user.apply` takes on. */
export interface UserRecord {
  /** User id inside, 0 to 4294967294. */
  readonly uid: number;
  /** Group id inside. */
  readonly gid: number;
  /** Supplementary group ids; at most 1024. */
  readonly groups: readonly number[];
  /** Home directory, for HOME. */
  readonly home: string;
}

/**
 * Packs a user record as `struct nsi_user`.
 *
 * @param user The record.
 * @returns The bytes, as the payload of the release of point `user`.
 * @throws {RangeError} If there are more than 1024 groups or home is too long.
 *
 * @example
 * ```ts
 * import { encodeUser } from "./native.ts";
 *
 * encodeUser({ uid: 1, gid: 1, groups: [], home: "/" });
 * ```
 */
export function encodeUser(user: UserRecord): Uint8Array<ArrayBuffer> {
  const home = cString(user.home);
  if (user.groups.length > USER.groupsMax || home.length > USER.homeMax) {
    throw new RangeError(
      `Cannot pack user ${user.uid}: more than ${USER.groupsMax} groups or a home longer than ${USER.homeMax} bytes`,
    );
  }
  const bytes = new Uint8Array(USER.home + home.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(USER.uid, user.uid, true);
  view.setUint32(USER.gid, user.gid, true);
  view.setUint32(USER.groupCount, user.groups.length, true);
  view.setUint32(USER.homeLength, home.length - 1, true);
  user.groups.forEach((group, index) =>
    view.setUint32(USER.groups + 4 * index, group, true)
  );
  bytes.set(home, USER.home);
  return bytes;
}

interface RunLayout {
  readonly size: number;
  readonly reportOffset: number;
}

let runLayout: RunLayout | undefined;

function layoutOfRun(): RunLayout {
  if (runLayout) return runLayout;
  const sizes = new Uint32Array(8);
  unwrap(
    library().nsi_sizes(new Uint8Array(sizes.buffer), sizes.length),
    "read the library's layout",
  );
  return runLayout = { size: sizes[4] ?? 0, reportOffset: sizes[5] ?? 0 };
}

/**
 * One execution of a Plan. Owns descriptors until {@linkcode PlanRun.close}.
 */
export class PlanRun {
  #plan: Plan;
  #packed: Uint8Array<ArrayBuffer>;
  readonly #run: Uint8Array<ArrayBuffer>;
  readonly #report: DataView;
  readonly #lib = library();
  #fault: Fault | undefined;

  /** Packs the Plan and makes it ready; nothing is executed yet. */
  constructor(plan: Plan, fault?: Fault) {
    const { size, reportOffset } = layoutOfRun();
    this.#plan = plan;
    this.#fault = fault;
    this.#packed = encodePlan(plan, fault);
    this.#run = new Uint8Array(size);
    this.#report = new DataView(this.#run.buffer, reportOffset, REPORT.size);
    unwrap(
      this.#lib.nsi_run_init(
        this.#run,
        size,
        this.#packed,
        this.#packed.length,
      ),
      "read the packed Plan",
    );
  }

  /**
   * Goes on with a further Plan for the same child, which is parked.
   *
   * @throws {KernelError} `SystemError` if the Plan cannot be read; the run is as before.
   */
  continueWith(plan: Plan, fault?: Fault): void {
    const packed = encodePlan(plan, fault);
    unwrap(
      this.#lib.nsi_run_continue(this.#run, packed, packed.length),
      "read the packed Plan",
    );
    this.#plan = plan;
    this.#packed = packed;
    this.#fault = fault;
  }

  #check(result: number): void {
    if (result < 0) throw errorOf(this.#plan, decodeReport(this.#report));
  }

  /** For operations that TypeScript does: throws the injected failure of one, as C does for its own. */
  failIfInjected(index: number): void {
    const fault = this.#fault;
    if (fault?.list !== "parent" || fault.index !== index) return;
    throw errorOf(this.#plan, { ...fault, detail: "", value: 0n });
  }

  /** Executes parent operations `from` up to, not including, `to`; blocks. */
  parent(from: number, to: number): void {
    this.#check(this.#lib.nsi_run_parent(this.#run, from, to));
  }

  /** As {@linkcode PlanRun.parent}, on another thread. One call at a time. */
  async parentAsync(from: number, to: number): Promise<void> {
    this.#check(await this.#lib.nsi_run_parent_async(this.#run, from, to));
  }

  /** Lets the child go on from `point`. */
  release(point: number, payload: Uint8Array<ArrayBuffer>): void {
    unwrap(
      this.#lib.nsi_run_release(this.#run, point, payload, payload.length),
      "release the process inside",
    );
  }

  /** Descriptor in a slot, owned by the run; undefined when empty. */
  slot(slot: number): number | undefined {
    const fd = this.#lib.nsi_run_slot(this.#run, slot);
    return fd < 0 ? undefined : fd;
  }

  /** As {@linkcode PlanRun.slot}, but the caller owns it afterwards. */
  take(slot: number): number | undefined {
    const fd = this.#lib.nsi_run_take(this.#run, slot);
    return fd < 0 ? undefined : fd;
  }

  /** Host pid of the process inside. */
  get pid(): number {
    return unwrap(this.#lib.nsi_run_pid(this.#run), "find the process inside");
  }

  /** Number of the pidfd of the process inside, owned by the run. */
  get pidfd(): number {
    return unwrap(
      this.#lib.nsi_run_pidfd(this.#run),
      "find the process inside",
    );
  }

  /** Hands over the pidfd of the process inside. */
  takePidfd(): number {
    return unwrap(
      this.#lib.nsi_run_take_pidfd(this.#run),
      "find the process inside",
    );
  }

  /** Kills and reaps what was spawned, if anything. */
  abort(): void {
    unwrap(
      this.#lib.nsi_run_abort(this.#run),
      "kill the half-made process inside",
    );
  }

  /** As {@linkcode PlanRun.abort}, on another thread. */
  async abortAsync(): Promise<void> {
    unwrap(
      await this.#lib.nsi_run_abort_async(this.#run),
      "kill the half-made process inside",
    );
  }

  /** Executes the whole undo list; throws the first failure at the end. */
  undo(): void {
    this.#check(this.#lib.nsi_run_undo(this.#run));
  }

  /** As {@linkcode PlanRun.undo}, on another thread. */
  async undoAsync(): Promise<void> {
    this.#check(await this.#lib.nsi_run_undo_async(this.#run));
  }

  /** Closes all descriptors of the run. */
  close(): void {
    this.#lib.nsi_run_close(this.#run);
  }

  /** Becomes the monitor; returns only by throwing. */
  monitor(): never {
    const result = this.#lib.nsi_run_monitor(this.#run);
    unwrap(result, "become the monitor");
    throw new Error("unreachable: the monitor returned");
  }
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

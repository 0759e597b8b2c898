/**
 * The calls of `c/seccomp_notify.c`, typed: requests of a seccomp listener and
 * their answers.
 *
 * @module
 */
import { describeErrno, errnoName } from "./errno.ts";
import { library } from "./library.ts";
import { unwrap } from "./native.ts";

const ENOENT = 2;
/** Bytes of `struct seccomp_notif`. */
const REQUEST_SIZE = 80;
const NAME_SIZE = 128;

/** A request as the kernel gives it. */
export interface RawRequest {
  /** Names the request. */
  readonly id: bigint;
  /** Thread that waits, as seen here; 0 when it cannot be seen. */
  readonly pid: number;
  /** Number of the system call. */
  readonly number: number;
  /** `AUDIT_ARCH_*`. */
  readonly arch: number;
  /** Address of the instruction. */
  readonly instructionPointer: bigint;
  /** The six arguments. */
  readonly args: readonly bigint[];
}

/**
 * Takes the next request; waits unless the listener is readable.
 *
 * @param fd Listener.
 * @returns The request; undefined when its thread has been killed meanwhile.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function receiveRequest(fd: number): RawRequest | undefined {
  const bytes = new Uint8Array(REQUEST_SIZE);
  const result = library().nsi_notify_receive(fd, bytes);
  if (result === -ENOENT) return undefined;
  unwrap(result, "take a request of the seccomp listener");
  const view = new DataView(bytes.buffer);
  return {
    id: view.getBigUint64(0, true),
    pid: view.getUint32(8, true),
    number: view.getInt32(16, true),
    arch: view.getUint32(20, true),
    instructionPointer: view.getBigUint64(24, true),
    args: Array.from(
      { length: 6 },
      (_, index) => view.getBigUint64(32 + 8 * index, true),
    ),
  };
}

/** What the call returns: a value, an errno, or what the kernel then does. */
export interface RawAnswer {
  /** Result of the call. */
  readonly value: bigint;
  /** Errno instead, when not 0. */
  readonly errno: number;
  /** The kernel carries the call out after all. */
  readonly goOn: boolean;
}

/**
 * Answers a request.
 *
 * @param fd Listener.
 * @param id Of the request.
 * @param answer The answer.
 * @returns False when the thread is gone.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function answerRequest(
  fd: number,
  id: bigint,
  { value, errno, goOn }: RawAnswer,
): boolean {
  const result = library().nsi_notify_answer(
    fd,
    id,
    value,
    errno,
    goOn ? 1 : 0,
  );
  if (result === -ENOENT) return false;
  unwrap(result, "answer a request of the seccomp listener");
  return true;
}

/** Whether the thread of a request still waits for its answer. */
export function isRequestValid(fd: number, id: bigint): boolean {
  return library().nsi_notify_valid(fd, id) === 0;
}

/**
 * Reads memory of the thread of a request.
 *
 * @param fd Listener.
 * @param request The request.
 * @param address Address in its memory.
 * @param length Most bytes that are read.
 * @returns The bytes, fewer where readable memory ends; undefined when the thread is gone.
 * @throws {KernelError} `SystemError`: EFAULT when nothing can be read there.
 */
export function readRequestMemory(
  fd: number,
  { id, pid }: Pick<RawRequest, "id" | "pid">,
  address: bigint,
  length: number,
): Uint8Array<ArrayBuffer> | undefined {
  const out = new Uint8Array(length);
  const result = Number(
    library().nsi_notify_read(fd, id, pid, address, out, BigInt(length)),
  );
  if (result === -ENOENT) return undefined;
  unwrap(result, `read the memory of process ${pid}`);
  return out.slice(0, result);
}

/**
 * Puts a descriptor into the table of the thread of a request.
 *
 * @param fd Listener.
 * @param id Of the request.
 * @param source Descriptor of this program, which it keeps.
 * @param options Number wanted, the lowest free one when absent; whether exec
 * closes it; whether it is the answer too.
 * @returns Its number there; undefined when the thread is gone.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function addRequestFd(
  fd: number,
  id: bigint,
  source: number,
  options: {
    readonly number?: number | undefined;
    readonly closeOnExec?: boolean | undefined;
    readonly isAnswer?: boolean | undefined;
  } = {},
): number | undefined {
  const flags = (options.closeOnExec ? 1 : 0) | (options.isAnswer ? 2 : 0);
  const result = library().nsi_notify_addfd(
    fd,
    id,
    source,
    options.number ?? -1,
    flags,
  );
  if (result === -ENOENT) return undefined;
  return unwrap(result, `pass descriptor ${source} to the process inside`);
}

/** Name of a system call of an architecture; undefined for one that libseccomp does not know. */
export function syscallName(arch: number, number: number): string | undefined {
  const out = new Uint8Array(NAME_SIZE);
  const length = library().nsi_seccomp_name(arch, number, out, NAME_SIZE);
  if (length < 0) return undefined;
  return new TextDecoder().decode(out.subarray(0, length));
}

const encoder = new TextEncoder();

/**
 * Sends a descriptor with a text over a unix stream socket; waits at most ten
 * seconds for the other side.
 *
 * @param path Path of the socket.
 * @param fd Descriptor, which stays open.
 * @param text What is sent with it.
 * @returns Undefined, or why it could not be sent.
 */
export function sendDescriptor(
  path: string,
  fd: number,
  text: string,
):
  | { readonly errno: number; readonly name: string; readonly reason: string }
  | undefined {
  const data = encoder.encode(text);
  const result = library().nsi_fd_send(
    encoder.encode(`${path}\0`),
    fd,
    data,
    BigInt(data.length),
  );
  if (result >= 0) return undefined;
  return {
    errno: -result,
    name: errnoName(-result),
    reason: describeErrno(-result),
  };
}

/**
 * Answering system calls of a container: what a handler is given and returns.
 *
 * @module
 */

/** How a descriptor is put into a process; see {@linkcode SeccompRequest.addFd}. */
export interface AddFdOptions {
  /** Its number there; what is open under it is closed. The lowest free one when absent. */
  readonly number?: number;
  /** Whether exec closes it there. */
  readonly closeOnExec?: boolean;
}

/** A system call that waits for its answer; see seccomp_unotify(2). */
export interface SeccompRequest {
  /** Names the request. */
  readonly id: bigint;
  /** Thread that waits, as the host sees it. */
  readonly pid: number;
  /** Name of the call, e.g. `mkdir`; undefined for one that libseccomp does not know. */
  readonly name: string | undefined;
  /** Its number on its architecture. */
  readonly number: number;
  /** `AUDIT_ARCH_*` number of its architecture, e.g. 0xc000003e for x86_64. */
  readonly arch: number;
  /** Address of its instruction. */
  readonly instructionPointer: bigint;
  /** The six arguments: numbers, or addresses in the thread's memory. */
  readonly args: readonly bigint[];
  /** Whether the thread still waits. */
  isAlive(): boolean;
  /**
   * Reads the thread's memory. Other threads of the container may change it at
   * any time: decide by what was read, and do not let the kernel read it again
   * (`continue`).
   *
   * @param address Where; an argument.
   * @param length How many bytes at most.
   * @returns The bytes, fewer where readable memory ends.
   * @throws {StateError} `ContainerNotRunning` when the thread is gone.
   * @throws {KernelError} `SystemError` when nothing can be read there (EFAULT).
   */
  readMemory(
    address: bigint | number,
    length: number,
  ): Uint8Array<ArrayBuffer>;
  /**
   * Reads a text that ends with a NUL, e.g. a path.
   *
   * @param address Where.
   * @param limit Most bytes, 4096 when absent.
   * @returns The text.
   * @throws {StateError} `ContainerNotRunning` when the thread is gone.
   * @throws {KernelError} `SystemError` when nothing can be read there (EFAULT),
   * or no NUL comes (ENAMETOOLONG).
   */
  readText(address: bigint | number, limit?: number): string;
  /**
   * Gives the process a descriptor of this program, which keeps its own (Linux 5.9).
   *
   * @param fd Descriptor of this program.
   * @param options Number and flags there.
   * @returns Its number there.
   * @throws {StateError} `ContainerNotRunning` when the thread is gone.
   * @throws {KernelError} `SystemError` if the kernel refuses, e.g. EMFILE.
   */
  addFd(fd: number, options?: AddFdOptions): number;
}

/**
 * What a call returns. `value`: its result. `error`: it fails with this errno,
 * by name or number. `fd`: it returns a descriptor, a copy of one of this
 * program's (Linux 5.14). `continue`: the kernel carries it out; never for
 * keeping something forbidden, as memory may have changed meanwhile.
 */
export type SeccompReply =
  | { readonly value: bigint | number }
  | { readonly error: string | number }
  | { readonly fd: number; readonly closeOnExec?: boolean }
  | { readonly continue: true };

/**
 * Answers calls of `SCMP_ACT_NOTIFY`. Calls of several threads are answered at
 * the same time. When it throws, the call fails with EIO and the error is
 * reported as an uncaught one.
 */
export type SeccompHandler = (
  request: SeccompRequest,
) => SeccompReply | Promise<SeccompReply>;

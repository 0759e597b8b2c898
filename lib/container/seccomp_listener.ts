/**
 * Listens to a filter with `SCMP_ACT_NOTIFY`, or hands its listener to who does.
 *
 * @module
 */
import { errnoNumber } from "../../ffi/errno.ts";
import { poller, type Watch } from "../../ffi/poller.ts";
import {
  addRequestFd,
  answerRequest,
  isRequestValid,
  type RawRequest,
  readRequestMemory,
  receiveRequest,
  sendDescriptor,
  syscallName,
} from "../../ffi/seccomp_notify.ts";
import { KernelError, StateError } from "../errors.ts";
import type {
  AddFdOptions,
  SeccompHandler,
  SeccompReply,
  SeccompRequest,
} from "./seccomp_types.ts";

const EIO = 5;
const ENAMETOOLONG = 36;
const MAX_ERRNO = 4095;
const PATH_MAX = 4096;
/** Memory is read up to the next page's end: what lies behind may not be there. */
const PAGE = 4096n;
const OCI_VERSION = "1.2.0";

/** A request, with what a handler can ask about it. */
class Request implements SeccompRequest {
  readonly id: bigint;
  readonly pid: number;
  readonly name: string | undefined;
  readonly number: number;
  readonly arch: number;
  readonly instructionPointer: bigint;
  readonly args: readonly bigint[];
  readonly #listener: number;

  constructor(listener: number, raw: RawRequest) {
    this.#listener = listener;
    this.id = raw.id;
    this.pid = raw.pid;
    this.name = syscallName(raw.arch, raw.number);
    this.number = raw.number;
    this.arch = raw.arch;
    this.instructionPointer = raw.instructionPointer;
    this.args = raw.args;
  }

  isAlive(): boolean {
    return isRequestValid(this.#listener, this.id);
  }

  readMemory(
    address: bigint | number,
    length: number,
  ): Uint8Array<ArrayBuffer> {
    const at = BigInt(address);
    return this.#alive(readRequestMemory(this.#listener, this, at, length));
  }

  readText(address: bigint | number, limit = PATH_MAX): string {
    const bytes: number[] = [];
    for (let at = BigInt(address); bytes.length < limit;) {
      const rest = Math.min(Number(PAGE - at % PAGE), limit - bytes.length);
      const chunk = this.readMemory(at, rest);
      const end = chunk.indexOf(0);
      bytes.push(...end < 0 ? chunk : chunk.subarray(0, end));
      if (end >= 0) return new TextDecoder().decode(new Uint8Array(bytes));
      at += BigInt(chunk.length);
    }
    throw new KernelError(
      `Cannot read a text of process ${this.pid}: no end within ${limit} bytes`,
      { errno: ENAMETOOLONG, errnoName: "ENAMETOOLONG" },
    );
  }

  addFd(fd: number, options: AddFdOptions = {}): number {
    return this.#alive(addRequestFd(this.#listener, this.id, fd, options));
  }

  #alive<T>(result: T | undefined): T {
    if (result !== undefined) return result;
    throw new StateError(
      "ContainerNotRunning",
      `Cannot answer ${
        this.name ?? this.number
      } of process ${this.pid}: it has ended`,
    );
  }
}

function errnoOf(error: string | number): number {
  const errno = typeof error === "number" ? error : errnoNumber(error);
  if (errno !== undefined && Number.isInteger(errno) && errno > 0) {
    if (errno <= MAX_ERRNO) return errno;
  }
  throw new TypeError(
    `Cannot answer a system call with error ${error}: wanted an errno, e.g. "EPERM"`,
  );
}

/**
 * Answers the calls that a filter asks about, until no process is under it any
 * more. Owns its descriptor. Does not keep the program running.
 *
 * @example
 * ```ts ignore
 * using listener = new SeccompListener(fd, ({ name }) => ({ error: "EPERM" }));
 * ```
 */
export class SeccompListener {
  readonly #fd: number;
  readonly #handler: SeccompHandler;
  readonly #watch: Watch;
  #isOpen = true;
  #pending = 0;

  /** Starts to listen. */
  constructor(fd: number, handler: SeccompHandler) {
    this.#fd = fd;
    this.#handler = handler;
    this.#watch = poller.watch(fd, "read", ({ readable }) => {
      if (readable) this.#take();
      else this.close();
    }, { ref: false });
  }

  /** Stops to listen: calls that wait, and all later ones, fail with ENOSYS. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.stop();
    // Handlers that are at work still use its number.
    if (this.#pending === 0) poller.close(this.#fd);
  }

  /** As {@linkcode SeccompListener.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #take(): void {
    const raw = receiveRequest(this.#fd);
    if (raw === undefined) return;
    this.#pending++;
    this.#answer(new Request(this.#fd, raw)).catch(reportError).finally(() => {
      this.#pending--;
      if (!this.#isOpen && this.#pending === 0) poller.close(this.#fd);
    });
  }

  async #answer(request: Request): Promise<void> {
    try {
      this.#reply(request, await this.#handler(request));
    } catch (error) {
      this.#send(request, { value: 0n, errno: EIO, goOn: false });
      // Of a call that nobody waits for any more, nothing is to be told.
      if (!(error instanceof StateError)) throw error;
    }
  }

  #reply(request: Request, reply: SeccompReply): void {
    if ("fd" in reply) {
      const { fd, closeOnExec } = reply;
      const options = { isAnswer: true, closeOnExec };
      addRequestFd(this.#fd, request.id, fd, options);
    } else if ("error" in reply) {
      const errno = errnoOf(reply.error);
      this.#send(request, { value: 0n, errno, goOn: false });
    } else if ("value" in reply) {
      const value = BigInt.asIntN(64, BigInt(reply.value));
      this.#send(request, { value, errno: 0, goOn: false });
    } else if (reply.continue === true) {
      this.#send(request, { value: 0n, errno: 0, goOn: true });
    } else {
      throw new TypeError(
        "Cannot answer a system call: wanted { value }, { error }, { fd } or { continue: true }",
      );
    }
  }

  /** A thread that is gone needs no answer. */
  #send(
    request: Request,
    answer: Parameters<typeof answerRequest>[2],
  ): boolean {
    return answerRequest(this.#fd, request.id, answer);
  }
}

/** What is told about a process whose listener is sent. */
export interface ListenerFacts {
  /** The container's id. */
  readonly id: string;
  /** Its state: while it is made, or afterwards. */
  readonly status: "creating" | "running";
  /** Host pid of its first process. */
  readonly containerPid: number;
  /** Host pid of the process under the filter. */
  readonly pid: number;
  /** Directory of the container. */
  readonly bundle: string;
  /** Free labels, `K=V`. */
  readonly labels: readonly string[];
  /** `listenerMetadata` of the filter. */
  readonly metadata: string | undefined;
}

/**
 * Words the container process state that goes with a listener, as the OCI
 * runtime specification has it. Pure.
 *
 * @param facts What is told.
 * @returns JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatProcessState } from "./seccomp_listener.ts";
 *
 * const text = formatProcessState({
 *   id: "demo",
 *   status: "running",
 *   containerPid: 5,
 *   pid: 6,
 *   bundle: "/srv",
 *   labels: ["a=b"],
 *   metadata: undefined,
 * });
 * assertEquals(JSON.parse(text).fds, ["seccompFd"]);
 * ```
 */
export function formatProcessState(facts: ListenerFacts): string {
  const annotations = facts.labels.map((label) => {
    const cut = label.indexOf("=");
    return cut < 0 ? [label, ""] : [label.slice(0, cut), label.slice(cut + 1)];
  });
  return JSON.stringify({
    ociVersion: OCI_VERSION,
    fds: ["seccompFd"],
    pid: facts.pid,
    ...facts.metadata === undefined ? {} : { metadata: facts.metadata },
    state: {
      ociVersion: OCI_VERSION,
      id: facts.id,
      status: facts.status,
      pid: facts.containerPid,
      bundle: facts.bundle,
      ...annotations.length === 0
        ? {}
        : { annotations: Object.fromEntries(annotations) },
    },
  });
}

/**
 * Sends a listener to the socket that the configuration names.
 *
 * @param path Unix stream socket.
 * @param fd The listener, which stays open.
 * @param facts What is told with it.
 * @throws {KernelError} `SystemError` if nobody takes it within ten seconds.
 */
export function sendListener(
  path: string,
  fd: number,
  facts: ListenerFacts,
): void {
  const failure = sendDescriptor(path, fd, formatProcessState(facts));
  if (failure === undefined) return;
  throw new KernelError(
    `Cannot send the seccomp listener of container ${facts.id} to ${path}: failed to connect with seccomp agent: ${failure.reason}; start the agent that listens there, or correct listenerPath`,
    {
      errno: failure.errno,
      errnoName: failure.name,
      operation: "listener.hand",
      list: "parent",
    },
  );
}

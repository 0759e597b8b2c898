/**
 * A program of the host that is talked to over a socket, in messages that may
 * carry a descriptor: CRIU.
 *
 * @module
 */
import { KernelError } from "../lib/errors.ts";
import { describeErrno, errnoName } from "./errno.ts";
import { library } from "./library.ts";
import { closeFd, cString, type ExitStatus, unwrap } from "./native.ts";
import { poller } from "./poller.ts";
import { waitForEnd } from "./process_end.ts";

const EAGAIN = 11;
const ECONNRESET = 104;
const SIGKILL = 9;
/** Longer than any message that is expected. */
const MESSAGE_LIMIT_BYTES = 65536;

/** What is started. */
export interface WorkerRequest {
  /** Absolute path and arguments; the socket is descriptor 3. */
  readonly args: readonly string[];
  /** Environment, `NAME=value`. */
  readonly env: readonly string[];
  /** Its descriptors 0, 1, 2; borrowed. */
  readonly stdio: readonly [number, number, number];
  /** Its descriptors 4, 5, ...; borrowed. */
  readonly fds?: readonly number[];
  /** Detached mounts that it finds at `base/0`, `base/1`, ...; borrowed. */
  readonly trees?: readonly number[];
  /** Directory that they cover, for the program alone. */
  readonly base?: string;
}

/** A message of the program. */
export interface WorkerMessage {
  /** Its bytes. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Its descriptor, owned by the receiver. */
  readonly fd?: number;
}

function wordList(words: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = words.map(cString);
  const all = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 1),
  );
  let at = 0;
  for (const part of parts) {
    // A word is ended by its NUL, the list by an empty word.
    if (part.length === 1) throw new TypeError("Cannot pass an empty argument");
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function numbers(list: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array(list.length > 0 ? list : [-1]).buffer);
}

/** The program, until it is closed. */
export class HostWorker {
  readonly #sock: number;
  readonly #pidfd: number;
  #isOpen = true;

  private constructor(sock: number, pidfd: number, readonly pid: number) {
    this.#sock = sock;
    this.#pidfd = pidfd;
  }

  /**
   * Starts the program as a child of the calling thread.
   *
   * @param request What to start.
   * @returns The program.
   * @throws {KernelError} `SystemError` if it cannot be executed.
   */
  static start(request: WorkerRequest): HostWorker {
    const { args, env, stdio, fds = [], trees = [], base = "/" } = request;
    const out = new Int32Array(2);
    const pid = library().nsi_worker_start(
      wordList(args),
      wordList(env),
      numbers([...stdio, ...fds]),
      stdio.length + fds.length,
      cString(base),
      numbers(trees),
      trees.length,
      new Uint8Array(out.buffer),
    );
    unwrap(pid, `execute ${args[0]}`);
    return new HostWorker(out[0] ?? -1, out[1] ?? -1, pid);
  }

  /**
   * Sends a message.
   *
   * @param data Its bytes.
   * @throws {KernelError} `SystemError` if nobody is there (EPIPE).
   */
  async send(data: Uint8Array<ArrayBuffer>): Promise<void> {
    for (;;) {
      const result = library().nsi_worker_send(this.#sock, data, data.length);
      if (result !== -EAGAIN) {
        unwrap(result, "send a request");
        return;
      }
      await poller.ready(this.#sock, "write");
    }
  }

  /**
   * Waits for a message.
   *
   * @returns The message; undefined when the program has closed its end.
   * @throws {KernelError} `SystemError` for a message that is too long.
   */
  async receive(): Promise<WorkerMessage | undefined> {
    const data = new Uint8Array(MESSAGE_LIMIT_BYTES);
    const out = new Int32Array(1);
    const view = new Uint8Array(out.buffer);
    for (;;) {
      const length = library().nsi_worker_receive(
        this.#sock,
        data,
        data.length,
        view,
      );
      // It may have ended without having read what it was sent.
      if (length === 0 || length === -ECONNRESET) return undefined;
      if (length > 0) {
        const fd = out[0] ?? -1;
        return { data: data.slice(0, length), ...(fd >= 0 && { fd }) };
      }
      if (length !== -EAGAIN) {
        throw new KernelError(
          `Cannot receive an answer: ${describeErrno(-length)}`,
          { errno: -length, errnoName: errnoName(-length) },
        );
      }
      await poller.ready(this.#sock, "read");
    }
  }

  /** Waits for its end. */
  async ended(): Promise<ExitStatus | undefined> {
    return await waitForEnd(this.#pidfd);
  }

  /** Kills it: only before it works on anything. */
  kill(): void {
    library().nsi_pidfd_signal(this.#pidfd, SIGKILL);
  }

  /** Hangs up, waits for its end and closes everything. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    poller.close(this.#sock);
    await this.ended();
    closeFd(this.#pidfd);
  }
}

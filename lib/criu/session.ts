/**
 * One `criu swrk`: a request, the notifications on the way, the answer.
 *
 * @module
 */
import { closeFd, makePipe, openNull } from "../../ffi/native.ts";
import { closeAll, makeNonBlocking, readSome } from "../../ffi/descriptors.ts";
import { HostWorker } from "../../ffi/worker.ts";
import { KernelError } from "../errors.ts";
import {
  type CriuRequest,
  type CriuResponse,
  decodeResponse,
  encodeRequest,
  REQUESTS,
} from "./messages.ts";

/** Room for what CRIU says before it has a log. */
const OUTPUT_LIMIT_BYTES = 65536;

/** A point that CRIU has reached; it waits until the handler is done. */
export interface Notification {
  /** Name of the point, e.g. `setup-namespaces`. */
  readonly point: string;
  /** Host pid of the first process, 0 where it is not known. */
  readonly pid: number;
  /** Descriptor that came along, owned by the handler. */
  readonly fd?: number;
}

/** How CRIU is started. */
export interface SessionOptions {
  /** Its absolute path. */
  readonly program: string;
  /** Environment, `NAME=value`. */
  readonly env: readonly string[];
  /** Its descriptors 4, 5, ...; borrowed. */
  readonly fds?: readonly number[];
  /** Detached mounts that it finds at `base/0`, ...; borrowed. */
  readonly trees?: readonly number[];
  /** Directory that they cover, for CRIU alone. */
  readonly base?: string;
}

/** An answer, and what CRIU has said besides. */
export interface Answer {
  /** The answer; undefined when CRIU ended without one. */
  readonly response: CriuResponse | undefined;
  /** What it wrote to its error output. */
  readonly output: string;
  /** What a handler has thrown, which made CRIU give up. */
  readonly thrown?: unknown;
}

/** What is in a pipe now; a process that CRIU has left behind may hold the other end. */
function readOutput(fd: number): string {
  const bytes = new Uint8Array(OUTPUT_LIMIT_BYTES);
  const count = readSome(fd, bytes);
  return new TextDecoder().decode(bytes.subarray(0, Math.max(count, 0)));
}

async function sendTo(worker: HostWorker, request: CriuRequest): Promise<void> {
  try {
    await worker.send(encodeRequest(request));
  } catch (error) {
    // It has ended instead: the next message is none.
    if (error instanceof KernelError && error.errnoName === "EPIPE") return;
    throw error;
  }
}

async function serve(
  worker: HostWorker,
  request: CriuRequest,
  notified: (notification: Notification) => void | Promise<void>,
): Promise<Omit<Answer, "output">> {
  let thrown: { readonly error: unknown } | undefined;
  await sendTo(worker, request);
  for (;;) {
    const message = await worker.receive();
    if (message === undefined) {
      return { response: undefined, ...(thrown && { thrown: thrown.error }) };
    }
    const { data, fd } = message;
    const response = decodeResponse(data);
    if (response.type !== REQUESTS.notify) {
      if (fd !== undefined) closeFd(fd);
      return { response, ...(thrown && { thrown: thrown.error }) };
    }
    const { script: point = "", pid = 0 } = response.notify ?? {};
    try {
      await notified({ point, pid, ...(fd !== undefined && { fd }) });
    } catch (error) {
      thrown ??= { error };
    }
    const notifySuccess = thrown === undefined;
    await sendTo(worker, { type: REQUESTS.notify, notifySuccess });
  }
}

/**
 * Starts CRIU, has it carry out one request and ends it.
 *
 * @param options How it is started.
 * @param request The request, or what makes it once CRIU's pid is known.
 * @param notified Called at each point that CRIU tells of, when the request
 * asks for that; what it throws makes CRIU give up and is given back.
 * @returns The answer.
 * @throws {KernelError} `SystemError` if CRIU cannot be executed.
 *
 * @example
 * ```ts ignore
 * const { response } = await askCriu({ program, env: [] }, { type: REQUESTS.version });
 * ```
 */
export async function askCriu(
  options: SessionOptions,
  request: CriuRequest | ((pid: number) => CriuRequest),
  notified: (notification: Notification) => void | Promise<void> = () => {},
): Promise<Answer> {
  const { program, ...rest } = options;
  const nullFd = openNull();
  const [readFd, writeFd] = makePipe();
  let worker: HostWorker | undefined;
  try {
    makeNonBlocking(readFd);
    try {
      worker = HostWorker.start({
        ...rest,
        args: [program, "swrk", "3"],
        stdio: [nullFd, writeFd, writeFd],
      });
    } finally {
      closeAll([nullFd, writeFd]);
    }
    const wanted = typeof request === "function"
      ? request(worker.pid)
      : request;
    const answer = await serve(worker, wanted, notified);
    await worker.close();
    return { ...answer, output: readOutput(readFd) };
  } finally {
    await worker?.close();
    closeFd(readFd);
  }
}

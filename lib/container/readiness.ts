/**
 * Readiness of a container's program, passed on to a service manager
 * (sd_notify(3)).
 *
 * @module
 */
import { bindDatagram, sendDatagram } from "../../ffi/datagram.ts";
import { readSome } from "../../ffi/descriptors.ts";
import { closeFd, makePipe } from "../../ffi/native.ts";
import { poller } from "../../ffi/poller.ts";
import { removeFile } from "../../ffi/state_files.ts";
import { KernelError } from "../errors.ts";
import { isAlive, type ProcessIdentity } from "./liveness.ts";

/** Directory of the socket, below the state directory. */
const DIRECTORY = "notify";
const SOCKET = "notify.sock";
/** Longest message that is read. */
const MESSAGE_BYTES = 4096;
/** How often it is asked whether the program still lives. */
const LOOK_MS = 100;
/** How long the service manager has to take notice. */
const BARRIER_MS = 5000;
const ENOENT = "ENOENT";

/**
 * Makes the directory that a container sees of its socket.
 *
 * @param stateDir The state directory.
 * @returns Its path.
 */
export async function makeNotifyDirectory(stateDir: string): Promise<string> {
  const dir = `${stateDir}/${DIRECTORY}`;
  await Deno.mkdir(dir, { mode: 0o755 });
  await Deno.chmod(dir, 0o755);
  return dir;
}

/** The line that tells of readiness, if the message has it. */
function readyLine(message: string): string | undefined {
  return message.split("\n").find((line) => line.startsWith("READY="));
}

async function isReadable(fd: number, ms: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ms);
  try {
    await poller.ready(fd, "read", { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Waits for the word of the program; undefined when it has ended without. */
async function waitReady(
  socket: number,
  process: ProcessIdentity,
): Promise<string | undefined> {
  const into = new Uint8Array(MESSAGE_BYTES);
  for (;;) {
    if (!await isReadable(socket, LOOK_MS)) {
      if (!isAlive(process)) return undefined;
      continue;
    }
    const count = readSome(socket, into);
    if (count <= 0) continue;
    const ready = readyLine(
      new TextDecoder().decode(into.subarray(0, count)),
    );
    if (ready !== undefined) return ready;
  }
}

/** Waits until the manager has read what was sent before: it then closes the descriptor. */
async function awaitManager(path: string): Promise<void> {
  const [read, write] = makePipe();
  try {
    sendDatagram(path, "BARRIER=1", write);
  } finally {
    closeFd(write);
  }
  try {
    await isReadable(read, BARRIER_MS);
  } finally {
    closeFd(read);
  }
}

/** The socket at which a program tells that it is ready. */
export class ReadinessRelay implements Disposable {
  readonly #dir: string;
  readonly #socket: number;

  /**
   * Makes the socket, before the program runs.
   *
   * @param stateDir State directory of a container that sees it.
   * @throws {KernelError} `SystemError` if it cannot be made.
   */
  constructor(stateDir: string) {
    this.#dir = `${stateDir}/${DIRECTORY}`;
    this.#remove();
    this.#socket = bindDatagram(this.#dir, SOCKET);
  }

  /**
   * Waits until the program says that it is ready, and passes that on with its pid.
   *
   * @param process The program.
   * @param manager Path of the manager's socket; `@NAME` for an abstract one.
   * @returns Whether it was ready before it ended.
   * @throws {KernelError} `SystemError` if the manager cannot be told.
   */
  async pass(process: ProcessIdentity, manager: string): Promise<boolean> {
    const ready = await waitReady(this.#socket, process);
    if (ready === undefined) return false;
    sendDatagram(manager, ready);
    sendDatagram(manager, `MAINPID=${process.pid}`);
    await awaitManager(manager);
    return true;
  }

  #remove(): void {
    try {
      removeFile(this.#dir, SOCKET);
    } catch (error) {
      const isMissing = error instanceof KernelError &&
        error.errnoName === ENOENT;
      if (!isMissing) throw error;
    }
  }

  /** Removes the socket. */
  [Symbol.dispose](): void {
    closeFd(this.#socket);
    this.#remove();
  }
}

/**
 * A connection to a D-Bus peer over a unix socket: the few parts of the
 * protocol that talking to systemd needs.
 *
 * @module
 */
import { HostError } from "../errors.ts";
import type { Value } from "./marshal.ts";
import {
  decodeMessage,
  encodeMessage,
  FIXED_SIZE,
  type Message,
  MESSAGE_TYPES,
  messageLength,
} from "./message.ts";
import { callLater } from "../pause.ts";

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 25_000;
/** Longest line of the authentication. */
const LINE_LIMIT = 512;

/** A method call. */
export interface MethodCall {
  /** Name on the bus; left out on a direct connection. */
  readonly destination: string;
  /** The object. */
  readonly path: string;
  /** Interface of the method. */
  readonly interface: string;
  /** The method. */
  readonly member: string;
  /** Types of the arguments. */
  readonly signature?: string;
  /** The arguments. */
  readonly body?: readonly Value[];
}

/** A peer refused a call. */
export class CallError extends Error {
  /** Name for tests and messages. */
  override readonly name = "CallError";
  /** Name of the D-Bus error, e.g. `org.freedesktop.systemd1.UnitExists`. */
  readonly errorName: string;

  /** Makes the error from an answer. */
  constructor(errorName: string, text: string) {
    super(text === "" ? errorName : text);
    this.errorName = errorName;
  }
}

interface Waiting {
  readonly resolve: (body: readonly Value[]) => void;
  readonly reject: (reason: unknown) => void;
}

function lost(path: string, why: string, cause?: unknown): HostError {
  return new HostError(`Cannot talk to systemd through ${path}: ${why}`, {
    cause,
    context: { path },
  });
}

/** Rejects when something takes too long. */
async function within<T>(
  promise: Promise<T>,
  ms: number,
  late: () => Error,
): Promise<T> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const callOff = callLater(ms, () => reject(late()));
  try {
    return await Promise.race([promise, limit]);
  } finally {
    callOff();
  }
}

/** An open, authenticated connection. */
export class Connection implements Disposable {
  readonly #socket: Deno.UnixConn;
  readonly #path: string;
  readonly #isBus: boolean;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(signal: Message) => void>();
  #input = new Uint8Array();
  #serial = 0;
  #failure: unknown;

  private constructor(socket: Deno.UnixConn, path: string, isBus: boolean) {
    this.#socket = socket;
    this.#path = path;
    this.#isBus = isBus;
  }

  /**
   * Connects and authenticates as the user that this process runs as.
   *
   * @param path The socket.
   * @param options `isBus`: whether a message bus listens there, which wants to
   * be greeted; else the peer itself does.
   * @returns The connection.
   * @throws {HostError} `HostUnsupported` if nobody answers, or not us.
   */
  static async open(
    path: string,
    options: { readonly isBus: boolean },
  ): Promise<Connection> {
    let socket: Deno.UnixConn;
    try {
      socket = await Deno.connect({ transport: "unix", path });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw lost(path, reason, cause);
    }
    const connection = new Connection(socket, path, options.isBus);
    try {
      await within(
        connection.#authenticate(),
        ANSWER_MS,
        () => lost(path, `no answer within ${ANSWER_MS} ms`),
      );
      connection.#receive();
      if (options.isBus) {
        await connection.call({
          destination: "org.freedesktop.DBus",
          path: "/org/freedesktop/DBus",
          interface: "org.freedesktop.DBus",
          member: "Hello",
        });
      }
      return connection;
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether a message bus is on the other side. */
  get isBus(): boolean {
    return this.#isBus;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.#socket.write(bytes.subarray(done));
    }
  }

  /** Waits until so many bytes are there, and takes them. */
  async #take(count: number): Promise<Uint8Array> {
    while (this.#input.length < count) await this.#fill();
    const taken = this.#input.slice(0, count);
    this.#input = this.#input.slice(count);
    return taken;
  }

  async #fill(): Promise<void> {
    const chunk = new Uint8Array(65536);
    const count = await this.#socket.read(chunk);
    if (count === null) throw lost(this.#path, "it hung up");
    const joined = new Uint8Array(this.#input.length + count);
    joined.set(this.#input);
    joined.set(chunk.subarray(0, count), this.#input.length);
    this.#input = joined;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#input.indexOf(0x0a);
      if (end >= 0) {
        return new TextDecoder().decode(await this.#take(end + 1)).trim();
      }
      if (this.#input.length > LINE_LIMIT) {
        throw lost(this.#path, "it does not speak D-Bus");
      }
      await this.#fill();
    }
  }

  /**
   * SASL EXTERNAL: the kernel tells the peer who we are, and we say nothing of
   * it (DATA is empty): root of a user namespace does not know which user that
   * is outside. All is sent at once: systemd, which reads on only when more
   * comes, would leave a first call lying that it got together with the last line.
   */
  async #authenticate(): Promise<void> {
    const lines = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    await this.#send(new TextEncoder().encode(lines));
    let answer = await this.#line();
    if (answer === "DATA") answer = await this.#line();
    if (!answer.startsWith("OK ")) {
      throw lost(this.#path, `it refused us (${answer.slice(0, 60)})`);
    }
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        while (this.#input.length < FIXED_SIZE) await this.#fill();
        const bytes = await this.#take(messageLength(this.#input));
        this.#dispatch(decodeMessage(bytes));
      }
    } catch (error) {
      this.#failure ??= error;
      for (const { reject } of this.#waiting.values()) reject(this.#failure);
      this.#waiting.clear();
    }
  }

  #dispatch(message: Message): void {
    const { type, replySerial = 0, errorName = "", body } = message;
    if (type === MESSAGE_TYPES.signal) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const waiting = this.#waiting.get(replySerial);
    this.#waiting.delete(replySerial);
    if (type === MESSAGE_TYPES.reply) waiting?.resolve(body);
    else if (type === MESSAGE_TYPES.error) {
      const [text] = body;
      waiting?.reject(
        new CallError(errorName, typeof text === "string" ? text : ""),
      );
    }
  }

  /**
   * Calls a method.
   *
   * @param call The call.
   * @returns The values of the answer.
   * @throws {CallError} If the peer refuses.
   * @throws {HostError} `HostUnsupported` if it hangs up or does not answer.
   */
  async call(call: MethodCall): Promise<readonly Value[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const serial = ++this.#serial;
    const { destination, body = [], ...rest } = call;
    const bytes = encodeMessage({
      type: MESSAGE_TYPES.call,
      serial,
      ...rest,
      ...(this.#isBus && { destination }),
      body,
    });
    const { promise, resolve, reject } = Promise.withResolvers<
      readonly Value[]
    >();
    this.#waiting.set(serial, { resolve, reject });
    const send = this.#send(bytes);
    const late = (): Error =>
      lost(this.#path, `no answer to ${call.member} within ${ANSWER_MS} ms`);
    try {
      const [answer] = await within(
        Promise.all([promise, send]),
        ANSWER_MS,
        late,
      );
      return answer;
    } finally {
      this.#waiting.delete(serial);
    }
  }

  /** Calls `listener` with each signal until the returned function is called. */
  listen(listener: (signal: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes the connection; calls that wait are rejected. */
  [Symbol.dispose](): void {
    this.#failure ??= lost(this.#path, "the connection was closed");
    try {
      this.#socket.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/**
 * D-Bus messages: header and body. Pure.
 *
 * @module
 */
import {
  MarshalError,
  MESSAGE_LIMIT,
  pack,
  Reader,
  unpack,
  type Value,
  type Variant,
  Writer,
} from "./marshal.ts";

/** Kinds of message. */
export const MESSAGE_TYPES = {
  /** Asks for something. */
  call: 1,
  /** Answers a call. */
  reply: 2,
  /** Refuses a call. */
  error: 3,
  /** Tells of something. */
  signal: 4,
} as const;

/** Codes of header fields, with their types. */
const FIELDS = {
  path: [1, "o"],
  interface: [2, "s"],
  member: [3, "s"],
  errorName: [4, "s"],
  replySerial: [5, "u"],
  destination: [6, "s"],
  signature: [8, "g"],
} as const;

/** A message. */
export interface Message {
  /** One of {@linkcode MESSAGE_TYPES}. */
  readonly type: number;
  /** Number by which a reply names its call; above 0. */
  readonly serial: number;
  /** Object that is called or tells. */
  readonly path?: string;
  /** Interface of the member. */
  readonly interface?: string;
  /** Method or signal. */
  readonly member?: string;
  /** Name of an error. */
  readonly errorName?: string;
  /** Serial of the call that is answered. */
  readonly replySerial?: number;
  /** Name on the bus; absent on a direct connection. */
  readonly destination?: string;
  /** Types of the body. */
  readonly signature?: string;
  /** Values of the body. */
  readonly body: readonly Value[];
}

/** Little-endian, version 1. */
const ENDIAN = 0x6c;
const VERSION = 1;
/** Bytes before the header fields end is known. */
export const FIXED_SIZE = 16;

/**
 * Packs a message. Pure.
 *
 * @param message The message.
 * @returns Its bytes.
 * @throws {MarshalError} If the body is not of its signature.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeMessage, encodeMessage, MESSAGE_TYPES } from "./message.ts";
 *
 * const message = { type: MESSAGE_TYPES.call, serial: 1, path: "/", member: "Ping", body: [] };
 * assertEquals(decodeMessage(encodeMessage(message)), message);
 * ```
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const { signature = "", body } = message;
  const content = pack(signature, body);
  const fields: Value[] = [];
  for (const [name, [code, type]] of Object.entries(FIELDS)) {
    const value = message[name as keyof typeof FIELDS];
    if (value !== undefined && value !== "") {
      fields.push([code, { type, value }]);
    }
  }
  const writer = new Writer();
  const fixed = [ENDIAN, message.type, 0, VERSION];
  for (const byte of fixed) writer.write("y", byte);
  writer.write("u", content.length);
  writer.write("u", message.serial);
  writer.write("a(yv)", fields);
  writer.align(8);
  const header = writer.bytes();
  const bytes = new Uint8Array(header.length + content.length);
  bytes.set(header);
  bytes.set(content, header.length);
  return bytes;
}

/**
 * Tells how long a message is. Pure.
 *
 * @param bytes At least its first {@linkcode FIXED_SIZE} bytes.
 * @returns Bytes of the whole message.
 * @throws {MarshalError} If it is none, or too long.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeMessage, messageLength } from "./message.ts";
 *
 * const bytes = encodeMessage({ type: 1, serial: 1, path: "/", member: "Ping", body: [] });
 * assertEquals(messageLength(bytes), bytes.length);
 * ```
 */
export function messageLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== ENDIAN || bytes[3] !== VERSION) {
    throw new MarshalError("no little-endian message of version 1");
  }
  const body = view.getUint32(4, true);
  const fields = view.getUint32(12, true);
  const length = Math.ceil((FIXED_SIZE + fields) / 8) * 8 + body;
  if (length > MESSAGE_LIMIT) throw new MarshalError("message too long");
  return length;
}

function readFields(bytes: Uint8Array): Map<number, Value> {
  const list = new Reader(bytes, 12).read("a(yv)") as readonly Value[];
  return new Map(list.map((field) => {
    const [code, variant] = field as readonly [number, Variant];
    return [code, variant.value];
  }));
}

/**
 * Unpacks a message. Pure.
 *
 * @param bytes All of its bytes.
 * @returns The message.
 * @throws {MarshalError} If the bytes are none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeMessage, encodeMessage } from "./message.ts";
 *
 * const signal = { type: 4, serial: 2, path: "/", interface: "a.B", member: "C", signature: "u", body: [3] };
 * assertEquals(decodeMessage(encodeMessage(signal)).body, [3]);
 * ```
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const length = messageLength(bytes);
  if (bytes.length !== length) throw new MarshalError("cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = readFields(bytes);
  const named = Object.entries(FIELDS).flatMap(([name, [code, type]]) => {
    const value = fields.get(code);
    if (value === undefined) return [];
    const isRight = type === "u"
      ? typeof value === "number"
      : typeof value === "string";
    if (!isRight) {
      throw new MarshalError(`header field ${name} of another type`);
    }
    return [[name, value] as const];
  });
  const header = Object.fromEntries(named) as Omit<
    Message,
    "type" | "serial" | "body"
  >;
  const body = bytes.slice(length - view.getUint32(4, true));
  return {
    type: bytes[1] ?? 0,
    serial: view.getUint32(8, true),
    ...header,
    body: unpack(header.signature ?? "", body),
  };
}

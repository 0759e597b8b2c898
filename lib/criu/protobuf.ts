/**
 * Protocol buffers, as far as CRIU's messages need them: whole numbers, truth
 * values, texts, messages in messages, and lists of these.
 *
 * @module
 */

/** What a field holds; `int` is an int32, uint32 or enumeration. */
export type FieldType = "int" | "bool" | "text" | Schema;

/** One field of a message. */
export interface Field {
  /** Its number on the wire. */
  readonly number: number;
  /** What it holds. */
  readonly type: FieldType;
  /** Whether it may come several times. */
  readonly isList?: true;
}

/** The fields of a message by their names here. */
export interface Schema {
  readonly [name: string]: Field;
}

/** A value of a field. */
export type Value =
  | number
  | boolean
  | string
  | Message
  | readonly (number | boolean | string | Message)[];

/** A message: fields that are absent are `undefined` or missing. */
export interface Message {
  readonly [name: string]: Value | undefined;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;
const VARINT_LIMIT_BYTES = 10;

const encoder = new TextEncoder();

function putVarint(out: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function putTag(out: number[], number: number, wire: number): void {
  putVarint(out, BigInt(number) << 3n | BigInt(wire));
}

function putBytes(out: number[], number: number, bytes: Uint8Array): void {
  putTag(out, number, BYTES);
  putVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

function mismatch(name: string, value: unknown): TypeError {
  return new TypeError(`Cannot pack field ${name}: it is a ${typeof value}`);
}

function putValue(
  out: number[],
  name: string,
  { number, type }: Field,
  value: unknown,
): void {
  if (typeof type === "object") {
    if (typeof value !== "object" || value === null) {
      throw mismatch(name, value);
    }
    putBytes(out, number, encodeMessage(type, value as Message));
  } else if (type === "text") {
    if (typeof value !== "string") throw mismatch(name, value);
    putBytes(out, number, encoder.encode(value));
  } else {
    const isWanted = type === "bool"
      ? typeof value === "boolean"
      : Number.isInteger(value);
    if (!isWanted) throw mismatch(name, value);
    putTag(out, number, VARINT);
    putVarint(out, BigInt(value as number | boolean));
  }
}

/**
 * Packs a message. Pure.
 *
 * @param schema Its fields.
 * @param message Its values.
 * @returns The bytes.
 * @throws {TypeError} For a field that the schema does not have, or a value of another type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeMessage } from "./protobuf.ts";
 *
 * const schema = { pid: { number: 2, type: "int" } } as const;
 * assertEquals([...encodeMessage(schema, { pid: 300 })], [0x10, 0xac, 0x02]);
 * ```
 */
export function encodeMessage(
  schema: Schema,
  message: Message,
): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined) continue;
    const field = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (!field) throw new TypeError(`Cannot pack field ${name}: unknown`);
    const values = field.isList && Array.isArray(value) ? value : [value];
    for (const one of values) putValue(out, name, field, one);
  }
  return new Uint8Array(out);
}

function malformed(what: string): RangeError {
  return new RangeError(`Cannot read a message: ${what}`);
}

/** A place in a message. */
class Reader {
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let index = 0; index < VARINT_LIMIT_BYTES; index++) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw malformed("it ends within a number");
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw malformed("a number is too long");
  }

  take(length: bigint): Uint8Array {
    if (length < 0n || length > BigInt(this.bytes.length - this.#at)) {
      throw malformed("it ends within a field");
    }
    const from = this.#at;
    this.#at += Number(length);
    return this.bytes.subarray(from, this.#at);
  }
}

function readValue(reader: Reader, wire: number): bigint | Uint8Array {
  switch (wire) {
    case VARINT:
      return reader.varint();
    case FIXED_64:
      return reader.take(8n);
    case BYTES:
      return reader.take(reader.varint());
    case FIXED_32:
      return reader.take(4n);
    default:
      throw malformed(`wire type ${wire} is unknown`);
  }
}

function interpret(
  type: FieldType,
  raw: bigint | Uint8Array,
): number | boolean | string | Message {
  if (typeof raw === "bigint") {
    if (type === "bool") return raw !== 0n;
    if (type === "int") return Number(raw);
  } else {
    if (type === "text") return new TextDecoder().decode(raw);
    if (typeof type === "object") return decodeMessage(type, raw);
  }
  throw malformed("a field has another type than expected");
}

/**
 * Unpacks a message; fields that the schema does not have are passed over. Pure.
 *
 * @param schema Its fields.
 * @param bytes The bytes.
 * @returns Its values.
 * @throws {RangeError} For bytes that are no such message.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeMessage } from "./protobuf.ts";
 *
 * const schema = { pid: { number: 2, type: "int" } } as const;
 * assertEquals(decodeMessage(schema, new Uint8Array([0x10, 0xac, 0x02])), { pid: 300 });
 * ```
 */
export function decodeMessage(schema: Schema, bytes: Uint8Array): Message {
  const names = new Map(
    Object.entries(schema).map(([name, field]) => [field.number, name]),
  );
  const message: Record<string, Value> = {};
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const raw = readValue(reader, Number(tag & 7n));
    const name = names.get(Number(tag >> 3n));
    const field = name === undefined ? undefined : schema[name];
    if (name === undefined || !field) continue;
    const value = interpret(field.type, raw);
    const before = message[name];
    message[name] = field.isList
      ? [...(Array.isArray(before) ? before : []), value]
      : value;
  }
  return message;
}

/** A field as it stands in a message, its meaning not known. */
export interface WireField {
  /** Its number. */
  readonly number: number;
  /** How it is written: 0 number, 1 eight bytes, 2 bytes, 5 four bytes. */
  readonly wire: number;
  /** A number for 0, else bytes. */
  readonly value: bigint | Uint8Array;
}

/**
 * Takes a message apart without knowing it. Pure.
 *
 * @param bytes The message.
 * @returns Its fields in order.
 * @throws {RangeError} For bytes that are no message.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readFields } from "./protobuf.ts";
 *
 * assertEquals(readFields(new Uint8Array([16, 5])), [{ number: 2, wire: 0, value: 5n }]);
 * ```
 */
export function readFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const wire = Number(tag & 7n);
    fields.push({
      number: Number(tag >> 3n),
      wire,
      value: readValue(reader, wire),
    });
  }
  return fields;
}

/**
 * Puts fields together again. Pure.
 *
 * @param fields The fields.
 * @returns The message.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeFields } from "./protobuf.ts";
 *
 * assertEquals([...writeFields([{ number: 2, wire: 0, value: 5n }])], [16, 5]);
 * ```
 */
export function writeFields(
  fields: readonly WireField[],
): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  for (const { number, wire, value } of fields) {
    if (typeof value === "bigint") {
      putTag(out, number, VARINT);
      putVarint(out, value);
    } else if (wire === BYTES) {
      putBytes(out, number, value);
    } else {
      putTag(out, number, wire);
      for (const byte of value) out.push(byte);
    }
  }
  return new Uint8Array(out);
}

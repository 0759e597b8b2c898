/**
 * Values of D-Bus messages as bytes, little-endian. Pure.
 *
 * Types are those of the D-Bus specification: `y b n q i u x t d s o g v`,
 * arrays `aT`, structs `(T...)` and dictionary entries `{KV}`.
 *
 * @module
 */

/** A value with its type, for `v`. */
export interface Variant {
  /** Its type, e.g. `t`. */
  readonly type: string;
  /** The value. */
  readonly value: Value;
}

/**
 * A value: numbers for types of up to 32 bits and `d`, `bigint` for `x` and
 * `t`, texts for `s`, `o` and `g`, lists for arrays, structs and entries.
 */
export type Value =
  | number
  | bigint
  | boolean
  | string
  | Variant
  | readonly Value[];

/** Longest message that is read or made, in bytes. */
export const MESSAGE_LIMIT = 1 << 20;
/** Types may nest so deep. */
const DEPTH_LIMIT = 32;

const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  d: 8,
  "(": 8,
  "{": 8,
};

/** A message, or a part of one, that is not what it claims to be. */
export class MarshalError extends Error {
  /** Name for tests and messages. */
  override readonly name = "MarshalError";
}

function alignmentOf(type: string): number {
  const alignment = ALIGNMENT[type[0] ?? ""];
  if (alignment === undefined) {
    throw new MarshalError(`unknown type ${JSON.stringify(type)}`);
  }
  return alignment;
}

/** End of the complete type that begins at `from`. */
function endOfType(signature: string, from: number, depth = 0): number {
  if (depth > DEPTH_LIMIT) throw new MarshalError("types nest too deep");
  const first = signature[from] ?? "";
  if (first === "a") return endOfType(signature, from + 1, depth + 1);
  if (first !== "(" && first !== "{") {
    alignmentOf(first);
    return from + 1;
  }
  const close = first === "(" ? ")" : "}";
  let at = from + 1;
  while (signature[at] !== close) {
    if (at >= signature.length) throw new MarshalError("type without its end");
    at = endOfType(signature, at, depth + 1);
  }
  return at + 1;
}

/**
 * Splits a signature into complete types. Pure.
 *
 * @param signature E.g. `sa(sv)`.
 * @returns Its types, e.g. `["s", "a(sv)"]`.
 * @throws {MarshalError} If it is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitSignature } from "./marshal.ts";
 *
 * assertEquals(splitSignature("sa(sv)u"), ["s", "a(sv)", "u"]);
 * ```
 */
export function splitSignature(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function mismatch(type: string, value: unknown): MarshalError {
  return new MarshalError(`${String(value)} is no value of type ${type}`);
}

/** Puts values one after the other, each at its alignment. */
export class Writer {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (needed > MESSAGE_LIMIT) throw new MarshalError("message too long");
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  /** Pads with zeros up to a multiple of `alignment`. */
  align(alignment: number): void {
    this.#reserve((alignment - this.#length % alignment) % alignment);
  }

  #text(text: string, hasShortLength: boolean): void {
    if (text.includes("\0")) throw new MarshalError("text with a NUL");
    const data = new TextEncoder().encode(text);
    this.write(hasShortLength ? "y" : "u", data.length);
    // First the room, then the bytes: they may be others afterwards.
    const at = this.#reserve(data.length + 1);
    this.#bytes.set(data, at);
  }

  #number(type: string, value: number): void {
    const at = this.#reserve(alignmentOf(type));
    switch (type) {
      case "y":
        return this.#view.setUint8(at, value);
      case "n":
        return this.#view.setInt16(at, value, true);
      case "q":
        return this.#view.setUint16(at, value, true);
      case "i":
        return this.#view.setInt32(at, value, true);
      case "d":
        return this.#view.setFloat64(at, value, true);
      default:
        return this.#view.setUint32(at, value, true);
    }
  }

  #array(element: string, items: readonly Value[]): void {
    const lengthAt = this.#reserve(4);
    this.align(alignmentOf(element));
    const start = this.#length;
    for (const item of items) this.write(element, item);
    this.#view.setUint32(lengthAt, this.#length - start, true);
  }

  #list(type: string, value: readonly Value[]): void {
    if (type[0] === "a") return this.#array(type.slice(1), value);
    const types = splitSignature(type.slice(1, -1));
    if (types.length !== value.length) throw mismatch(type, value);
    types.forEach((inner, at) => this.write(inner, value[at] ?? 0));
  }

  /** Appends one value of a complete type. */
  write(type: string, value: Value): void {
    this.align(alignmentOf(type));
    if (Array.isArray(value)) return this.#list(type, value);
    if (typeof value === "string") {
      if (!/^[sog]$/.test(type)) throw mismatch(type, value);
      return this.#text(value, type === "g");
    }
    if (typeof value === "boolean") {
      if (type !== "b") throw mismatch(type, value);
      return this.#number("u", value ? 1 : 0);
    }
    if (type === "x" || type === "t") {
      const at = this.#reserve(8);
      const big = BigInt(value as number | bigint);
      return this.#view.setBigUint64(at, BigInt.asUintN(64, big), true);
    }
    if (typeof value === "number" && /^[ynqiud]$/.test(type)) {
      return this.#number(type, value);
    }
    if (type !== "v" || typeof value !== "object" || !("type" in value)) {
      throw mismatch(type, value);
    }
    this.#text(value.type, true);
    this.write(value.type, value.value);
  }

  /** What was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Takes values apart that {@linkcode Writer} or a peer has put together. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  /** Begins at `from`; alignment counts from the start of the bytes. */
  constructor(bytes: Uint8Array, from = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
    this.#at = from;
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new MarshalError("cut short");
    this.#at = at + size;
    return at;
  }

  /** Goes on to a multiple of `alignment`. */
  align(alignment: number): void {
    this.#take((alignment - this.#at % alignment) % alignment);
  }

  #text(length: number): string {
    const at = this.#take(length + 1);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  #array(element: string, depth: number): Value[] {
    const length = this.#view.getUint32(this.#take(4), true);
    this.align(alignmentOf(element));
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MarshalError("cut short");
    const items: Value[] = [];
    while (this.#at < end) items.push(this.read(element, depth + 1));
    return items;
  }

  /** Takes one value of a complete type. */
  read(type: string, depth = 0): Value {
    if (depth > DEPTH_LIMIT) throw new MarshalError("values nest too deep");
    this.align(alignmentOf(type));
    switch (type[0]) {
      case "y":
        return this.#view.getUint8(this.#take(1));
      case "b":
        return this.#view.getUint32(this.#take(4), true) !== 0;
      case "n":
        return this.#view.getInt16(this.#take(2), true);
      case "q":
        return this.#view.getUint16(this.#take(2), true);
      case "i":
        return this.#view.getInt32(this.#take(4), true);
      case "u":
        return this.#view.getUint32(this.#take(4), true);
      case "x":
        return this.#view.getBigInt64(this.#take(8), true);
      case "t":
        return this.#view.getBigUint64(this.#take(8), true);
      case "d":
        return this.#view.getFloat64(this.#take(8), true);
      case "g":
        return this.#text(this.#view.getUint8(this.#take(1)));
      case "v": {
        const inner = this.#text(this.#view.getUint8(this.#take(1)));
        if (splitSignature(inner).length !== 1) {
          throw new MarshalError("a variant holds one value");
        }
        return { type: inner, value: this.read(inner, depth + 1) };
      }
      case "a":
        return this.#array(type.slice(1), depth);
      case "(":
      case "{":
        return splitSignature(type.slice(1, -1))
          .map((inner) => this.read(inner, depth + 1));
      default:
        return this.#text(this.#view.getUint32(this.#take(4), true));
    }
  }
}

/**
 * Packs values by their signature. Pure.
 *
 * @param signature Their types.
 * @param values As many.
 * @returns The bytes.
 * @throws {MarshalError} If a value is not of its type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pack, unpack } from "./marshal.ts";
 *
 * const values = ["a", [["b", { type: "t", value: 5n }]]];
 * assertEquals(unpack("sa(sv)", pack("sa(sv)", values)), values);
 * ```
 */
export function pack(
  signature: string,
  values: readonly Value[],
): Uint8Array<ArrayBuffer> {
  const types = splitSignature(signature);
  if (types.length !== values.length) throw mismatch(signature, values);
  const writer = new Writer();
  types.forEach((type, at) => writer.write(type, values[at] ?? 0));
  return writer.bytes();
}

/**
 * Unpacks values by their signature. Pure.
 *
 * @param signature Their types.
 * @param bytes What a peer has sent.
 * @returns The values.
 * @throws {MarshalError} If the bytes are something else.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unpack } from "./marshal.ts";
 *
 * assertEquals(unpack("u", new Uint8Array([7, 0, 0, 0])), [7]);
 * ```
 */
export function unpack(signature: string, bytes: Uint8Array): Value[] {
  const reader = new Reader(bytes);
  return splitSignature(signature).map((type) => reader.read(type));
}

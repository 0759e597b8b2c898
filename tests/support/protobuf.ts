/**
 * Messages of protocol buffers, by tables that say what fields they have: as
 * much of the encoding as the interface of Kubernetes uses.
 *
 * @module
 */

/** What a message may hold; fields that are not set are not sent. */
export type Message = { readonly [name: string]: unknown };

/** `number name kind`: kinds are `int`, `bool`, `text`, `bytes`, or a message; `*` before a name means many. */
export type Schema = Readonly<Record<string, string>>;

interface Field {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly isMany: boolean;
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

function fieldsOf(schema: Schema, type: string): Field[] {
  const text = schema[type];
  if (text === undefined) throw new Error(`no message ${type}`);
  return text.split(",").map((each) => each.trim()).filter((each) => each)
    .map((each) => {
      const [number = "", name = "", kind = "text"] = each.split(" ");
      const isMany = name.startsWith("*");
      return {
        number: Number(number),
        name: name.replace("*", ""),
        kind,
        isMany,
      };
    });
}

function varint(value: bigint): number[] {
  const bytes = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

function key(field: Field, wire: number): number[] {
  return varint(BigInt(field.number * 8 + wire));
}

function encodeOne(schema: Schema, field: Field, value: unknown): number[] {
  switch (field.kind) {
    case "int":
    case "bool":
      return [...key(field, VARINT), ...varint(BigInt(Number(value)))];
    case "text":
      return delimited(field, new TextEncoder().encode(String(value)));
    case "map": {
      const [name, text] = value as [string, string];
      const entry = { key: name, value: text };
      return delimited(field, encode({ Entry: ENTRY }, "Entry", entry));
    }
    default:
      return delimited(field, encode(schema, field.kind, value as Message));
  }
}

const ENTRY = "1 key, 2 value";

function delimited(field: Field, bytes: Uint8Array): number[] {
  return [...key(field, LENGTH), ...varint(BigInt(bytes.length)), ...bytes];
}

/** Writes a message. */
export function encode(
  schema: Schema,
  type: string,
  message: Message,
): Uint8Array<ArrayBuffer> {
  const fields = fieldsOf(schema, type);
  const bytes = Object.entries(message).flatMap(([name, value]) => {
    const field = fields.find((each) => each.name === name);
    if (!field) throw new Error(`${type} has no field ${name}`);
    if (value === undefined) return [];
    const values = field.kind === "map"
      ? Object.entries(value as Record<string, string>)
      : field.isMany
      ? value as unknown[]
      : [value];
    return values.flatMap((each) => encodeOne(schema, field, each));
  });
  return Uint8Array.from(bytes);
}

/** Reads a message; fields that the table does not have are left out. */
export function decode(
  schema: Schema,
  type: string,
  bytes: Uint8Array,
): Record<string, unknown> {
  const fields = fieldsOf(schema, type);
  const result: Record<string, unknown> = {};
  for (const field of fields) if (field.isMany) result[field.name] = [];
  for (const { number, value } of readFields(bytes)) {
    const field = fields.find((each) => each.number === number);
    if (!field) continue;
    const decoded = decodeOne(schema, field, value);
    if (field.isMany) (result[field.name] as unknown[]).push(decoded);
    else result[field.name] = decoded;
  }
  return result;
}

function decodeOne(
  schema: Schema,
  field: Field,
  value: bigint | Uint8Array,
): unknown {
  if (typeof value === "bigint") {
    const number = Number(BigInt.asIntN(64, value));
    return field.kind === "bool" ? number !== 0 : number;
  }
  if (field.kind === "text" || field.kind === "bytes") {
    return new TextDecoder().decode(value);
  }
  if (field.kind === "map") return decode({ Entry: ENTRY }, "Entry", value);
  return decode(schema, field.kind, value);
}

function* readFields(
  bytes: Uint8Array,
): Generator<{ number: number; value: bigint | Uint8Array }> {
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("a message ends too early");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const head = Number(next());
    const [number, wire] = [head >> 3, head & 7];
    if (wire === VARINT) yield { number, value: next() };
    else if (wire === LENGTH) yield { number, value: take(Number(next())) };
    else if (wire === EIGHT_BYTES) take(8);
    else if (wire === FOUR_BYTES) take(4);
    else throw new Error(`a field of an unknown kind: ${wire}`);
  }
}

/**
 * Messages of protocol buffers, by tables that say what fields they have: the
 * encoding is that of `lib/criu/protobuf.ts`, with maps besides.
 *
 * @module
 */
import {
  decodeMessage,
  encodeMessage,
  type Field as WireField,
  type Message as WireMessage,
  type Schema as WireSchema,
} from "../../lib/criu/protobuf.ts";

/** What a message may hold; fields that are not set are not sent. */
export type Message = { readonly [name: string]: unknown };

/** `number name kind`: kinds are `int`, `bool`, `text`, `map`, or a message; `*` before a name means many. */
export type Schema = Readonly<Record<string, string>>;

interface Field {
  readonly name: string;
  readonly kind: string;
  readonly wire: WireField;
}

const SIMPLE = ["int", "bool", "text"] as const;
const ENTRY: WireSchema = {
  key: { number: 1, type: "text" },
  value: { number: 2, type: "text" },
};

function typeOf(schema: Schema, kind: string): WireField["type"] {
  const simple = SIMPLE.find((each) => each === kind);
  if (simple !== undefined) return simple;
  return kind === "map" ? ENTRY : wireSchema(fieldsOf(schema, kind));
}

function fieldsOf(schema: Schema, type: string): Field[] {
  const text = schema[type];
  if (text === undefined) throw new Error(`no message ${type}`);
  return text.split(",").map((each) => each.trim()).filter((each) => each)
    .map((each) => {
      const [number = "", name = "", kind = "text"] = each.split(" ");
      return {
        name: name.replace("*", ""),
        kind,
        wire: {
          number: Number(number),
          type: typeOf(schema, kind),
          ...(name.startsWith("*") && { isList: true as const }),
        },
      };
    });
}

function wireSchema(fields: readonly Field[]): WireSchema {
  return Object.fromEntries(fields.map(({ name, wire }) => [name, wire]));
}

/** Changes the value of a field, or each of many. */
function change(
  { wire }: Field,
  value: unknown,
  by: (one: unknown) => unknown,
): unknown {
  return wire.isList && Array.isArray(value) ? value.map(by) : by(value);
}

/** Maps are lists of entries when they are sent. */
function toWire(schema: Schema, type: string, message: Message): WireMessage {
  const fields = fieldsOf(schema, type);
  const pairs = Object.entries(message).map(([name, value]) => {
    const field = fields.find((each) => each.name === name);
    if (!field) throw new Error(`${type} has no field ${name}`);
    const { kind } = field;
    if (value === undefined || typeof field.wire.type === "string") {
      return [name, value];
    }
    if (kind === "map") {
      const entries = Object.entries(value as Record<string, string>);
      return [name, entries.map(([key, value]) => ({ key, value }))];
    }
    const by = (one: unknown) => toWire(schema, kind, one as Message);
    return [name, change(field, value, by)];
  });
  return Object.fromEntries(pairs);
}

/** A list of which nothing came is empty. */
function fromWire(schema: Schema, type: string, message: Message): Message {
  const pairs = fieldsOf(schema, type).map((field) => {
    const { name, kind, wire } = field;
    const value = message[name] ?? (wire.isList ? [] : undefined);
    if (value === undefined || wire.type === ENTRY) return [name, value];
    if (typeof wire.type === "string") return [name, value];
    const by = (one: unknown) => fromWire(schema, kind, one as Message);
    return [name, change(field, value, by)];
  });
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** Writes a message. */
export function encode(
  schema: Schema,
  type: string,
  message: Message,
): Uint8Array<ArrayBuffer> {
  const fields = wireSchema(fieldsOf(schema, type));
  return encodeMessage(fields, toWire(schema, type, message));
}

/** Reads a message; fields that the table does not have are left out. */
export function decode(
  schema: Schema,
  type: string,
  bytes: Uint8Array,
): Message {
  const fields = wireSchema(fieldsOf(schema, type));
  return fromWire(schema, type, decodeMessage(fields, bytes));
}

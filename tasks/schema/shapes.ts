/**
 * Building blocks of the JSON Schema of container.json.
 *
 * @module
 */
import type { Json, JsonObject } from "../../lib/config/json.ts";
import {
  INT32,
  INT64,
  type IntegerBounds,
  UINT32,
  UINT64,
} from "../../lib/config/object_reader.ts";

/** One key of an object of the text. */
export interface Key {
  /** Schema of its value, without `null`, which stands for a missing key. */
  readonly shape: JsonObject;
  /** Member of the model that it is read into, e.g. `Mount.flags`; its docstring is the description. */
  readonly member?: string;
  /** Description, after the member's. */
  readonly text?: string;
  /** What a text without the key gets, where that is one value. */
  readonly default?: Json;
  /** A value. */
  readonly example?: Json;
  /** Kernel or host that is needed, beyond what every container needs. */
  readonly needs?: string;
  /** Whether the key must be there. */
  readonly isRequired?: boolean;
  /** Whether it is read only for the sake of old files. */
  readonly isDeprecated?: boolean;
}

/** Keys by their name in the text. */
export type Keys = Readonly<Record<string, Key>>;

/** An object of the text. */
export interface ObjectShape {
  /** Interface of the model that it is read into; its docstring is the description. */
  readonly model?: string;
  /** Description, after the interface's. */
  readonly text?: string;
  /** Its keys. */
  readonly keys: Keys;
}

/** Text. */
export const string: JsonObject = { type: "string" };
/** True or false. */
export const boolean: JsonObject = { type: "boolean" };
/** Names to texts. */
export const stringMap: JsonObject = {
  type: "object",
  additionalProperties: string,
};
/** A list of texts. */
export const strings: JsonObject = { type: "array", items: string };

/** A whole number within bounds, both included. */
export function integer(bounds: IntegerBounds = INT32): JsonObject {
  return { type: "integer", minimum: bounds.min, maximum: bounds.max };
}

/** A whole number of 32 bits. */
export const int32: JsonObject = integer(INT32);
/** A whole number of 32 bits without sign. */
export const uint32: JsonObject = integer(UINT32);
/** A whole number of 64 bits. */
export const int64: JsonObject = integer(INT64);
/** A whole number of 64 bits without sign. */
export const uint64: JsonObject = integer(UINT64);
/** Limit in bytes, microseconds and the like; 0 is not set, -1 none. */
export const limit: JsonObject = integer({ min: -1, max: 2n ** 63n - 1n });

/** One of some values. */
export function oneOf(values: readonly Json[]): JsonObject {
  return { enum: values };
}

/** A text that a regular expression matches. */
export function matching(pattern: string): JsonObject {
  return { type: "string", pattern };
}

/** One of several shapes. */
export function either(...shapes: readonly JsonObject[]): JsonObject {
  return { anyOf: shapes };
}

/** A list. */
export function listOf(items: JsonObject): JsonObject {
  return { type: "array", items };
}

/** An object that stands among the definitions. */
export function object(name: string): JsonObject {
  return { $ref: `#/$defs/${name}` };
}

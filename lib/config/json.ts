/**
 * Text to JSON value, strictly and within bounds.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { formatProblems, toPosition } from "./problems.ts";
import { formatPath, type JsonPath, MAX_DEPTH, scanJson } from "./json_scan.ts";

/** A JSON value; whole numbers beyond 2^53 - 1 are `bigint`. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | JsonObject;

/** A JSON object. `__proto__` is a key like any other. */
export interface JsonObject {
  /** Members by key. */
  readonly [key: string]: Json;
}

/** Longest text that is read, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 16 * 1024 * 1024;
/** Longest list or object that is read, in items. */
export const MAX_ITEMS = 16_384;
/** Digits of 2^64 and a sign; longer numbers fit no field. */
const MAX_INTEGER_LENGTH = 20;

interface Fault {
  readonly path: JsonPath;
  readonly offset: number;
  readonly message: string;
}

/**
 * Tells whether a JSON value is an object.
 *
 * @param value Any JSON value.
 * @returns True for objects, not for lists and `null`.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isJsonObject } from "./json.ts";
 *
 * assert(isJsonObject({}) && !isJsonObject([]) && !isJsonObject(null));
 * ```
 */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(text: string, name: string, faults: readonly Fault[]): never {
  const problems = faults.map(({ path, offset, message }) => ({
    path: formatPath(path),
    message,
    ...toPosition(text, offset),
  }));
  throw new ConfigError(formatProblems(name, problems), problems, {
    context: { path: name },
  });
}

/** The source text of long numbers is kept: a double would round them. */
function parseWithBigIntegers(text: string): Json {
  return JSON.parse(
    text,
    (_key, value, context?: { source?: string }) => {
      if (typeof value !== "number" || Number.isSafeInteger(value)) {
        return value;
      }
      const source = context?.source ?? "";
      const isInteger = source.length <= MAX_INTEGER_LENGTH &&
        /^-?\d+$/.test(source);
      return isInteger ? BigInt(source) : value;
    },
  );
}

/** Counts members, and finds what breaks a bound. */
class Bounds {
  members = 0;
  fault: { path: JsonPath; message: string } | undefined;
  /** Where the value is that is looked at: a copy for each would cost more than the look. */
  readonly #path: (string | number)[] = [];

  check(value: Json): void {
    if (typeof value === "string") {
      if (value.includes("\0")) this.#refuse("holds a NUL character");
    } else if (typeof value === "object" && value !== null) {
      if (this.#path.length >= MAX_DEPTH) {
        this.#refuse(`nested deeper than ${MAX_DEPTH} levels`);
        return;
      }
      const entries = Object.entries(value);
      const isList = Array.isArray(value);
      if (!isList) this.members += entries.length;
      if (entries.length > MAX_ITEMS) {
        this.#refuse(`holds more than ${MAX_ITEMS} items`);
        return;
      }
      for (const [key, item] of entries) {
        if (key.includes("\0")) this.#refuse("a key holds NUL");
        this.#path.push(isList ? Number(key) : key);
        this.check(item);
        this.#path.pop();
      }
    }
  }

  #refuse(message: string): void {
    this.fault ??= { path: [...this.#path], message };
  }
}

/** Counts the colons outside strings: one for each member, also for duplicates. */
function countColons(text: string): number {
  let colons = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|:/g)) {
    if (match[0] === ":") colons++;
  }
  return colons;
}

function offsetOf(text: string, path: JsonPath): number {
  const wanted = JSON.stringify(path);
  let found = 0;
  scanJson(text, (at, keyOffset) => {
    if (at.length === path.length && JSON.stringify(at) === wanted) {
      found = keyOffset;
    }
  });
  return found;
}

/** Asks `@std/jsonc` whether the text is JSON with comments; it may be absent. */
async function loadJsonc(): Promise<((text: string) => unknown) | undefined> {
  try {
    return (await import("@std/jsonc")).parse;
  } catch {
    // No import map here (the program that imports us has its own), so take the
    // copy of this checkout. The name is computed: published packages lack it.
    const copy = new URL("../../std/jsonc/mod.ts", import.meta.url);
    try {
      const permission = { name: "read", path: copy } as const;
      const { state } = Deno.permissions.querySync(permission);
      // Asking the user for a permission would be worse than doing without.
      if (state !== "granted") return undefined;
      const { parse } = await import(copy.href);
      return typeof parse === "function" ? (text) => parse(text) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Comments and trailing commas become spaces; anything else is refused. */
async function toStrictJson(text: string, name: string): Promise<string> {
  const { error, strict } = scanJson(text);
  if (error !== undefined) refuse(text, name, [{ path: [], ...error }]);
  const parse = await loadJsonc();
  try {
    parse?.(text);
    JSON.parse(strict);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    refuse(text, name, [{ path: [], offset: 0, message }]);
  }
  return strict;
}

/**
 * Parses JSON, strictly and within bounds.
 *
 * Comments and trailing commas are accepted: `@std/jsonc` is loaded only for
 * texts that `JSON.parse` refuses. Duplicate keys, NUL characters, nesting
 * beyond 64 levels and lists beyond 16384 items are refused.
 *
 * @param text The text, with or without a byte order mark.
 * @param name Name of the file for messages.
 * @returns The value, with whole numbers beyond 2^53 - 1 as `bigint`.
 * @throws {ConfigError} `ConfigInvalid` with line and column.
 *
 * @example A number that a double cannot hold
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseJson } from "./json.ts";
 *
 * assertEquals(await parseJson("[18446744073709551615]", "x"), [2n ** 64n - 1n]);
 * ```
 */
export async function parseJson(text: string, name: string): Promise<Json> {
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `longer than ${MAX_TEXT_LENGTH} characters`;
    refuse("", name, [{ path: [], offset: 0, message }]);
  }
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  let strict = body;
  let value: Json;
  try {
    value = JSON.parse(strict);
  } catch {
    strict = await toStrictJson(body, name);
    value = JSON.parse(strict);
  }
  const bounds = new Bounds();
  bounds.check(value);
  if (bounds.fault !== undefined) {
    const { path } = bounds.fault;
    refuse(body, name, [{ ...bounds.fault, offset: offsetOf(strict, path) }]);
  }
  if (countColons(strict) !== bounds.members) {
    const faults = scanJson(strict).duplicates.map((duplicate) => ({
      ...duplicate,
      message: "key given twice; keep one",
    }));
    refuse(body, name, faults);
  }
  return /\d{16}/.test(strict) ? parseWithBigIntegers(strict) : value;
}

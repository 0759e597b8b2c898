/**
 * Typed access to a JSON object that collects every fault instead of throwing.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { JsonPath } from "./json_scan.ts";
import { describe, type Findings, quote } from "./problems.ts";
import type { Int64 } from "./types.ts";

/** Bounds of a whole number, both included. */
export interface IntegerBounds {
  /** Least value. */
  readonly min: Int64;
  /** Greatest value. */
  readonly max: Int64;
}

/** Go's `int`. */
export const INT64: IntegerBounds = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
/** Go's `uint64`. */
export const UINT64: IntegerBounds = { min: 0, max: 2n ** 64n - 1n };
/** Whole numbers of 32 bits without sign. */
export const UINT32: IntegerBounds = { min: 0, max: 0xffffffff };
/** Whole numbers of 32 bits. */
export const INT32: IntegerBounds = { min: -0x80000000, max: 0x7fffffff };

/**
 * Reads one object, as Go did: keys match in any case, and a missing member or
 * `null` is the zero value. Unlike Go, keys nobody asked for are faults.
 */
export class ObjectReader {
  /** Where the object stands in the text. */
  readonly path: JsonPath;
  /** Where faults go. */
  readonly findings: Findings;
  readonly #values = new Map<string, Json>();
  readonly #keys = new Map<string, string>();
  readonly #asked = new Set<string>();

  /** Wraps an object that stands at a path of the text. */
  constructor(findings: Findings, value: JsonObject, path: JsonPath) {
    this.findings = findings;
    this.path = path;
    for (const [key, member] of Object.entries(value)) {
      const lower = key.toLowerCase();
      const twin = this.#keys.get(lower);
      // Keys that are passed over may be spelled in any way.
      if (twin !== undefined && !findings.ignoresUnknownKeys) {
        const message =
          `key given twice, as ${quote(twin)} and ${quote(key)};` +
          " keep one";
        findings.problem([...path, key], message, "key");
      }
      this.#keys.set(lower, key);
      this.#values.set(lower, member);
    }
  }

  /** Path of a member. */
  at(key: string): JsonPath {
    return [...this.path, this.#keys.get(key.toLowerCase()) ?? key];
  }

  /** The member as it is; `undefined` when missing or `null`. */
  raw(key: string): Json | undefined {
    this.#asked.add(key);
    return this.#values.get(key.toLowerCase()) ?? undefined;
  }

  /** Whether the member is there and not `null`. */
  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** Complains that a member has another type than wanted. */
  refuse(key: string, found: Json, wanted: string): undefined {
    return this.findings.problem(
      this.at(key),
      `found ${describe(found)}, wanted ${wanted}`,
    );
  }

  /** A string; empty when missing. */
  string(key: string): string {
    const value = this.raw(key);
    if (value === undefined || typeof value === "string") return value ?? "";
    return this.refuse(key, value, "a string") ?? "";
  }

  /** A boolean; false when missing. */
  boolean(key: string): boolean {
    const value = this.raw(key);
    if (value === undefined || typeof value === "boolean") {
      return value ?? false;
    }
    return this.refuse(key, value, "true or false") ?? false;
  }

  /** A whole number within bounds; `undefined` when missing or refused. */
  int64(key: string, bounds: IntegerBounds): Int64 | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
    if (typeof value !== "bigint" && typeof value !== "number" || !isInteger) {
      return this.refuse(key, value, "a whole number");
    }
    if (value < bounds.min || value > bounds.max) {
      const range = `a number from ${bounds.min} to ${bounds.max}`;
      return this.refuse(key, value, range);
    }
    return value;
  }

  /** As {@linkcode int64} for bounds within 2^53; 0 when missing or refused. */
  integer(key: string, bounds: IntegerBounds = INT32): number {
    return Number(this.int64(key, bounds) ?? 0);
  }

  /** As {@linkcode int64}, with 0 meaning that the limit is not set. */
  limit(key: string, bounds: IntegerBounds = INT64): Int64 | undefined {
    const value = this.int64(key, bounds);
    return value === 0 || value === 0n ? undefined : value;
  }

  /** A list, each item read by a function; `undefined` when missing. */
  list<T>(
    key: string,
    read: (item: Json, path: JsonPath) => T | undefined,
  ): T[] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.refuse(key, value, "a list") ?? [];
    const items: T[] = [];
    value.forEach((item: Json, index) => {
      const result = read(item, [...this.at(key), index]);
      if (result !== undefined) items.push(result);
    });
    return items;
  }

  /** A list of strings; `undefined` when missing. */
  strings(key: string): string[] | undefined {
    return this.list(key, (item, path) => {
      if (typeof item === "string") return item;
      const message = `found ${describe(item)}, wanted a string`;
      return this.findings.problem(path, message);
    });
  }

  /** A list of objects, each finished after reading; `undefined` when missing. */
  objects<T>(
    key: string,
    read: (item: ObjectReader) => T | undefined,
  ): T[] | undefined {
    return this.list(key, (item, path) => {
      if (isJsonObject(item)) return this.#inner(item, path, read);
      const message = `found ${describe(item)}, wanted an object`;
      return this.findings.problem(path, message);
    });
  }

  /** An object, finished after reading; `undefined` when missing. */
  object<T>(
    key: string,
    read: (inner: ObjectReader) => T | undefined,
  ): T | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) return this.refuse(key, value, "an object");
    return this.#inner(value, this.at(key), read);
  }

  /** The objects that are members of one whose keys are free; `undefined` when missing. */
  namedObjects<T>(
    key: string,
    read: (item: ObjectReader, name: string) => T | undefined,
  ): T[] | undefined {
    return this.entries(key)?.flatMap(([name, value, path]) => {
      if (isJsonObject(value)) {
        const result = this.#inner(value, path, (item) => read(item, name));
        return result === undefined ? [] : [result];
      }
      const message = `found ${describe(value)}, wanted an object`;
      return this.findings.problem(path, message) ?? [];
    });
  }

  /** Members of an object whose keys are free, each with its path. */
  entries(key: string): [string, Json, JsonPath][] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) return this.refuse(key, value, "an object") ?? [];
    return Object.entries(value).map((
      [name, member],
    ) => [name, member, [...this.at(key), name]]);
  }

  /** An object of strings; `undefined` when missing. */
  stringMap(key: string): Record<string, string> | undefined {
    const entries = this.entries(key);
    if (entries === undefined) return undefined;
    const pairs = entries.flatMap(([name, value, path]) => {
      if (typeof value === "string") return [[name, value]];
      const message = `found ${describe(value)}, wanted a string`;
      return this.findings.problem(path, message) ?? [];
    });
    return Object.fromEntries(pairs);
  }

  /** Complains about members that nobody asked for, unless they are to be ignored. */
  finish(): void {
    if (this.findings.ignoresUnknownKeys) return;
    const asked = [...this.#asked];
    const lower = new Set(asked.map((key) => key.toLowerCase()));
    for (const [key, name] of this.#keys) {
      if (lower.has(key)) continue;
      this.findings.unknown([...this.path, name], "key", name, asked, "key");
    }
  }

  #inner<T>(
    value: JsonObject,
    path: JsonPath,
    read: (inner: ObjectReader) => T | undefined,
  ): T | undefined {
    const reader = new ObjectReader(this.findings, value, path);
    const result = read(reader);
    reader.finish();
    if (typeof result === "object" && result !== null) {
      this.findings.setOrigin(result, path);
    }
    return result;
  }
}

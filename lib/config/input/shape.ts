/**
 * Shapes of plain data: what a program has written down is checked member by
 * member and completed, instead of failing somewhere later.
 *
 * A value that needs no change is given back as it is, the same object.
 *
 * @module
 */
import { isDeeplyFrozen } from "../frozen.ts";
import type { JsonPath } from "../json_scan.ts";
import { describe, type Findings } from "../problems.ts";
import { compact } from "../reading.ts";
import type { Int64 } from "../types.ts";

/**
 * Checks a value and completes it.
 *
 * @typeParam T What it is then.
 */
export type Shape<T> = (
  value: unknown,
  path: JsonPath,
  findings: Findings,
) => T | undefined;

/** A member of a record. */
export interface Field<T> {
  /** What it must be. */
  readonly shape: Shape<T>;
  /** Whether it must be there. */
  readonly isRequired?: boolean;
  /** What stands for one that is missing. */
  readonly missing?: (owner: object) => T;
}

/** A member that stays away when it is missing. */
type OptionalField<T> = Shape<T>;
/** The fields of a record type: each member once. */
export type Fields<T> = {
  readonly [K in keyof Required<T>]: object extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>>
    : Field<T[K]>;
};

function refuse(
  value: unknown,
  path: JsonPath,
  findings: Findings,
  wanted: string,
): undefined {
  findings.problem(path, `found ${describe(value)}, wanted ${wanted}`);
}

function simple<T>(
  isRight: (value: unknown) => value is T,
  wanted: string,
): Shape<T> {
  return (value, path, findings) =>
    isRight(value) ? value : refuse(value, path, findings, wanted);
}

/** A string. */
export const TEXT: Shape<string> = simple(
  (value): value is string => typeof value === "string",
  "a string",
);

/** True or false. */
export const FLAG: Shape<boolean> = simple(
  (value): value is boolean => typeof value === "boolean",
  "true or false",
);

/** A number that may have a fraction. */
export const NUMBER: Shape<number> = simple(
  (value): value is number => Number.isFinite(value),
  "a number",
);

/** A whole number that a number holds. */
export const INTEGER: Shape<number> = simple(
  (value): value is number => Number.isSafeInteger(value),
  "a whole number",
);

/** A whole number of up to 64 bits; a `bigint` above 2^53 - 1. */
export const INTEGER64: Shape<Int64> = simple(
  (value): value is Int64 =>
    typeof value === "bigint" || Number.isSafeInteger(value),
  "a whole number (a bigint above 2^53 - 1)",
);

/**
 * One of some names or numbers.
 *
 * @typeParam T They.
 * @param names All of them.
 * @param kind What they name, for messages.
 * @param read Finds another spelling.
 * @returns The shape.
 */
export function oneOf<const T extends string | number>(
  names: readonly T[],
  kind: string,
  read: (spelling: string) => T | undefined = () => undefined,
): Shape<T> {
  const known: ReadonlySet<unknown> = new Set(names);
  return (value, path, findings) => {
    if (known.has(value)) return value as T;
    if (typeof value !== "string") {
      return refuse(value, path, findings, `one of ${names.join(", ")}`);
    }
    const found = read(value);
    if (found !== undefined) return found;
    return findings.unknown(path, kind, value, names.map(String));
  };
}

/**
 * Looks only once at what nobody can change: the template's filter, mounts and
 * devices are most of a configuration, and the same in many.
 */
function once<T>(shape: Shape<T>): Shape<T> {
  const right = new WeakSet<object>();
  return (value, path, findings) => {
    const isObject = typeof value === "object" && value !== null;
    if (isObject && right.has(value)) return value as T;
    const before = findings.problems.length;
    const found = shape(value, path, findings);
    const isRight = found === value && findings.problems.length === before;
    if (isObject && isRight && isDeeplyFrozen(value)) right.add(value);
    return found;
  };
}

/**
 * A list.
 *
 * @typeParam T Its items.
 * @param item Their shape.
 * @returns The shape.
 */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return once((value, path, findings) => {
    if (!Array.isArray(value)) return refuse(value, path, findings, "a list");
    const items: T[] = [];
    // A loop over indices sees the holes of a list as well.
    for (let index = 0; index < value.length; index++) {
      const found = item(value[index], [...path, index], findings);
      if (found !== undefined) items.push(found);
    }
    const isSame = items.length === value.length &&
      items.every((found, index) => found === value[index]);
    return isSame ? value : items;
  });
}

function readTexts(
  value: unknown,
  path: JsonPath,
  findings: Findings,
): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(value, path, findings, "an object");
  }
  for (const [key, member] of Object.entries(value)) {
    TEXT(member, [...path, key], findings);
  }
  return value as Record<string, string>;
}

/** An object, of any keys; its values are strings. */
export const TEXTS: Shape<Readonly<Record<string, string>>> = readTexts;

/**
 * Either of two shapes, told apart by the value.
 *
 * @typeParam A The first.
 * @typeParam B The second.
 * @param isFirst Whether a value is to be of the first.
 * @param first The first.
 * @param second The second.
 * @returns The shape.
 */
export function either<A, B>(
  isFirst: (value: unknown) => boolean,
  first: Shape<A>,
  second: Shape<B>,
): Shape<A | B> {
  return (value, path, findings) =>
    isFirst(value)
      ? first(value, path, findings)
      : second(value, path, findings);
}

/**
 * A member that must be there.
 *
 * @typeParam T What it is.
 * @param shape Its shape.
 * @returns The field.
 */
export function required<T>(shape: Shape<T>): Field<T> {
  return { shape, isRequired: true };
}

/**
 * A member with a value that stands for it when it is missing.
 *
 * @typeParam T What it is.
 * @param shape Its shape.
 * @param missing That value, or what makes it from the other members.
 * @returns The field.
 */
export function or<T>(
  shape: Shape<T>,
  missing: T | ((owner: object) => T),
): Field<T> {
  return {
    shape,
    missing: typeof missing === "function"
      ? missing as (owner: object) => T
      : () => missing,
  };
}

function asField<T>(field: Field<T> | Shape<T>): Field<T> {
  return typeof field === "function" ? { shape: field } : field;
}

/**
 * An object of known members; others are faults.
 *
 * @typeParam T What it is then.
 * @param fields All members.
 * @returns The shape.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Findings } from "../problems.ts";
 * import { INTEGER, or, record, required, TEXT } from "./shape.ts";
 *
 * const point = record<{ name: string; x: number }>({
 *   name: required(TEXT),
 *   x: or(INTEGER, 0),
 * });
 * assertEquals(point({ name: "a" }, [], new Findings()), { name: "a", x: 0 });
 * ```
 */
export function record<T extends object>(fields: Fields<T>): Shape<T> {
  const known = Object.entries<Field<unknown> | Shape<unknown>>(fields)
    .map(([name, field]) => [name, asField(field)] as const);
  const names = known.map(([name]) => name);
  return once((value, path, findings) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return refuse(value, path, findings, "an object");
    }
    const given = value as Readonly<Record<string, unknown>>;
    const changed: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(given)) {
      // The model's members are absent or have a value.
      if (member === undefined) changed[name] = undefined;
      else if (!names.includes(name)) {
        findings.unknown([...path, name], "key", name, names, "key");
      }
    }
    for (const [name, { shape, isRequired, missing }] of known) {
      const found = given[name];
      if (found === undefined) {
        if (missing) changed[name] = missing(given);
        else if (isRequired) findings.problem([...path, name], "is missing");
        continue;
      }
      const member = shape(found, [...path, name], findings);
      if (member !== found) changed[name] = member;
    }
    if (Object.keys(changed).length === 0) return value as T;
    return compact<Record<string, unknown>>({ ...value, ...changed }) as T;
  });
}

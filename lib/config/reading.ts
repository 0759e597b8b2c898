/**
 * What the readers of all dialects share: where findings go, which rules hold.
 *
 * @module
 */
import type { ObjectReader } from "./object_reader.ts";
import type { Findings } from "./problems.ts";
import type { Config, Dialect } from "./types.ts";

/** One reading of one text. */
export interface Reading {
  /** Where faults and remarks go. */
  readonly findings: Findings;
  /** Whose rules hold. */
  readonly dialect: Dialect;
  /** Whether the caller named the dialect, so that no guess is involved. */
  readonly isForced: boolean;
  /** Whether any `ociVersion` will do, as engines expect. */
  readonly anyVersion?: boolean;
  /** Host ids of root in a user namespace that an OCI config.json gives no mappings. */
  readonly rootIds?: RootIds;
  /** Absolute path of the container's directory; asked for only when needed. */
  readonly directory: () => string;
  /** Absolute path of the directory that holds the file, an OCI bundle; `directory` when absent. */
  readonly bundle?: () => string;
}

/** Host ids of the root of a user namespace. */
export interface RootIds {
  /** Its user. */
  readonly uid: number;
  /** Its group. */
  readonly gid: number;
}

/** Reads the root object of a text by the rules of one era. */
export type EraReader = (root: ObjectReader, reading: Reading) => Config;

/** A type whose optional members may also be `undefined`. */
export type Loose<T> = {
  [Key in keyof T]: object extends Pick<T, Key> ? T[Key] | undefined : T[Key];
};

/**
 * Leaves out the members that are `undefined`.
 *
 * Optional members of the model are absent or have a value, never `undefined`.
 *
 * @param members A model object whose optional members may be `undefined`.
 * @returns The same without them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { compact } from "./reading.ts";
 *
 * assertEquals(compact<{ a: number; b?: string }>({ a: 1, b: undefined }), { a: 1 });
 * ```
 */
export function compact<T extends object>(members: Loose<T>): T {
  const present = Object.entries(members).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(present) as T;
}

/**
 * Turns Go's empty string, which means "not set", into `undefined`.
 *
 * @param value A string, maybe empty.
 * @returns The string, or `undefined` when it is empty.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nonEmpty } from "./reading.ts";
 *
 * assertEquals(nonEmpty(""), undefined);
 * ```
 */
export function nonEmpty(value: string): string | undefined {
  return value === "" ? undefined : value;
}

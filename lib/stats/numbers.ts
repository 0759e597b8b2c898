/**
 * Texts of the files of a control group -> numbers. Pure.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { KernelError } from "../errors.ts";
import type { Counters } from "./types.ts";

/** The files of one control group. */
export interface GroupFiles {
  /** Version of its hierarchy. */
  readonly version: 1 | 2;
  /** Its directory, for errors. */
  readonly path: string;
  /** Text of a file; undefined when the kernel has none. */
  readonly read: (name: string) => string | undefined;
  /** Names of all files. */
  readonly names: () => readonly string[];
}

const LARGEST = 2n ** 64n - 1n;
/** From here on a limit in bytes is none: version 1 has no word for it. */
const NO_LIMIT = 2n ** 63n - 2n ** 20n;
const LONGEST_SHOWN = 80;

/**
 * The error for a file that is not as the kernel writes it.
 *
 * @param path The file.
 * @param line What is wrong in it.
 * @returns A {@linkcode KernelError} with EBADMSG.
 */
export function malformed(path: string, line: string): KernelError {
  const shown = JSON.stringify(line.slice(0, LONGEST_SHOWN));
  return new KernelError(
    `Cannot read ${path}: ${shown} is not what the kernel writes there; is something mounted over it?`,
    { errno: 74, errnoName: "EBADMSG", context: { path } },
  );
}

/** The number, exact: `bigint` only where `number` would round. */
export function exact(value: bigint): Int64 {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/**
 * Reads a count: digits, at most 64 bits.
 *
 * @param text The digits.
 * @param path File that they stand in, for the error.
 * @returns The number.
 * @throws {KernelError} `SystemError` (EBADMSG) for anything else.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCount } from "./numbers.ts";
 *
 * assertEquals(parseCount("4096", "pids.current"), 4096);
 * assertEquals(parseCount("9223372036854771712", "memory.max"), 9223372036854771712n);
 * ```
 */
export function parseCount(text: string, path: string): Int64 {
  if (!/^\d{1,20}$/.test(text)) throw malformed(path, text);
  if (text.length <= 15) return Number(text);
  const value = BigInt(text);
  if (value > LARGEST) throw malformed(path, text);
  return exact(value);
}

/** A count times a factor, exact. */
export function scale(count: Int64, factor: number): Int64 {
  return exact(BigInt(count) * BigInt(factor));
}

/** The sum of two counts, exact. */
export function add(a: Int64, b: Int64): Int64 {
  return exact(BigInt(a) + BigInt(b));
}

/** A file that holds one count; undefined without the file. */
export function countOf(files: GroupFiles, name: string): Int64 | undefined {
  const text = files.read(name);
  if (text === undefined) return undefined;
  return parseCount(text.trim(), `${files.path}/${name}`);
}

/** A file that holds a limit; undefined without the file and without a limit. */
export function limitOf(files: GroupFiles, name: string): Int64 | undefined {
  const text = files.read(name)?.trim();
  if (text === undefined || text === "max" || text === "-1") return undefined;
  const limit = parseCount(text, `${files.path}/${name}`);
  return limit >= NO_LIMIT ? undefined : limit;
}

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) =>
    line !== ""
  );
}

/** The lines of a file that are not empty; undefined without the file. */
export function readLines(
  files: GroupFiles,
  name: string,
): string[] | undefined {
  const text = files.read(name);
  return text === undefined ? undefined : linesOf(text);
}

/** A file of `NAME COUNT` lines; undefined without the file. */
export function tableOf(
  files: GroupFiles,
  name: string,
): Counters | undefined {
  const path = `${files.path}/${name}`;
  const entries = readLines(files, name)?.map((line): [string, Int64] => {
    const [key = "", count = "", ...more] = line.split(" ");
    if (more.length > 0) throw malformed(path, line);
    return [key, parseCount(count, path)];
  });
  return entries && Object.fromEntries(entries);
}

/**
 * A file of `KEY NAME=COUNT NAME=COUNT...` lines; undefined without the file.
 * Counts that are `max` are left out.
 */
export function nestedTableOf(
  files: GroupFiles,
  name: string,
): Readonly<Record<string, Counters>> | undefined {
  const path = `${files.path}/${name}`;
  const entries = readLines(files, name)?.map((line): [string, Counters] => {
    const [key = "", ...pairs] = line.split(" ");
    const counters: [string, Int64][] = [];
    for (const pair of pairs) {
      const [counter = "", count, ...more] = pair.split("=");
      if (count === undefined || more.length > 0) throw malformed(path, line);
      if (count !== "max") counters.push([counter, parseCount(count, path)]);
    }
    return [key, Object.fromEntries(counters)];
  });
  return entries && Object.fromEntries(entries);
}

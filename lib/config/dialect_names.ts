/**
 * The names of all dialects: for what offers them without reading any.
 *
 * @module
 */
import type { Dialect } from "./types.ts";

/**
 * All dialects, oldest first.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DIALECTS } from "./dialect_names.ts";
 *
 * assertEquals([DIALECTS[0], DIALECTS.at(-1)], ["A1", "OCI"]);
 * ```
 */
export const DIALECTS = [
  "A1",
  "A2",
  "A3",
  "A4",
  "A5",
  "B1",
  "B2",
  "B3",
  "C0",
  "C1",
  "C2",
  "C3",
  "D0",
  "D",
  "E",
  "OCI",
] as const satisfies readonly Dialect[];

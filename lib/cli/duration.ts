/**
 * Durations, as texts and for people. Pure.
 *
 * @module
 */
import { UsageError } from "../errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  "": 1000,
};

/** What a duration of the command line may be. */
export interface DurationRange {
  /** Shortest one, in milliseconds. */
  readonly min: number;
  /** Longest one, in milliseconds. */
  readonly max: number;
}

/**
 * Reads a duration of the command line.
 *
 * @param option Name of the option, for errors.
 * @param text E.g. `500ms`, `2s`, `1.5m`, `1h`; a bare number counts seconds.
 * @param range Between which durations it is.
 * @returns Milliseconds.
 * @throws {UsageError} `UsageInvalid` if it is no duration, or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDuration } from "./duration.ts";
 *
 * const range = { min: 1, max: 60_000 };
 * assertEquals(parseDuration("interval", "1.5s", range), 1500);
 * ```
 */
export function parseDuration(
  option: string,
  text: string,
  { min, max }: DurationRange,
): number {
  const [, digits, unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|)$/
    .exec(text) ?? [];
  const ms = Number(digits) * (UNITS[unit] ?? NaN);
  if (ms >= min && ms <= max) return ms;
  throw new UsageError(
    `--${option} cannot be ${JSON.stringify(text.slice(0, 64))}: it is a ` +
      `duration from ${formatDuration(min)} to ${formatDuration(max)}, ` +
      "such as 500ms, 2s or 1m",
  );
}

/**
 * Renders a duration for people.
 *
 * @param ms Milliseconds, 0 or more.
 * @returns E.g. `120 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatDuration } from "./duration.ts";
 *
 * assertEquals(formatDuration(185_000), "3 min 5 s");
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${trimmed(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? join(hours, "h", minutes % 60, "min")
    : join(Math.floor(hours / 24), "d", hours % 24, "h");
}

function join(large: number, of: string, small: number, unit: string): string {
  return small === 0 ? `${large} ${of}` : `${large} ${of} ${small} ${unit}`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

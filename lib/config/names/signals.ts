/**
 * Signals: names and numbers, as on x86_64 and aarch64; see signal(7).
 *
 * @module
 */

/** Names without `SIG`; a name's index is its number. */
const SIGNALS = [
  "",
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
] as const;

const SYNONYMS: Readonly<Record<string, number>> = {
  IOT: 6,
  CLD: 17,
  POLL: 29,
  UNUSED: 31,
};
/** First and last real-time signal; the C library keeps 32 and 33 for itself. */
const RTMIN = 34;
const RTMAX = 64;

/** Names of the ordinary signals, without `SIG`. */
export const SIGNAL_NAMES: readonly string[] = SIGNALS.slice(1);

function parseRealTime(name: string): number | undefined {
  const [, from, sign, distance] =
    /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ??
      [];
  if (from === undefined) return undefined;
  const base = from === "MIN" ? RTMIN : RTMAX;
  const number = base + (sign === "-" ? -1 : 1) * Number(distance ?? 0);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/**
 * Reads a signal by name or number.
 *
 * Pure.
 *
 * @param text E.g. `TERM`, `sigterm`, `15`, `RTMIN+1`.
 * @returns Its number 1 to 64; `undefined` if there is no such signal.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSignal } from "./signals.ts";
 *
 * assertEquals(parseSignal("SIGKILL"), 9);
 * ```
 */
export function parseSignal(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= RTMAX ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const number = SIGNALS.findIndex((known) => known === name);
  if (number > 0) return number;
  if (Object.hasOwn(SYNONYMS, name)) return SYNONYMS[name];
  return parseRealTime(name);
}

/**
 * Names a signal.
 *
 * Pure.
 *
 * @param number 1 to 64.
 * @returns E.g. `SIGTERM`, `SIGRTMIN+1`; the number where it has no name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatSignal } from "./signals.ts";
 *
 * assertEquals(formatSignal(9), "SIGKILL");
 * ```
 */
export function formatSignal(number: number): string {
  if (number >= RTMIN && number <= RTMAX) {
    return number === RTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - RTMIN}`;
  }
  const name = SIGNALS[number];
  return name ? `SIG${name}` : String(number);
}

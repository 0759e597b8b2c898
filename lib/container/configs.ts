/**
 * Configurations in use: containers with the same one share one frozen object,
 * its text and the knowledge that it is valid.
 *
 * A state file ends with the configuration, so that one which is known is
 * neither written out nor parsed again: a start reads and writes its state six
 * times, and the configuration is nine tenths of it.
 *
 * @module
 */
import { deepFreeze, isDeeplyFrozen } from "../config/frozen.ts";
import type { Config, Seccomp } from "../config/types.ts";

/** Configurations that are kept; the one used least recently goes first. */
const KEPT = 32;

/** A configuration in use. */
export interface SharedConfig {
  /** Deeply frozen. */
  readonly config: Config;
  /** As JSON. */
  readonly text: string;
}

interface Entry extends SharedConfig {
  /** Text of all but the filter. */
  readonly rest: string;
  isValid: boolean;
}

/** A filter in use, of any number of configurations: nine tenths of their text. */
interface SharedFilter {
  readonly seccomp: Seccomp;
  readonly text: string;
}

/** Filters by their text; the oldest goes first. */
const filters = new Map<string, SharedFilter>();
const frozenFilters = new WeakMap<Seccomp, SharedFilter>();

/** The latest first. */
const entries: Entry[] = [];
const known = new WeakMap<Config, Entry>();

function reviveBigInt(_key: string, value: unknown): unknown {
  if (typeof value === "object" && value !== null && "$bigint" in value) {
    return BigInt(String((value as { $bigint: unknown }).$bigint));
  }
  return value;
}

function replaceBigInt(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? { $bigint: value.toString() } : value;
}

/**
 * Writes a value as JSON; integers that no number holds become `{"$bigint": "..."}`.
 *
 * @param value Plain data.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatData, parseData } from "./configs.ts";
 *
 * assertEquals(parseData(formatData({ limit: 2n ** 60n })), { limit: 2n ** 60n });
 * ```
 */
export function formatData(value: unknown): string {
  try {
    // A replacer costs ten times as much as all the rest, and is hardly ever needed.
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, replaceBigInt);
  }
}

/**
 * Reads what {@linkcode formatData} wrote.
 *
 * @param text JSON.
 * @returns The value.
 * @throws {SyntaxError} If it is no JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseData } from "./configs.ts";
 *
 * assertEquals(parseData('{"a":{"$bigint":"5"}}'), { a: 5n });
 * ```
 */
export function parseData(text: string): unknown {
  return text.includes('"$bigint"')
    ? JSON.parse(text, reviveBigInt)
    : JSON.parse(text);
}

/** Makes a filter one that is shared; the caller may change his own then, unless it is frozen. */
function shareFilter(seccomp: Seccomp): SharedFilter {
  const own = frozenFilters.get(seccomp);
  if (own) return own;
  const text = formatData(seccomp);
  const same = filters.get(text);
  if (same) return same;
  const copy = isDeeplyFrozen(seccomp)
    ? seccomp
    : deepFreeze(parseData(text) as Seccomp);
  const filter = { seccomp: copy, text };
  const [oldest] = filters.keys();
  if (filters.size >= KEPT && oldest !== undefined) filters.delete(oldest);
  filters.set(text, filter);
  frozenFilters.set(copy, filter);
  return filter;
}

/** The text of a configuration: the filter, which is known, goes last. */
function joinTexts(rest: string, filter: SharedFilter | undefined): string {
  return filter ? `${rest.slice(0, -1)},"seccomp":${filter.text}}` : rest;
}

function keep(entry: Entry): void {
  entries.unshift(entry);
  if (entries.length > KEPT) entries.pop();
  known.set(entry.config, entry);
}

/** Finds what is kept and makes it the latest. */
function find(matches: (entry: Entry) => boolean): Entry | undefined {
  const at = entries.findIndex(matches);
  const entry = entries[at];
  if (entry && at > 0) {
    entries.splice(at, 1);
    entries.unshift(entry);
  }
  return entry;
}

/**
 * Makes a configuration one that is shared. The caller may change his own then.
 *
 * @param config A configuration.
 * @returns An equal one, deeply frozen, and its text.
 *
 * @example
 * ```ts
 * import { assertStrictEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { shareConfig } from "./configs.ts";
 *
 * const first = shareConfig(defaultConfig("/srv/root"));
 * const second = shareConfig(defaultConfig("/srv/root"));
 * assertStrictEquals(first.config, second.config);
 * ```
 */
export function shareConfig(config: Config): SharedConfig {
  const own = known.get(config);
  if (own) return own;
  const { seccomp, ...others } = config;
  const filter = seccomp && shareFilter(seccomp);
  const rest = formatData(others);
  const same = find((entry) =>
    entry.rest === rest && entry.config.seccomp === filter?.seccomp
  );
  if (same) return same;
  const copy = deepFreeze({
    ...parseData(rest) as Config,
    ...(filter && { seccomp: filter.seccomp }),
  });
  const text = joinTexts(rest, filter);
  const entry = { config: copy, text, rest, isValid: false };
  keep(entry);
  return entry;
}

/**
 * Text of a configuration as JSON; that of a shared one is known.
 *
 * @param config A configuration.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { configText } from "./configs.ts";
 *
 * assertEquals(configText(defaultConfig("/srv"))[0], "{");
 * ```
 */
export function configText(config: Config): string {
  return known.get(config)?.text ?? formatData(config);
}

/**
 * Finds the shared configuration that a text ends with.
 *
 * @param text Text of a state, which `end` follows.
 * @param end What stands behind the configuration.
 * @returns The configuration, where it is known.
 *
 * @example
 * ```ts
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { findShared, shareConfig } from "./configs.ts";
 *
 * const shared = shareConfig(defaultConfig("/srv/ends"));
 * assertStrictEquals(findShared(`{"config":${shared.text}}`, "}"), shared);
 * assertEquals(findShared("{}", "}"), undefined);
 * ```
 */
export function findShared(
  text: string,
  end: string,
): SharedConfig | undefined {
  if (!text.endsWith(end)) return undefined;
  const length = text.length - end.length;
  return find((entry) => text.endsWith(entry.text, length));
}

/**
 * Whether a configuration is known to be valid.
 *
 * @param config A configuration.
 * @returns True for a shared one of which {@linkcode noteValid} was told.
 */
export function isKnownValid(config: Config): boolean {
  return known.get(config)?.isValid ?? false;
}

/**
 * Notes that a configuration has been checked; nothing happens to one that is not shared.
 *
 * @param config A configuration.
 */
export function noteValid(config: Config): void {
  const entry = known.get(config);
  if (entry) entry.isValid = true;
}

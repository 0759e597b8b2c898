/**
 * Flags that shape a container, on a command that joins one.
 *
 * The same command in the same place starts a container or joins it, so such
 * flags are no mistake there. They change nothing, though; who gives others than
 * the container was started with is told.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { UsageError } from "../errors.ts";
import { applyGenerator } from "./generator.ts";
import { GENERATOR_OPTIONS } from "./generator_options.ts";
import { LIMIT_OPTIONS } from "./limit_options.ts";
import { Values } from "./values.ts";

/** One setting: where it stands in a configuration, and its value as text. */
type Setting = readonly [place: string, text: string];

/** The same setting in both tells nothing about its order. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item === "bigint") return String(item);
    if (typeof item !== "object" || item === null || Array.isArray(item)) {
      return item;
    }
    const entries = Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1);
    return Object.fromEntries(entries);
  }) ?? "";
}

/** Members, and the members of those that are objects; parts of a list are one setting each. */
function settingsOf(config: Config): Setting[] {
  return Object.entries(config).flatMap(([name, value]): Setting[] => {
    if (Array.isArray(value)) {
      return value.map((item) => [`${name}[]`, textOf(item)]);
    }
    if (typeof value !== "object" || value === null) {
      return [[name, textOf(value)]];
    }
    return Object.entries(value).map(([key, item]): Setting => [
      `${name}.${key}`,
      textOf(item),
    ]);
  });
}

function keyOf([place, text]: Setting): string {
  return `${place}=${text}`;
}

/** Settings of a configuration that another has not. */
function beyond(config: Config, other: Config): Setting[] {
  const known = new Set(settingsOf(other).map(keyOf));
  return settingsOf(config).filter((each) => !known.has(keyOf(each)));
}

/** Applies one flag; one that needs another beside it counts as that one. */
function applyAlone(base: Config, alone: Values, directory: string): Config {
  try {
    return applyGenerator(base, alone, directory);
  } catch (error) {
    if (error instanceof UsageError) return base;
    throw error;
  }
}

/**
 * Finds the flags that ask for something that a container has not.
 *
 * Pure.
 *
 * @param base The configuration without flags.
 * @param running That of the container.
 * @param values The options.
 * @param directory Directory that relative paths count from.
 * @returns Names of options.
 *
 * @example
 * ```ts ignore
 * strayFlags(defaultConfig("/r"), state.config, values, "/"); // ["hostname"]
 * ```
 */
export function strayFlags(
  base: Config,
  running: Config,
  values: Values,
  directory: string,
): string[] {
  const has = new Set(settingsOf(running).map(keyOf));
  return GENERATOR_OPTIONS.filter(({ name }) => values.has(name))
    .filter(({ name }) => {
      const alone = new Values(
        GENERATOR_OPTIONS,
        new Map([[name, values.list(name)]]),
      );
      const wanted = applyAlone(base, alone, directory);
      return beyond(wanted, base).some((each) => !has.has(keyOf(each)));
    })
    .map(({ name }) => name);
}

/**
 * Words what becomes of such flags.
 *
 * @param id The container.
 * @param flags Names of options; at least one.
 * @returns The warning.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { formatStrayFlags } from "./join_flags.ts";
 *
 * assertStringIncludes(formatStrayFlags("demo", ["hostname"]), "--hostname has no effect");
 * ```
 */
export function formatStrayFlags(id: string, flags: readonly string[]): string {
  const names = flags.map((name) => `--${name}`).join(", ");
  const has = flags.length === 1 ? "has" : "have";
  const limits: readonly string[] = LIMIT_OPTIONS
    .flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const hint = flags.some((name) => limits.includes(name))
    ? "nsinit update changes limits; "
    : "";
  return `${names} ${has} no effect: container ${id} runs already, and this ` +
    `joins it (${hint}for another container give another --id)`;
}

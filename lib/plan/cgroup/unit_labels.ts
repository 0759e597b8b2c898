/**
 * Properties of a container's unit that its annotations ask for, as
 * `org.systemd.property.NAME` with a value in the text form of GVariant. Pure.
 *
 * @module
 */
import { refuse } from "../refusal.ts";

/** How the annotations begin. */
export const UNIT_PROPERTY_PREFIX = "org.systemd.property.";

const NAME = /^[A-Z][A-Za-z]+$/;
/** `Sec` is how unit files spell what D-Bus counts in microseconds. */
const SECONDS = /(?<!U)Sec$/;
const MICROSECONDS = 1_000_000n;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/;
const LIST = new RegExp(
  `^\\[\\s*(?:(?:${STRING.source})\\s*(?:,\\s*(?:${STRING.source})\\s*)*)?\\]$`,
);
const NUMBER = /^(?:(byte|u?int(?:16|32|64)) +)?(-?\d{1,20})$/;
/** D-Bus's letters of the types; a number without a type is of the first. */
const NUMBER_TYPES: Readonly<Record<string, string>> = {
  int32: "i",
  byte: "y",
  int16: "n",
  uint16: "q",
  uint32: "u",
  int64: "x",
  uint64: "t",
};

interface Typed {
  readonly type: string;
  readonly text: string;
}

/** Between the quotes. */
function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

function parseVariant(text: string): Typed | undefined {
  if (text === "true" || text === "false") return { type: "b", text };
  if (new RegExp(`^(?:${STRING.source})$`).test(text)) {
    return { type: "s", text: unquote(text) };
  }
  const [, type = "int32", digits] = NUMBER.exec(text) ?? [];
  if (digits !== undefined) {
    return { type: NUMBER_TYPES[type] ?? "i", text: digits };
  }
  if (!LIST.test(text)) return undefined;
  const entries = text.match(new RegExp(STRING.source, "g")) ?? [];
  return { type: "as", text: JSON.stringify(entries.map(unquote)) };
}

function propertyOf(name: string, text: string): string {
  const shown = JSON.stringify(`${UNIT_PROPERTY_PREFIX}${name}`);
  if (!NAME.test(name)) {
    throw refuse(
      "labels",
      `Cannot use the annotation ${shown}: properties of units have names of letters, with a capital first`,
    );
  }
  const value = parseVariant(text.trim());
  if (value === undefined) {
    throw refuse(
      "labels",
      `Cannot use the annotation ${shown}: its value is none of true, false, 'TEXT', ['TEXT', ...], a number, or a number behind its type such as uint64`,
    );
  }
  if (!SECONDS.test(name)) return `${name}:${value.type}=${value.text}`;
  if (!/^\d+$/.test(value.text)) {
    throw refuse(
      "labels",
      `Cannot use the annotation ${shown}: wanted seconds`,
    );
  }
  const micros = BigInt(value.text) * MICROSECONDS;
  return `${name.replace(SECONDS, "USec")}:t=${micros}`;
}

/**
 * Reads the properties that a container's labels ask for.
 *
 * @param labels Labels, `K=V`.
 * @returns Properties, `NAME:TYPE=value` with D-Bus's letter of the type.
 * @throws {ConfigError} `ConfigInvalid` for what is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unitProperties } from "./unit_labels.ts";
 *
 * const label = "org.systemd.property.TimeoutStopUSec=uint64 2000000";
 * assertEquals(unitProperties([label]), ["TimeoutStopUSec:t=2000000"]);
 * ```
 */
export function unitProperties(labels: readonly string[]): string[] {
  return labels.filter((label) => label.startsWith(UNIT_PROPERTY_PREFIX))
    .map((label) => {
      const cut = label.indexOf("=");
      const name = label.slice(UNIT_PROPERTY_PREFIX.length, cut);
      return propertyOf(name, label.slice(cut + 1));
    });
}

/**
 * Puts properties in the place of others of the same name. Pure.
 *
 * @param defaults `NAME=value`.
 * @param wanted `NAME:TYPE=value`.
 * @returns All of them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { replaceProperties } from "./unit_labels.ts";
 *
 * assertEquals(replaceProperties(["A=1", "B=2"], ["A:t=3"]), ["B=2", "A:t=3"]);
 * ```
 */
export function replaceProperties(
  defaults: readonly string[],
  wanted: readonly string[],
): string[] {
  const nameOf = (property: string): string => property.replace(/[:=].*$/s, "");
  const names = new Set(wanted.map(nameOf));
  return [...defaults.filter((each) => !names.has(nameOf(each))), ...wanted];
}

/**
 * Texts made from the table of keys: every key, every object, every
 * alternative; and what the reader says of them.
 *
 * @module
 */
import { readEraD } from "../../lib/config/dialects/era_d.ts";
import type { Json, JsonObject } from "../../lib/config/json.ts";
import { ObjectReader } from "../../lib/config/object_reader.ts";
import { type Finding, Findings } from "../../lib/config/problems.ts";
import type { Config } from "../../lib/config/types.ts";
import { OBJECTS, ROOT_SHAPE } from "../../tasks/schema/root.ts";
import type { ObjectShape } from "../../tasks/schema/shapes.ts";

/** Alternatives of `namespaces`: one of two, the first one of four itself. */
export const VARIANTS = 8;

/** How a text is made. */
export interface TextOptions {
  /** Which alternative is taken, where there are several. */
  readonly variant: number;
  /** Path of a member that gets another value, e.g. `mounts[].flags`. */
  readonly path?: string;
  /** That value. */
  readonly value?: unknown;
  /** Told each path once it is made. */
  readonly onPath?: (path: string, shape: JsonObject) => void;
}

function definition(reference: unknown): ObjectShape {
  const object = OBJECTS[String(reference).replace(/.*\//, "")];
  if (object === undefined) throw new Error(`no definition ${reference}`);
  return object;
}

function fits(type: unknown, value: unknown): boolean {
  if (type === "integer") return typeof value === "number";
  if (type === "array") return Array.isArray(value);
  return typeof value === type && !Array.isArray(value);
}

function fillLeaf(shape: JsonObject, example: unknown): unknown {
  const { type, enum: values, propertyNames } = shape;
  if (Array.isArray(values)) {
    return values.includes(example) ? example : values[0];
  }
  if (propertyNames !== undefined) return { NEWNS: true };
  if (fits(type, example)) return example;
  if (type === "integer") return shape["const"] ?? 1;
  return type === "array" ? [] : "text";
}

function fill(
  shape: JsonObject,
  example: unknown,
  path: string,
  options: TextOptions,
): unknown {
  options.onPath?.(path, shape);
  if (options.path === path) return options.value;
  const { $ref, anyOf, items } = shape;
  if ($ref !== undefined) return fillObject(definition($ref), path, options);
  if (Array.isArray(anyOf)) {
    const { length } = anyOf;
    const variant = Math.floor(options.variant / length);
    const chosen = anyOf[options.variant % length];
    return fill(chosen, example, path, { ...options, variant });
  }
  if (items !== undefined) {
    const [first] = Array.isArray(example) ? example : [];
    return [fill(items as JsonObject, first, `${path}[]`, options)];
  }
  return fillLeaf(shape, example);
}

function fillObject(
  object: ObjectShape,
  path: string,
  options: TextOptions,
): Record<string, unknown> {
  const prefix = path === "" ? "" : `${path}.`;
  return Object.fromEntries(
    Object.entries(object.keys).map(([name, { shape, example }]) => [
      name,
      fill(shape, example, prefix + name, options),
    ]),
  );
}

/**
 * Makes a text with every key.
 *
 * @param options Which alternatives, and one member that differs.
 * @returns The text's value.
 */
export function makeText(options: TextOptions): Record<string, unknown> {
  return fillObject(ROOT_SHAPE, "", options);
}

/** What the reader says of a text. */
export interface ReadText {
  /** The model. */
  readonly config: Config;
  /** Faults of the reader alone, without the checks between keys. */
  readonly problems: readonly Finding[];
}

/**
 * Reads a text's value by the rules of dialect D.
 *
 * @param value The value.
 * @returns Model and faults.
 */
export function readText(value: Record<string, unknown>): ReadText {
  const findings = new Findings();
  const root = new ObjectReader(findings, value as JsonObject, []);
  const config = readEraD(root, {
    findings,
    dialect: "D",
    isForced: true,
    directory: () => "/srv",
  });
  root.finish();
  return { config, problems: findings.problems };
}

/**
 * Records which keys the reader asks for while something is done.
 *
 * @param action What is done.
 * @returns Keys by the path of their object, e.g. `mounts[]`.
 */
export function recordKeys(action: () => void): Map<string, Set<string>> {
  const asked = new Map<string, Set<string>>();
  const { raw } = ObjectReader.prototype;
  ObjectReader.prototype.raw = function (key): Json | undefined {
    const path = this.path
      .map((part) => typeof part === "number" ? "[]" : `.${part}`)
      .join("").replace(/^\./, "");
    const keys = asked.get(path) ?? new Set();
    asked.set(path, keys.add(key));
    return raw.call(this, key);
  };
  try {
    action();
  } finally {
    ObjectReader.prototype.raw = raw;
  }
  return asked;
}

/**
 * Lists the objects of the table by the paths where they stand.
 *
 * @returns Keys by path, as {@linkcode recordKeys} gives them.
 */
export function listKeys(): Map<string, Set<string>> {
  const listed = new Map<string, Set<string>>();
  const add = (path: string, object: ObjectShape): void => {
    const keys = listed.get(path) ?? new Set();
    Object.keys(object.keys).forEach((key) => keys.add(key));
    listed.set(path, keys);
  };
  add("", ROOT_SHAPE);
  for (let variant = 0; variant < VARIANTS; variant++) {
    makeText({
      variant,
      onPath: (path, { $ref }) => {
        if ($ref !== undefined) add(path, definition($ref));
      },
    });
  }
  return listed;
}

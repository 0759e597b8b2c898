/**
 * Renders the JSON Schema of container.json and its documentation.
 *
 * @module
 */
import { formatJson } from "../../lib/config/format.ts";
import type { Json, JsonObject } from "../../lib/config/json.ts";
import type { Model } from "./model.ts";
import {
  OBJECTS,
  ROOT_SHAPE,
  SCHEMA_ID,
  type Section,
  SECTIONS,
} from "./root.ts";
import type { Key, Keys, ObjectShape } from "./shapes.ts";

const INTRODUCTION =
  "A container of nsinit: dialect D of container.json, and the keys of later runtimes. Keys and names are spelled here as nsinit writes them; it reads them in any case.";

function find(
  map: ReadonlyMap<string, { doc: string } | string>,
  name: string,
): string {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the model has no ${name}`);
  return typeof found === "string" ? found : found.doc;
}

/** The docstring of a key's member, and what the text has of its own. */
function describe({ member, text }: Key, model: Model): string {
  const parts = [
    ...member === undefined ? [] : [find(model.members, member)],
    ...text === undefined ? [] : [text],
  ];
  return parts.join(" ");
}

function describeObject(
  { model: name, text }: ObjectShape,
  model: Model,
): string {
  const parts = [
    ...name === undefined ? [] : [find(model.docs, name)],
    ...text === undefined ? [] : [text],
  ];
  return parts.join(" ");
}

/** `null` stands for a missing key, as Go wrote it. */
function orNull(shape: JsonObject): JsonObject {
  const { type, enum: values, anyOf } = shape;
  if (Array.isArray(values)) return { ...shape, enum: [...values, null] };
  if (Array.isArray(anyOf)) return { anyOf: [...anyOf, { type: "null" }] };
  if (typeof type === "string") return { ...shape, type: [type, "null"] };
  return { anyOf: [shape, { type: "null" }] };
}

function renderKey(key: Key, model: Model): JsonObject {
  const needs = key.needs === undefined ? "" : ` Needs: ${key.needs}.`;
  return {
    description: describe(key, model) + needs,
    ...key.isRequired ? key.shape : orNull(key.shape),
    ...key.default === undefined ? {} : { default: key.default },
    ...key.example === undefined ? {} : { examples: [key.example] },
    ...key.isDeprecated ? { deprecated: true } : {},
  };
}

function renderObject(object: ObjectShape, model: Model): JsonObject {
  const keys = Object.entries(object.keys);
  const required = keys.filter(([, key]) => key.isRequired)
    .map(([name]) => name);
  return {
    description: describeObject(object, model),
    type: "object",
    ...required.length === 0 ? {} : { required },
    properties: Object.fromEntries(
      keys.map(([name, key]) => [name, renderKey(key, model)]),
    ),
    additionalProperties: false,
  };
}

/**
 * Renders the schema.
 *
 * @param model The model that the keys are read into.
 * @returns A JSON Schema of draft 2020-12.
 */
export function renderSchema(model: Model): string {
  const root = renderObject(ROOT_SHAPE, model);
  const definitions = Object.entries(OBJECTS).map(([name, object]) =>
    [name, renderObject(object, model)] as const
  );
  return formatJson({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: SCHEMA_ID,
    title: "container.json",
    ...root,
    description: INTRODUCTION,
    $defs: Object.fromEntries(definitions),
  });
}

function nameType(shape: JsonObject): string {
  const { $ref, anyOf, const: constant, enum: values, items, type } = shape;
  if (typeof $ref === "string") {
    const name = $ref.replace(/.*\//, "");
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (Array.isArray(anyOf)) {
    return anyOf.map((each: JsonObject) => nameType(each)).join(" or ");
  }
  if (Array.isArray(values)) {
    return values.length > 10
      ? "a name, below"
      : values.map((value: Json) => code(value)).join(", ");
  }
  if (constant !== undefined) return code(constant);
  if (type === "array") return `list: ${nameType(items as JsonObject)}`;
  if (type === "integer") return nameRange(shape);
  if (type === "object") return nameMap(shape);
  return type === "boolean" ? "true, false" : "text";
}

function nameRange({ minimum, maximum }: JsonObject): string {
  if (minimum === undefined || maximum === undefined) return "whole number";
  return `${nameBound(minimum)} to ${nameBound(maximum)}`;
}

function nameBound(value: Json): string {
  const big = BigInt(value as number | bigint);
  for (const bits of [31n, 32n, 63n, 64n]) {
    if (big === 2n ** bits - 1n) return `2^${bits} - 1`;
    if (big === -(2n ** bits)) return `-2^${bits}`;
  }
  return String(value);
}

function nameMap({ additionalProperties }: JsonObject): string {
  return additionalProperties === undefined
    ? "empty object"
    : `object of ${nameType(additionalProperties as JsonObject)}`;
}

function code(value: Json): string {
  const text = JSON.stringify(
    value,
    (_key, item) => typeof item === "bigint" ? Number(item) : item,
  );
  return `\`${text}\``;
}

/** Names of a long list, once for each place that has it. */
function listNames(shape: JsonObject): string[] {
  const { enum: values, items, anyOf } = shape;
  if (Array.isArray(values)) return values.length > 10 ? values.map(code) : [];
  if (Array.isArray(anyOf)) {
    return [...new Set(anyOf.flatMap((each: JsonObject) => listNames(each)))];
  }
  return items === undefined ? [] : listNames(items as JsonObject);
}

function renderRows(keys: Keys, model: Model): string[] {
  const rows = Object.entries(keys).map(([name, key]) => {
    const cells = [
      `\`${name}\``,
      nameType(key.shape),
      describe(key, model) + (key.isDeprecated ? " For old files." : ""),
      key.isRequired
        ? "required"
        : key.default === undefined
        ? "none"
        : code(key.default),
      key.example === undefined ? "" : code(key.example),
      key.needs ?? "",
    ];
    return `| ${
      cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")
    } |`;
  });
  const names = Object.entries(keys).flatMap(([name, { shape }]) => {
    const list = listNames(shape);
    return list.length === 0
      ? []
      : ["", `Names of \`${name}\`: ${list.join(", ")}.`];
  });
  return [
    "| key | value | meaning | default | example | needs |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    ...names,
    "",
  ];
}

function renderSection(
  { title, more, keys, objects }: Section,
  model: Model,
): string[] {
  return [
    `## ${title}`,
    "",
    ...more === undefined ? [] : [`[${more}](${more}) tells more.`, ""],
    ...Object.keys(keys).length === 0 ? [] : renderRows(keys, model),
    ...objects.flatMap((name) => {
      const object = OBJECTS[name];
      if (object === undefined) throw new Error(`no definition ${name}`);
      return [
        `### ${name}`,
        "",
        describeObject(object, model),
        "",
        ...renderRows(object.keys, model),
      ];
    }),
  ];
}

/**
 * Renders the documentation of all keys.
 *
 * @param model The model that the keys are read into.
 * @returns Markdown.
 */
export function renderDocumentation(model: Model): string {
  return [
    "# container.json",
    "",
    "<!-- Written by `deno task gen` from tasks/schema and the docstrings of",
    "lib/config/types.ts; do not edit. -->",
    "",
    "Every key of dialect D, the one of a new file. JSON with comments and",
    "trailing commas is read; keys and names in any case; `null` counts as a",
    "missing key. An unknown key is a fault that is told with its line. Sizes are",
    "bytes, times microseconds unless said otherwise, numbers decimal.",
    "",
    "`schema/container.schema.json` says the same for editors: name it as",
    "`$schema`. Rules between keys, such as `hostname` needing `NEWUTS`, are",
    "checked by `nsinit` alone: `nsinit explain` tells them before anything is",
    "made. `nsinit config` writes a whole file.",
    "",
    ...SECTIONS.flatMap((section) => renderSection(section, model)),
  ].join("\n");
}

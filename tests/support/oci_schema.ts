/**
 * The schemas of the OCI runtime specification, for tests of what is written.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { type Schema, validate } from "./json_schema.ts";

const DIRECTORY = fromFileUrl(
  new URL("../fixtures/oci/schema", import.meta.url),
);

const files = new Map<string, Schema>();

function fileOf(name: string): Schema {
  const read = files.get(name) ??
    JSON.parse(Deno.readTextFileSync(`${DIRECTORY}/${name}`)) as Schema;
  files.set(name, read);
  return read;
}

/** The part of a file that a reference means. */
function resolve(reference: string, from: string): [Schema, string] {
  const [name, pointer = ""] = reference.split("#");
  const file = name || from;
  const part = pointer.split("/").slice(1).reduce<unknown>(
    (value, key) => (value as Schema | undefined)?.[key],
    fileOf(file),
  );
  if (part === undefined) throw new Error(`nothing at ${reference}`);
  return [part as Schema, file];
}

/** The same schema with each reference replaced by what it means. */
function inline(value: unknown, from: string): unknown {
  if (Array.isArray(value)) return value.map((item) => inline(item, from));
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = value as Schema;
  if (typeof $ref === "string") {
    const [part, file] = resolve($ref, from);
    return inline({ ...part, ...rest }, file);
  }
  const entries = Object.entries(rest)
    .filter(([key]) => key !== "definitions" && key !== "id");
  return Object.fromEntries(
    entries.map(([key, item]) => [key, inline(item, from)]),
  );
}

/**
 * Checks a value against a schema of the specification.
 *
 * @param name File of the schema.
 * @param value The value, as `JSON.parse` gives it.
 * @returns What is wrong; empty when nothing is.
 */
export function validateOci(name: string, value: unknown): string[] {
  return validate(inline(fileOf(name), name) as Schema, value);
}

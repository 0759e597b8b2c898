/**
 * Reads `namespaces` in all its shapes: names, a map of booleans, objects with
 * `key`, `name` or `type`. The shape alone tells how to read it, so a file of
 * one dialect read as another never loses a namespace.
 *
 * @module
 */
import { isJsonObject, type Json } from "../json.ts";
import type { JsonPath } from "../json_scan.ts";
import {
  NAMESPACE_TYPES,
  NAMESPACES,
  parseNamespaceType,
} from "../names/namespaces.ts";
import { nearestName } from "../names/nearest.ts";
import { ObjectReader } from "../object_reader.ts";
import { type Findings, quote } from "../problems.ts";
import type { Namespace, NamespaceType } from "../types.ts";

/** An unknown namespace is a fault even when permissive: it would be the host's. */
function readType(
  findings: Findings,
  name: string,
  path: JsonPath,
  at: "key" | "value" = "value",
): NamespaceType | undefined {
  const type = parseNamespaceType(name);
  if (type !== undefined) return type;
  const nearest = nearestName(name, NAMESPACE_TYPES);
  const hint = nearest === undefined
    ? `wanted one of ${NAMESPACE_TYPES.join(", ")}`
    : `did you mean ${quote(nearest)}?`;
  const message = `unknown namespace ${quote(name)}; ${hint}`;
  return findings.problem(path, message, at);
}

/** B2: the number decided and the key was a label, so both must agree. */
function readFlagged(item: ObjectReader): Namespace | undefined {
  const key = item.string("key");
  const flag = item.integer("value");
  const isEnabled = item.boolean("enabled");
  item.string("file");
  const type = readType(item.findings, key, item.at("key"));
  if (type === undefined) return undefined;
  if (flag !== 0 && flag !== NAMESPACES[type].flag) {
    const named = NAMESPACE_TYPES.find((name) =>
      NAMESPACES[name].flag === flag
    );
    const message =
      `key ${key} is ${NAMESPACES[type].flag}, but value ${flag}` +
      ` is ${named ?? "no namespace"}; make them agree`;
    return item.findings.problem(item.at("value"), message);
  }
  return isEnabled ? { type } : undefined;
}

function readObject(item: ObjectReader): Namespace | undefined {
  if (item.has("key")) return readFlagged(item);
  const key = item.has("name") ? "name" : "type";
  const name = item.string(key);
  const path = item.string("path");
  if (name === "") {
    const message = 'namespace without "type"; wanted one of ' +
      NAMESPACE_TYPES.join(", ");
    return item.findings.problem(item.path, message);
  }
  const type = readType(item.findings, name, item.at(key));
  if (type === undefined) return undefined;
  return path === "" ? { type } : { type, path };
}

function readMap(root: ObjectReader): Namespace[] {
  const { findings } = root;
  const namespaces: Namespace[] = [];
  for (const [name, isEnabled, path] of root.entries("namespaces") ?? []) {
    const type = readType(findings, name, path, "key");
    if (typeof isEnabled !== "boolean") {
      findings.problem(path, "wanted true (a new one) or false (the host's)");
    } else if (type !== undefined && isEnabled) {
      namespaces.push({ type });
    }
  }
  return namespaces;
}

/**
 * Reads `namespaces`.
 *
 * @param root The root object.
 * @returns The namespaces that are new or joined; none when the key is missing.
 *
 * @example A map, as in 2014
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readNamespaces } from "./namespaces.ts";
 *
 * const text = { namespaces: { NEWNS: true, NEWNET: false } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readNamespaces(root), [{ type: "NEWNS" }]);
 * ```
 */
export function readNamespaces(root: ObjectReader): Namespace[] {
  if (isJsonObject(root.raw("namespaces"))) return readMap(root);
  const { findings } = root;
  const read = (item: Json, path: JsonPath): Namespace | undefined => {
    if (typeof item === "string") {
      const type = readType(findings, item, path);
      return type === undefined ? undefined : { type };
    }
    if (!isJsonObject(item)) {
      return findings.problem(path, "wanted a namespace");
    }
    const reader = new ObjectReader(findings, item, path);
    const namespace = readObject(reader);
    reader.finish();
    if (namespace !== undefined) findings.setOrigin(namespace, path);
    return namespace;
  };
  return root.list("namespaces", read) ?? [];
}

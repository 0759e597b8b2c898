/**
 * Reads capability lists: kept ones, dropped ones, and masks.
 *
 * @module
 */
import { isJsonObject, type Json } from "../json.ts";
import type { JsonPath } from "../json_scan.ts";
import {
  CAPABILITIES,
  type CapabilityName,
  parseCapability,
} from "../names/capabilities.ts";
import { ObjectReader } from "../object_reader.ts";
import { type Findings, quote } from "../problems.ts";
import type { Reading } from "../reading.ts";
import type { CapabilitySets } from "../types.ts";

/** Names that drop lists could hold before March 2014; SYSLOG came in B2. */
const DROPPABLE: ReadonlySet<CapabilityName> = new Set([
  "SETPCAP",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "NET_ADMIN",
  "SYSLOG",
]);

function readName(
  findings: Findings,
  name: string,
  path: JsonPath,
  at: "key" | "value" = "value",
): CapabilityName | undefined {
  return parseCapability(name) ??
    findings.unknown(path, "capability", name, CAPABILITIES, at);
}

function readNames(root: ObjectReader, key: string): CapabilityName[] {
  return root.list(key, (item, path) => {
    if (typeof item === "string") return readName(root.findings, item, path);
    return root.findings.problem(path, "wanted the name of a capability");
  }) ?? [];
}

function allBut(dropped: Iterable<CapabilityName>): CapabilityName[] {
  const set = new Set(dropped);
  return CAPABILITIES.filter((name) => !set.has(name));
}

/**
 * Reads `capabilities` as a list to keep (dialects C and D), or as the five
 * sets of runc.
 *
 * @param root The root object.
 * @returns What is kept; nothing when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readKeepList } from "./capabilities.ts";
 *
 * const root = new ObjectReader(new Findings(), { capabilities: ["CAP_KILL"] }, []);
 * assertEquals(readKeepList(root), ["KILL"]);
 * ```
 */
export function readKeepList(
  root: ObjectReader,
): CapabilityName[] | CapabilitySets {
  if (!isJsonObject(root.raw("capabilities"))) {
    return [...new Set(readNames(root, "capabilities"))];
  }
  const sets = root.object("capabilities", (inner) => ({
    bounding: readNames(inner, "bounding"),
    effective: readNames(inner, "effective"),
    inheritable: readNames(inner, "inheritable"),
    permitted: readNames(inner, "permitted"),
    ambient: readNames(inner, "ambient"),
  }));
  return sets ?? [];
}

/**
 * Reads a list of names to drop (dialects A and B1); all others are kept.
 *
 * The decoder of those days knew 15 names. A list with any other was written
 * to be kept, so unless the caller named the dialect it is refused: read as a
 * drop list it would grant what it left out.
 *
 * @param root The root object.
 * @param key `capabilities` or `capabilities_mask`.
 * @param reading The reading.
 * @returns What is kept; everything when the key is missing.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readDropList } from "./capabilities.ts";
 *
 * const findings = new Findings();
 * const root = new ObjectReader(findings, { capabilities: ["MKNOD"] }, []);
 * const kept = readDropList(root, "capabilities", {
 *   findings,
 *   dialect: "A2",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assert(!kept.includes("MKNOD") && kept.includes("CHOWN"));
 * ```
 */
export function readDropList(
  root: ObjectReader,
  key: string,
  reading: Reading,
): CapabilityName[] {
  const dropped = root.list(key, (item, path) => {
    if (typeof item !== "string") {
      return root.findings.problem(path, "wanted the name of a capability");
    }
    const name = readName(root.findings, item, path);
    if (name !== undefined && !DROPPABLE.has(name) && !reading.isForced) {
      const message = `${name} could not be dropped in dialect ` +
        `${reading.dialect}, so this may be a list to keep: name the dialect` +
        ` (--dialect C0 keeps these, --dialect ${reading.dialect} drops them)`;
      root.findings.problem(path, message);
    }
    return name;
  });
  return allBut(dropped ?? []);
}

/** B2: the number decided and the key was a label, so both must agree. */
function readMaskObject(item: ObjectReader): CapabilityName | undefined {
  const name = readName(item.findings, item.string("key"), item.at("key"));
  const value = item.integer("value");
  const isEnabled = item.boolean("enabled");
  if (name === undefined) return undefined;
  if (item.has("value") && CAPABILITIES[value] !== name) {
    const message = `key ${name} is ${CAPABILITIES.indexOf(name)}, but value ` +
      `${value} is ${CAPABILITIES[value] ?? "no capability"}; make them agree`;
    return item.findings.problem(item.at("value"), message);
  }
  return isEnabled ? undefined : name;
}

function readMaskItem(
  findings: Findings,
  item: Json,
  path: JsonPath,
): CapabilityName | undefined {
  if (!isJsonObject(item)) {
    return findings.problem(path, "wanted {key, value, enabled}");
  }
  const reader = new ObjectReader(findings, item, path);
  const name = readMaskObject(reader);
  reader.finish();
  return name;
}

/**
 * Until 2014-05-16 a name that the map lacks stayed granted, on the last day it
 * was dropped, and no content tells which day a file is from. Guessing must
 * grant the least, so only what is true is kept, unless the caller said B3.
 */
function readMaskMap(root: ObjectReader, reading: Reading): CapabilityName[] {
  const { findings } = root;
  const kept: CapabilityName[] = [];
  const dropped: CapabilityName[] = [];
  for (const [key, value, path] of root.entries("capabilities_mask") ?? []) {
    const name = readName(findings, key, path, "key");
    if (typeof value !== "boolean") {
      findings.problem(path, `wanted true or false for ${quote(key)}`);
    } else if (name !== undefined) {
      (value ? kept : dropped).push(name);
    }
  }
  if (reading.isForced) return allBut(dropped);
  findings.warn(
    root.at("capabilities_mask"),
    "only the capabilities that are true are kept; to keep also those that are" +
      " not named, as before 2014-05-16, name the dialect (--dialect B3)",
    "key",
  );
  return kept;
}

/**
 * Reads `capabilities_mask` in its three shapes (dialects B1, B2, B3).
 *
 * A map is read by the rule of B3's last day (keep only what is true, which
 * grants less), with a warning; when the caller named the dialect, by the rule
 * of the days before (drop only what is false).
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns What is kept; everything when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readMask } from "./capabilities.ts";
 *
 * const findings = new Findings();
 * const text = { capabilities_mask: { MKNOD: true, SYSLOG: false } };
 * const kept = readMask(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "B3",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assertEquals(kept, ["MKNOD"]);
 * ```
 */
export function readMask(
  root: ObjectReader,
  reading: Reading,
): CapabilityName[] {
  const key = "capabilities_mask";
  const mask = root.raw(key);
  if (isJsonObject(mask)) return readMaskMap(root, reading);
  if (Array.isArray(mask) && isJsonObject(mask[0])) {
    const dropped = root.list(
      key,
      (item, path) => readMaskItem(root.findings, item, path),
    );
    return allBut(dropped ?? []);
  }
  return readDropList(root, key, reading);
}

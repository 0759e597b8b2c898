/**
 * Unit properties as text, `Name=value`, and as D-Bus values. Pure.
 *
 * @module
 */
import type { Value } from "./marshal.ts";

const INFINITY = (1n << 64n) - 1n;

/** Properties that are not numbers of 64 bits, with their types. */
const TYPES: Readonly<Record<string, string>> = {
  Description: "s",
  Slice: "s",
  CollectMode: "s",
  DevicePolicy: "s",
  Delegate: "b",
  DefaultDependencies: "b",
  CPUAccounting: "b",
  MemoryAccounting: "b",
  IOAccounting: "b",
  BlockIOAccounting: "b",
  TasksAccounting: "b",
  AllowedCPUs: "ay",
  AllowedMemoryNodes: "ay",
  DeviceAllow: "a(ss)",
  IODeviceWeight: "a(st)",
  IOReadBandwidthMax: "a(st)",
  IOWriteBandwidthMax: "a(st)",
  IOReadIOPSMax: "a(st)",
  IOWriteIOPSMax: "a(st)",
  BlockIODeviceWeight: "a(st)",
  BlockIOReadBandwidth: "a(st)",
  BlockIOWriteBandwidth: "a(st)",
};

function numberOf(text: string): bigint {
  return text === "infinity" ? INFINITY : BigInt(text);
}

/**
 * Turns a list of CPUs or nodes into the mask that systemd takes: bit N of the
 * bytes is CPU N. Pure.
 *
 * @param list E.g. `0-1,3`.
 * @returns The bytes, none for an empty list.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cpuMask } from "./properties.ts";
 *
 * assertEquals(cpuMask("0-1,9"), [3, 2]);
 * ```
 */
export function cpuMask(list: string): number[] {
  let mask = 0n;
  for (const part of list.split(",").filter((text) => text !== "")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let cpu = first; cpu <= last; cpu++) mask |= 1n << BigInt(cpu);
  }
  const bytes: number[] = [];
  for (; mask > 0n; mask >>= 8n) bytes.push(Number(mask & 0xffn));
  return bytes;
}

/** An entry of a list: what stands before the last space, and after. */
function pairOf(text: string, type: string): Value {
  const cut = text.lastIndexOf(" ");
  const [name, rest] = [text.slice(0, cut), text.slice(cut + 1)];
  return [name, type === "a(st)" ? numberOf(rest) : rest];
}

function valueOf(type: string, text: string): Value {
  switch (type) {
    case "s":
      return text;
    case "b":
      return text === "true";
    case "ay":
      return cpuMask(text);
    case "t":
    case "x":
      return numberOf(text);
    case "i":
    case "u":
    case "n":
    case "q":
    case "y":
      return Number(text);
    case "as":
      return JSON.parse(text);
    default:
      return text === "" ? [] : [pairOf(text, type)];
  }
}

/**
 * Turns properties into the `a(sv)` of a call. Pure.
 *
 * Each entry of a list is a property of its own, as in unit files; an empty one
 * clears the list.
 *
 * @param properties `Name=value`; `infinity` is no limit. `Name:TYPE=value`
 * where systemd knows the type and we do not.
 * @returns Pairs of name and variant.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeProperties } from "./properties.ts";
 *
 * assertEquals(encodeProperties(["TasksMax=5"]), [["TasksMax", { type: "t", value: 5n }]]);
 * ```
 */
export function encodeProperties(properties: readonly string[]): Value[] {
  return properties.map((property) => {
    const cut = property.indexOf("=");
    const [name = "", given] = property.slice(0, cut).split(":");
    const type = given ?? TYPES[name] ?? "t";
    return [name, { type, value: valueOf(type, property.slice(cut + 1)) }];
  });
}

/**
 * Reads device nodes and device rules.
 *
 * @module
 */
import { defaultAllowedDevices, defaultDevices } from "../defaults.ts";
import { isJsonObject, type Json } from "../json.ts";
import type { JsonPath } from "../json_scan.ts";
import { type ObjectReader, UINT32 } from "../object_reader.ts";
import type { Device, DeviceType, Dialect } from "../types.ts";

/** Unicode numbers of the type letters: Go wrote runes as numbers. */
const TYPES: Readonly<Record<number, DeviceType>> = {
  97: "a",
  98: "b",
  99: "c",
  112: "p",
  117: "c",
};
/** Bits of Go's os.FileMode for devices and pipes: not part of a node's mode. */
const GO_DEVICE_MODE = (1 << 26) | (1 << 25) | (1 << 21);
const MODE: { min: number; max: number } = { min: 0, max: 0x7fffffff };

/** Spellings of the number and permission keys. */
interface DeviceKeys {
  readonly major: string;
  readonly minor: string;
  readonly permissions: string;
}

const SHORT_KEYS: DeviceKeys = {
  major: "major",
  minor: "minor",
  permissions: "permissions",
};
const LONG_KEYS: DeviceKeys = {
  major: "major_number",
  minor: "minor_number",
  permissions: "cgroup_permissions",
};

function readType(item: ObjectReader): DeviceType {
  const value = item.integer("type");
  const type = TYPES[value];
  if (type !== undefined) return type;
  const found = item.has("type") ? `found ${value}, ` : "missing, ";
  const message = `${found}wanted the number of a letter: 99 for c, 98 for b`;
  return item.findings.problem(item.at("type"), message) ?? "c";
}

function readMode(item: ObjectReader): number {
  const mode = item.integer("file_mode", MODE) & ~GO_DEVICE_MODE;
  if (mode <= 0o7777) return mode;
  const message = `found ${mode}, wanted mode bits up to 4095 in decimal,` +
    " e.g. 438 for 0666";
  return item.findings.problem(item.at("file_mode"), message) ?? 0;
}

function readDevice(item: ObjectReader, keys: DeviceKeys): Device {
  return {
    type: readType(item),
    path: item.string("path"),
    major: item.integer(keys.major),
    minor: item.integer(keys.minor),
    permissions: item.string(keys.permissions),
    fileMode: readMode(item),
    uid: item.integer("uid", UINT32),
    gid: item.integer("gid", UINT32),
  };
}

/**
 * Reads a list of devices or device rules.
 *
 * @param owner The object that has the list.
 * @param key Key of the list.
 * @param dialect Decides the spelling: `major_number` before D0, then `major`.
 * @returns The devices; `undefined` when the key is missing or `null`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readDevices } from "./devices.ts";
 *
 * const text = { devices: [{ type: 99, path: "/dev/null", major: 1, minor: 3 }] };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readDevices(root, "devices", "D")?.[0]?.type, "c");
 * ```
 */
export function readDevices(
  owner: ObjectReader,
  key: string,
  dialect: Dialect,
): Device[] | undefined {
  const keys = dialect >= "D" ? SHORT_KEYS : LONG_KEYS;
  return owner.objects(key, (item) => readDevice(item, keys));
}

/** Devices that May 2014 named instead of describing; their numbers are fixed. */
function findNamedDevice(name: string): Device | undefined {
  const path = name.startsWith("/") ? name : `/dev/${name}`;
  const [sample] = defaultDevices;
  if (path === "/dev/fuse" && sample !== undefined) {
    return { ...sample, path, major: 10, minor: 229 };
  }
  return defaultDevices.find((device) => device.path === path);
}

function readNamed(owner: ObjectReader, key: string): Device[] {
  const isRequired = key !== "optional_device_nodes";
  return owner.list(key, (item: Json, path: JsonPath) => {
    const { findings } = owner;
    const name = typeof item === "string" ? item : "";
    const device = findNamedDevice(name);
    if (device !== undefined) return device;
    const known = [...defaultDevices.map((known) => known.path), "/dev/fuse"];
    if (isRequired) return findings.unknown(path, "device", name, known);
    return findings.warn(path, `unknown optional device ${name} is left out`);
  }) ?? [];
}

/**
 * Reads the nodes of dialect C0: a list of devices, or the names of May 2014.
 *
 * @param root The object that has the keys.
 * @param dialect Dialect of the text.
 * @returns The nodes; the six default ones when no key is there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readDeviceNodes } from "./devices.ts";
 *
 * const text = { device_nodes: { required: ["null"] } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readDeviceNodes(root, "C0")[0]?.path, "/dev/null");
 * ```
 */
export function readDeviceNodes(
  root: ObjectReader,
  dialect: Dialect,
): readonly Device[] {
  const named = ["required_device_nodes", "optional_device_nodes"]
    .flatMap((key) => readNamed(root, key));
  if (isJsonObject(root.raw("device_nodes"))) {
    const list = root.object("device_nodes", (r) => readNamed(r, "required"));
    named.push(...list ?? []);
  } else if (root.has("device_nodes")) {
    named.push(...readDevices(root, "device_nodes", dialect) ?? []);
  } else if (named.length === 0) {
    return defaultDevices;
  }
  return named;
}

const rule = (major: number, minor: number): Device => ({
  type: "c",
  path: "",
  major,
  minor,
  permissions: "rwm",
  fileMode: 0,
  uid: 0,
  gid: 0,
});

/**
 * Gives the device rules that a dialect's runtime had built in.
 *
 * Until May 2014 (A, B and the first C0) they were fixed; from then on a file
 * without a list gets the default list rather than nothing or everything.
 *
 * @param dialect Dialect of the text.
 * @returns Rules that allow.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getBuiltInRules } from "./devices.ts";
 *
 * assertEquals(getBuiltInRules("A2").length, 14);
 * ```
 */
export function getBuiltInRules(dialect: Dialect): readonly Device[] {
  if (dialect > "C0") return defaultAllowedDevices;
  const numbers: [number, number][] = [
    [1, 3],
    [1, 5],
    [1, 7],
    [5, 1],
    [5, 0],
    [4, 0],
    [4, 1],
    [1, 9],
    [1, 8],
    [136, -1],
    [5, 2],
    [10, 200],
  ];
  const makeAny = defaultAllowedDevices.slice(0, 2);
  return [...makeAny, ...numbers.map(([major, minor]) => rule(major, minor))];
}

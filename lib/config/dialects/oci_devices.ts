/**
 * Reads `linux.devices` and `linux.resources.devices` of an OCI config.json.
 *
 * @module
 */
import { defaultDevices } from "../defaults.ts";
import {
  INT64,
  type IntegerBounds,
  type ObjectReader,
  UINT32,
} from "../object_reader.ts";
import type { Device, DeviceType, Resources } from "../types.ts";
import { requireKeys } from "./oci_mappings.ts";

const IDS: IntegerBounds = { min: 0, max: 0xfffffffe };
const DEFAULT_MODE = 0o666;

/** Letters of nodes; `u` is an unbuffered character device, the same to Linux. */
const NODE_TYPES: Readonly<Record<string, DeviceType>> = {
  c: "c",
  u: "c",
  b: "b",
  p: "p",
};
const RULE_TYPES: Readonly<Record<string, "a" | "b" | "c">> = {
  "": "a",
  a: "a",
  b: "b",
  c: "c",
  u: "c",
};

function rule(
  type: DeviceType,
  major: number,
  minor: number,
  permissions: string,
): Device {
  const node = { path: "", fileMode: 0, uid: 0, gid: 0 };
  return { type, major, minor, permissions, ...node };
}

/**
 * Rules that every OCI runtime adds after those of the file: any node may be
 * made, and the default nodes, ptys and tun may be used.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { OCI_ALLOWED_DEVICES } from "./oci_devices.ts";
 *
 * assertEquals(OCI_ALLOWED_DEVICES[0]?.permissions, "m");
 * ```
 */
export const OCI_ALLOWED_DEVICES: readonly Device[] = [
  rule("c", -1, -1, "m"),
  rule("b", -1, -1, "m"),
  ...defaultDevices.map(({ major, minor }) => rule("c", major, minor, "rwm")),
  rule("c", 136, -1, "rwm"),
  rule("c", 5, 2, "rwm"),
  rule("c", 10, 200, "rwm"),
];

function readNode(item: ObjectReader): Device | undefined {
  requireKeys(item, ["type", "path"]);
  const letter = item.string("type");
  const type = NODE_TYPES[letter];
  // Some engines leave the bits of the type in, which `type` says already.
  const mode = item.has("fileMode")
    ? item.integer("fileMode", { min: 0, max: 0o177777 }) & 0o7777
    : DEFAULT_MODE;
  const device = {
    // Other runtimes take a slash behind the name for nothing.
    path: item.string("path").replace(/(?<=[^/])\/+$/, ""),
    major: Number(item.int64("major", INT64) ?? 0),
    minor: Number(item.int64("minor", INT64) ?? 0),
    permissions: "rwm",
    fileMode: mode,
    uid: item.integer("uid", IDS),
    gid: item.integer("gid", IDS),
  };
  if (type !== undefined) return { type, ...device };
  if (!item.has("type")) return undefined;
  return item.refuse("type", letter, "c, b, u or p");
}

/**
 * Reads `linux.devices`, the nodes.
 *
 * @param linux The object `linux`.
 * @returns The default nodes that the file has not, then its own.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciDevices } from "./oci_devices.ts";
 *
 * const text = { devices: [{ type: "c", path: "/dev/fuse", major: 10, minor: 229 }] };
 * const devices = readOciDevices(new ObjectReader(new Findings(), text, []));
 * assertEquals([devices.length, devices.at(-1)?.path], [7, "/dev/fuse"]);
 * ```
 */
export function readOciDevices(linux: ObjectReader): Device[] {
  const own = linux.objects("devices", readNode) ?? [];
  const paths = new Set(own.map(({ path }) => path));
  return [...defaultDevices.filter(({ path }) => !paths.has(path)), ...own];
}

/** Rules applied one after another, as the kernel's version 1 controller does. */
class Policy {
  allow = false;
  readonly exceptions = new Map<string, Device>();

  /** Applies a rule; a sentence says what cannot be. */
  apply(device: Device, allows: boolean): string | undefined {
    if (device.type === "a") {
      // The kernel reads nothing but the letter: everything, or nothing.
      this.allow = allows;
      this.exceptions.clear();
      return undefined;
    }
    const key = keyOf(device);
    const old = this.exceptions.get(key)?.permissions ?? "";
    const other = device.permissions;
    if (allows !== this.allow) {
      const permissions = [..."rwm"].filter((letter) =>
        old.includes(letter) || other.includes(letter)
      ).join("");
      if (permissions === "") return undefined;
      this.exceptions.set(key, { ...device, permissions });
      return undefined;
    }
    const wider = this.#findWider(device);
    if (wider !== undefined) return wider;
    const permissions = [...old].filter((letter) => !other.includes(letter))
      .join("");
    if (permissions === "") this.exceptions.delete(key);
    else this.exceptions.set(key, { ...device, permissions });
    return undefined;
  }

  /** An exception with wildcards stays whole: no kernel can take a part out. */
  #findWider(device: Device): string | undefined {
    const { major, minor, permissions } = device;
    for (const [a, b] of [[-1, minor], [major, -1], [-1, -1]] as const) {
      if (a === major && b === minor) continue;
      const wider = this.exceptions.get(
        keyOf({ ...device, major: a, minor: b }),
      );
      const overlaps = [...wider?.permissions ?? ""].some((letter) =>
        permissions.includes(letter)
      );
      if (!overlaps) continue;
      return "cannot punch a hole in the wildcard rule before it, which cgroup" +
        " v1 would ignore; list what is wanted instead";
    }
    return undefined;
  }
}

function keyOf({ type, major, minor }: Device): string {
  return `${type} ${major} ${minor}`;
}

function readNumber(item: ObjectReader, key: string): number {
  const value = item.int64(key, { min: -1, max: UINT32.max });
  return Number(value ?? -1);
}

function readAccess(item: ObjectReader, allows: boolean): string {
  const access = item.string("access");
  const known = access.replace(/[^rwm]/g, "");
  // Whoever denies more than there is has what he wants.
  if (known !== access && !allows && known !== "") return known;
  if (known !== access) item.refuse("access", access, 'letters of "rwm"');
  // What is not said is denied.
  return access === "" && !allows ? "rwm" : access;
}

function applyRule(item: ObjectReader, policy: Policy): void {
  requireKeys(item, ["allow"]);
  const allows = item.boolean("allow");
  const letter = item.string("type");
  const type = Object.hasOwn(RULE_TYPES, letter)
    ? RULE_TYPES[letter]
    : item.refuse("type", letter, "a, b or c");
  const major = readNumber(item, "major");
  const minor = readNumber(item, "minor");
  const access = readAccess(item, allows);
  if (type === undefined) return;
  // The kernel reads no numbers behind an a: it would take every device.
  const isOfBoth = type === "a" && (major >= 0 || minor >= 0);
  for (const each of isOfBoth ? ["b", "c"] as const : [type]) {
    const fault = policy.apply(rule(each, major, minor, access), allows);
    if (fault !== undefined) item.findings.problem(item.path, fault);
  }
}

/**
 * Reads `linux.resources.devices`.
 *
 * Nothing is allowed to begin with; the rules follow in order, then
 * {@linkcode OCI_ALLOWED_DEVICES}.
 *
 * @param resources The object `linux.resources`; `undefined` when it is missing.
 * @returns What is allowed in the end, and its exceptions.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciRules } from "./oci_devices.ts";
 *
 * const text = { devices: [{ allow: true, access: "rwm" }] };
 * const resources = new ObjectReader(new Findings(), text, []);
 * assertEquals(readOciRules(resources), { allowAllDevices: true });
 * assertEquals(readOciRules(undefined).allowAllDevices, false);
 * ```
 */
export function readOciRules(resources: ObjectReader | undefined): Resources {
  const policy = new Policy();
  resources?.objects("devices", (item) => {
    applyRule(item, policy);
    return undefined;
  });
  for (const device of OCI_ALLOWED_DEVICES) policy.apply(device, true);
  const rules = [...policy.exceptions.values()];
  if (!policy.allow) return { allowAllDevices: false, allowedDevices: rules };
  return {
    allowAllDevices: true,
    ...rules.length > 0 && { deniedDevices: rules },
  };
}

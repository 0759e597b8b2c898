/**
 * Reads `linux` of an OCI config.json.
 *
 * @module
 */
import { defaultDevices } from "../defaults.ts";
import { resolvePath } from "../host_paths.ts";
import { LOOPBACK } from "../loopback.ts";
import { PROPAGATION_OPTIONS } from "../names/mount_options.ts";
import {
  NAMESPACE_TYPES,
  NAMESPACES,
  parseNamespaceType,
} from "../names/namespaces.ts";
import type { ObjectReader } from "../object_reader.ts";
import { compact, type Loose, nonEmpty, type RootIds } from "../reading.ts";
import {
  readMemoryPolicy,
  readPersonality,
  readTimeOffsets,
} from "../sections/attributes.ts";
import { readFilterOci } from "../sections/seccomp.ts";
import type {
  Cgroup,
  Config,
  IntelRdt,
  Namespace,
  NetDevice,
  Network,
  Seccomp,
  SeccompSyscall,
} from "../types.ts";
import { readOciDevices, readOciRules } from "./oci_devices.ts";
import { readOciMappings, requireKeys } from "./oci_mappings.ts";
import { readOciResources } from "./oci_resources.ts";

const OCI_LOOPBACK: Network = {
  ...LOOPBACK,
  address: "127.0.0.1/8",
  gateway: "",
};
const NAMES: readonly string[] = NAMESPACE_TYPES.map((type) =>
  NAMESPACES[type].oci
);

function readNamespace(item: ObjectReader): Namespace | undefined {
  requireKeys(item, ["type"]);
  const name = item.string("type");
  const path = item.string("path");
  const type = NAMES.includes(name) ? parseNamespaceType(name) : undefined;
  if (type !== undefined) return path === "" ? { type } : { type, path };
  if (!item.has("type")) return undefined;
  // Never tolerable: the container would share it with the host.
  const message = `unknown namespace ${JSON.stringify(name)}; wanted one of ` +
    NAMES.join(", ");
  return item.findings.problem(item.at("type"), message);
}

/** Without empty parts and dots; what would lead above the root or the base stays there. */
function cleanPath(path: string): string {
  if (path === "") return "";
  return path.startsWith("/")
    ? resolvePath("/", path)
    : resolvePath("/", path).slice(1);
}

/**
 * Splits `linux.cgroupsPath`: a path, or `SLICE:PREFIX:NAME` for systemd. Pure.
 *
 * @param path The text.
 * @returns Name and parent; with the slice for systemd.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitCgroupsPath } from "./oci_linux.ts";
 *
 * assertEquals(splitCgroupsPath("/pod/one"), { name: "one", parent: "/pod" });
 * assertEquals(splitCgroupsPath("/a/../../b/"), { name: "b", parent: "/" });
 * assertEquals(splitCgroupsPath("a.slice:cri:one"), {
 *   name: "cri-one",
 *   parent: "",
 *   slice: "a.slice",
 * });
 * ```
 */
export function splitCgroupsPath(
  path: string,
): Pick<Cgroup, "name" | "parent" | "slice"> {
  const parts = path.split(":");
  if (parts.length === 3 && !path.includes("/")) {
    const [slice = "", prefix = "", name = ""] = parts;
    const unit = prefix === "" ? name : `${prefix}-${name}`;
    return { name: unit, parent: "", ...slice !== "" && { slice } };
  }
  const clean = cleanPath(path);
  const cut = clean.lastIndexOf("/");
  const parent = cut < 0 ? "" : clean.slice(0, Math.max(cut, 1));
  return { name: clean.slice(cut + 1), parent };
}

/** Modes of the root; those of `r` hold for all mounts below it. */
function readPropagation(linux: ObjectReader): number | undefined {
  const name = linux.string("rootfsPropagation");
  if (name === "") return undefined;
  const mode = PROPAGATION_OPTIONS.get(name);
  if (mode !== undefined) return mode;
  const names = [...PROPAGATION_OPTIONS.keys()];
  const path = linux.at("rootfsPropagation");
  return linux.findings.unknown(path, "propagation", name, names);
}

function readNetDevices(linux: ObjectReader): NetDevice[] | undefined {
  const read = linux.namedObjects(
    "netDevices",
    (item, device) =>
      compact<NetDevice>({ device, name: nonEmpty(item.string("name")) }),
  );
  return read?.length === 0 ? undefined : read;
}

function readIntelRdt(linux: ObjectReader): IntelRdt | undefined {
  return linux.object("intelRdt", (item) => {
    const memBwSchema = item.string("memBwSchema");
    if (memBwSchema !== "" && !/^MB:[^\n]*$/.test(memBwSchema)) {
      item.refuse("memBwSchema", memBwSchema, "one line that begins with MB:");
    }
    return compact<IntelRdt>({
      closId: nonEmpty(item.string("closID")),
      schemata: item.strings("schemata"),
      l3CacheSchema: nonEmpty(item.string("l3CacheSchema")),
      memBwSchema: nonEmpty(memBwSchema),
      enableMonitoring: item.boolean("enableMonitoring") || undefined,
    });
  });
}

/** No kernel interface that could set them is named by the specification. */
function checkPersonality(linux: ObjectReader): void {
  linux.object("personality", (item) => {
    if ((item.strings("flags") ?? []).length > 0) {
      const message = "left out: the specification knows no flags yet";
      item.findings.warn(item.at("flags"), message);
    }
    return undefined;
  });
}

/**
 * Conditions on one argument twice are alternatives to OCI runtimes, each a rule
 * of its own; profiles of engines rely on it.
 */
function splitRule(rule: SeccompSyscall): SeccompSyscall[] {
  const { args } = rule;
  const indexes = new Set(args.map(({ index }) => index));
  return indexes.size === args.length
    ? [rule]
    : args.map((arg) => ({ ...rule, args: [arg] }));
}

/** Rules of engines name calls of every kernel, so those not known here are left out. */
function readSeccomp(linux: ObjectReader): Seccomp | undefined {
  return linux.object("seccomp", (item) => {
    const { syscalls, ...filter } = readFilterOci(item);
    const rules = syscalls.flatMap((rule) => {
      const origin = item.findings.getOrigin(rule);
      const split = splitRule(rule);
      if (origin) {
        split.forEach((each) => item.findings.setOrigin(each, origin));
      }
      return split;
    });
    return { ...filter, syscalls: rules, ignoreUnknown: true };
  });
}

/** Every OCI runtime brings lo up in a network namespace that it makes. */
function networksOf(
  namespaces: readonly Namespace[],
): readonly Network[] | undefined {
  const own = namespaces.find(({ type }) => type === "NEWNET");
  return own === undefined || own.path !== undefined
    ? undefined
    : [OCI_LOOPBACK];
}

/** Id mappings; a user namespace without any gets root alone, where its host ids are known. */
function readMappings(
  linux: ObjectReader,
  namespaces: readonly Namespace[],
  rootIds: RootIds | undefined,
): Pick<Loose<Config>, "uidMappings" | "gidMappings"> {
  const uidMappings = readOciMappings(linux, "uidMappings");
  const gidMappings = readOciMappings(linux, "gidMappings");
  const own = namespaces.find(({ type }) => type === "NEWUSER");
  const isBare = own !== undefined && own.path === undefined &&
    uidMappings === undefined && gidMappings === undefined;
  if (!isBare || rootIds === undefined) return { uidMappings, gidMappings };
  return {
    uidMappings: [{ containerId: 0, hostId: rootIds.uid, size: 1 }],
    gidMappings: [{ containerId: 0, hostId: rootIds.gid, size: 1 }],
  };
}

function readLinux(
  linux: ObjectReader,
  rootIds: RootIds | undefined,
): Partial<Config> {
  checkPersonality(linux);
  const paths = linux.string("cgroupsPath");
  const resources = readOciResources(linux);
  const namespaces = linux.objects("namespaces", readNamespace) ?? [];
  return compact<Partial<Config>>({
    namespaces,
    networks: networksOf(namespaces),
    ...readMappings(linux, namespaces, rootIds),
    devices: readOciDevices(linux),
    cgroups: { ...splitCgroupsPath(paths), ...resources },
    rootPropagation: readPropagation(linux),
    seccomp: readSeccomp(linux),
    sysctl: linux.stringMap("sysctl"),
    maskPaths: linux.strings("maskedPaths"),
    readonlyPaths: linux.strings("readonlyPaths"),
    mountLabel: nonEmpty(linux.string("mountLabel")),
    personality: readPersonality(linux),
    timeOffsets: readTimeOffsets(linux, "timeOffsets"),
    memoryPolicy: readMemoryPolicy(linux, "memoryPolicy"),
    netDevices: readNetDevices(linux),
    intelRdt: readIntelRdt(linux),
  });
}

/** The members that `linux` decides even when it is missing. */
type LinuxPart =
  & Partial<Config>
  & Required<Pick<Config, "namespaces" | "devices" | "cgroups">>;

/**
 * Reads `linux` of an OCI config.json.
 *
 * @param root The root object.
 * @param rootIds Host ids of root in a user namespace without mappings, if that may be.
 * @returns The members; default nodes and device rules when it is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciLinux } from "./oci_linux.ts";
 *
 * const text = { linux: { namespaces: [{ type: "mount" }] } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readOciLinux(root).namespaces, [{ type: "NEWNS" }]);
 * ```
 */
export function readOciLinux(
  root: ObjectReader,
  rootIds?: RootIds,
): LinuxPart {
  return {
    namespaces: [],
    devices: defaultDevices,
    cgroups: { ...splitCgroupsPath(""), ...readOciRules(undefined) },
    ...root.object("linux", (linux) => readLinux(linux, rootIds)),
  };
}

/**
 * Reads mounts: typed ones (before D), explicit ones (D), and supplies the
 * system mounts that the runtimes before D had built in.
 *
 * @module
 */
import { defaultMounts } from "../defaults.ts";
import { isWithin, normalizePath, resolvePath } from "../host_paths.ts";
import {
  DEFAULT_MOUNT_FLAGS,
  MOUNT_FLAGS,
  PROPAGATION_FLAGS,
} from "../names/mount_flags.ts";
import { type ObjectReader, UINT32 } from "../object_reader.ts";
import { compact, type Reading } from "../reading.ts";
import type {
  Command,
  Dialect,
  Mount,
  MountIdmap,
  TreeAttributes,
} from "../types.ts";
import { MOUNT_DEVICES } from "../names/mount_devices.ts";
import { readIdMappings } from "./process.ts";

const RUN_MOUNT: Mount = {
  device: "tmpfs",
  source: "tmpfs",
  destination: "/run",
  flags: 0x1000006,
  data: "mode=755",
  relabel: "",
};

function readRelabel(item: ObjectReader): "" | "z" | "Z" {
  const relabel = item.string("relabel");
  if (relabel === "" || relabel === "z" || relabel === "Z") return relabel;
  const wanted = 'one letter: "z" (shared) or "Z" (private)';
  return item.refuse("relabel", relabel, wanted) ?? "";
}

function readTmpfs(destination: string): Mount {
  return {
    device: "tmpfs",
    source: "tmpfs",
    destination,
    flags: DEFAULT_MOUNT_FLAGS,
    data: "",
    relabel: "",
  };
}

/** Until 2014-04-24 every mount was a bind and had no type. */
function readMountType(item: ObjectReader, dialect: Dialect): string {
  const type = item.string("type");
  const isOld = dialect < "C0";
  if (type === "" && isOld) return "bind";
  const names = dialect < "C1"
    ? ["bind", "tmpfs", "devtmpfs", "sysfs"]
    : ["bind", "tmpfs"];
  if (names.includes(type)) return type;
  item.findings.unknown(item.at("type"), "mount type", type, names);
  return "";
}

function readTypedMount(
  item: ObjectReader,
  reading: Reading,
): Mount | undefined {
  const type = readMountType(item, reading.dialect);
  const source = item.string("source");
  const destination = item.string("destination");
  const isWritable = item.boolean("writable");
  const propagationFlags = [
    ...item.boolean("private") ? [MOUNT_FLAGS.MS_PRIVATE] : [],
    ...item.boolean("slave") ? [MOUNT_FLAGS.MS_SLAVE] : [],
  ];
  const relabel = readRelabel(item);
  if (type === "tmpfs") return readTmpfs(destination);
  // devtmpfs and sysfs only marked that the runtime should mount /dev or /sys,
  // which are always supplied: without its own /dev a container writes to, and
  // is refused by, the nodes of its image.
  if (type !== "bind") return undefined;
  return compact<Mount>({
    device: "bind",
    source: source === "" ? "" : resolvePath(reading.directory(), source),
    destination,
    flags: MOUNT_FLAGS.MS_BIND | MOUNT_FLAGS.MS_REC |
      (isWritable ? 0 : MOUNT_FLAGS.MS_RDONLY),
    data: "",
    relabel,
    propagationFlags: propagationFlags.length > 0
      ? propagationFlags
      : undefined,
  });
}

/**
 * Reads `mounts` of a dialect before D.
 *
 * @param owner The root object, or `mount_config`.
 * @param reading The reading.
 * @returns Binds and tmpfs in order, without the system mounts.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readTypedMounts } from "./mounts.ts";
 *
 * const findings = new Findings();
 * const text = { mounts: [{ type: "tmpfs", destination: "/tmp" }] };
 * const mounts = readTypedMounts(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "C1",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assertEquals(mounts[0]?.flags, 14);
 * ```
 */
export function readTypedMounts(
  owner: ObjectReader,
  reading: Reading,
): Mount[] {
  return owner.objects("mounts", (item) => readTypedMount(item, reading)) ?? [];
}

/** Order of the system mounts by destination; all eras get all six. */
function orderOf(dialect: Dialect): string[] {
  return dialect < "C1"
    ? ["/proc", "/sys", "/dev", "/dev/shm", "/dev/mqueue", "/dev/pts"]
    : ["/proc", "/dev", "/dev/shm", "/dev/mqueue", "/dev/pts", "/sys"];
}

/**
 * Gives the system mounts that a runtime before D had built in, in its order.
 *
 * /dev and /dev/mqueue are supplied for all eras: some days of 2014 lacked
 * them, and the containers of those days saw the devices of their image.
 *
 * @param dialect Dialect of the text.
 * @param options `isRestricted`: whether /sys is read-only.
 * @returns The mounts.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getSystemMounts } from "./mounts.ts";
 *
 * const [, second] = getSystemMounts("B2", { isRestricted: false });
 * assertEquals(second?.destination, "/sys");
 * ```
 */
export function getSystemMounts(
  dialect: Dialect,
  options: { readonly isRestricted: boolean },
): Mount[] {
  const mounts = orderOf(dialect).flatMap((destination) =>
    defaultMounts.filter((mount) => mount.destination === destination)
  ).map((mount) => {
    if (mount.device === "devpts") {
      return { ...mount, data: mount.data.replace("mode=0620", "mode=620") };
    }
    if (mount.device !== "sysfs") return mount;
    const flags = DEFAULT_MOUNT_FLAGS | (options.isRestricted ? 1 : 0);
    return { ...mount, flags };
  });
  return dialect < "A5" ? [...mounts, RUN_MOUNT] : mounts;
}

function readCommands(item: ObjectReader, key: string): Command[] | undefined {
  const commands = item.objects(key, (command) => ({
    path: command.string("path"),
    args: command.strings("args") ?? [],
    env: command.strings("env") ?? [],
    dir: command.string("dir"),
  }));
  return commands?.length === 0 ? undefined : commands;
}

/** Keys after runc's mount options: `idmap`, and `ridmap` with submounts. */
function readIdmap(item: ObjectReader): MountIdmap | undefined {
  const isMapped = item.boolean("idmap");
  const recursive = item.boolean("ridmap");
  const uidMappings = readIdMappings(item, "uid_mappings");
  const gidMappings = readIdMappings(item, "gid_mappings");
  if (!isMapped && !recursive && !uidMappings && !gidMappings) return undefined;
  const idmap = compact<MountIdmap>({
    uidMappings,
    gidMappings,
    recursive: recursive || undefined,
  });
  item.findings.setOrigin(idmap, item.path);
  return idmap;
}

/** Dialect D put propagation among the other flags, E lists it apart. */
function readPropagation(item: ObjectReader, flags: number): number[] {
  const bits = flags & PROPAGATION_FLAGS;
  const listed = item.list("propagation_flags", (value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    return item.findings.problem(path, "wanted a whole number");
  });
  return [...bits === 0 ? [] : [bits], ...listed ?? []];
}

function readTree(item: ObjectReader): TreeAttributes | undefined {
  return item.object("recursive", (tree) => ({
    set: tree.integer("set", UINT32),
    clear: tree.integer("clear", UINT32),
  }));
}

function readExplicitMount(
  item: ObjectReader,
  rootfs: string,
): Mount | undefined {
  const device = item.string("device");
  const known = MOUNT_DEVICES.find((name) => name === device);
  if (known === undefined) {
    const path = item.at("device");
    item.findings.unknown(path, "mount device", device, MOUNT_DEVICES);
  }
  const flags = item.integer("flags", UINT32);
  const propagationFlags = readPropagation(item, flags);
  const destination = item.string("destination");
  // The original left alone what already stood below the root.
  const isInside = rootfs !== "/" && destination.startsWith(`${rootfs}/`);
  const mount = {
    source: item.string("source"),
    destination: isInside ? destination.slice(rootfs.length) : destination,
    flags: (flags & ~PROPAGATION_FLAGS) >>> 0,
    data: item.string("data"),
    relabel: readRelabel(item),
    propagationFlags: propagationFlags.length > 0
      ? propagationFlags
      : undefined,
    premountCmds: readCommands(item, "premount_cmds"),
    postmountCmds: readCommands(item, "postmount_cmds"),
    idmap: readIdmap(item),
    clearFlags: item.integer("cleared_flags", UINT32) || undefined,
    recursive: readTree(item),
    tmpcopyup: item.boolean("tmpcopyup") || undefined,
    remount: item.boolean("remount") || undefined,
  };
  return known && compact<Mount>({ device: known, ...mount });
}

/** The shipped v2 samples predate the move of system mounts into the file. */
function isTransitional(mounts: readonly Mount[]): boolean {
  const places = new Set(
    mounts.map((mount) => normalizePath(mount.destination)),
  );
  return !places.has("/proc") && !places.has("/dev") &&
    ["/dev/shm", "/dev/mqueue", "/dev/pts", "/sys"]
      .some((place) => places.has(place));
}

/** Mounts of a dialect D text, and whether the runtime supplied some. */
export interface ExplicitMounts {
  /** The mounts in order. */
  readonly mounts: readonly Mount[];
  /** True when system mounts were supplied that the text does not have. */
  readonly isSupplied: boolean;
}

/**
 * Reads `mounts` of dialect D.
 *
 * A missing list gets the template's six. A list with some system mounts but
 * neither /proc nor /dev gets those, and /dev/pts, in front: such files never
 * worked otherwise. An empty list means none.
 *
 * @param root The root object.
 * @param rootfs Root file system, cut off destinations that start with it.
 * @param dialect D, or E whose files always list all mounts.
 * @returns The mounts, and whether some were supplied.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readExplicitMounts } from "./mounts.ts";
 *
 * const root = new ObjectReader(new Findings(), { mounts: null }, []);
 * assertEquals(readExplicitMounts(root, "/srv", "D").mounts.length, 6);
 * ```
 */
export function readExplicitMounts(
  root: ObjectReader,
  rootfs: string,
  dialect: Dialect,
): ExplicitMounts {
  const read = root.objects(
    "mounts",
    (item) => readExplicitMount(item, rootfs),
  );
  if (read === undefined) return { mounts: defaultMounts, isSupplied: true };
  if (dialect !== "D" || !isTransitional(read)) {
    return { mounts: read, isSupplied: false };
  }
  const missing = defaultMounts.slice(0, 3).filter((mount) =>
    !read.some((own) => isWithin(mount.destination, own.destination))
  );
  return { mounts: [...missing, ...read], isSupplied: true };
}

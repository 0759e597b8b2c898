/**
 * Reads `mounts` of an OCI config.json.
 *
 * @module
 */
import { resolvePath } from "../host_paths.ts";
import type { JsonPath } from "../json_scan.ts";
import {
  FLAG_OPTIONS,
  PAST_OPTIONS,
  PROPAGATION_OPTIONS,
  TREE_OPTIONS,
  VOID_OPTIONS,
} from "../names/mount_options.ts";
import { MOUNT_FLAGS } from "../names/mount_flags.ts";
import type { ObjectReader } from "../object_reader.ts";
import { quote } from "../problems.ts";
import { compact, type Reading } from "../reading.ts";
import type { Mount, MountIdmap, TreeAttributes } from "../types.ts";
import { readOciMappings } from "./oci_mappings.ts";

const { MS_BIND, MS_REC } = MOUNT_FLAGS;

/** File systems of the kernel's own, whose files always or never have ACLs. */
const WITHOUT_ACL_OPTION: ReadonlySet<string> = new Set([
  "bind",
  "cgroup",
  "cgroup2",
  "devpts",
  "mqueue",
  "proc",
  "sysfs",
  "tmpfs",
]);

/** What the options of one mount add up to; later ones win. */
class Options {
  flags = 0;
  cleared = 0;
  readonly tree = { set: 0, clear: 0 };
  readonly propagation: number[] = [];
  readonly data: string[] = [];
  tmpcopyup = false;
  remount = false;
  idmap: "" | "idmap" | "ridmap" = "";

  /** Takes an option; false when it is none of the runtime's. */
  take(option: string): boolean {
    const flag = FLAG_OPTIONS.get(option);
    const tree = TREE_OPTIONS.get(option);
    const propagation = PROPAGATION_OPTIONS.get(option);
    if (flag !== undefined) {
      this.flags = flag.clears
        ? this.flags & ~flag.bits
        : this.flags | flag.bits;
      this.cleared = flag.clears
        ? this.cleared | flag.bits
        : this.cleared & ~flag.bits;
    } else if (tree !== undefined) {
      const [on, off] = tree.clears
        ? ["clear", "set"] as const
        : ["set", "clear"] as const;
      this.tree[on] |= tree.bits;
      this.tree[off] &= ~tree.bits;
    } else if (propagation !== undefined) {
      this.propagation.push(propagation);
    } else if (option === "tmpcopyup") this.tmpcopyup = true;
    else if (option === "remount") this.remount = true;
    else if (option === "idmap" || option === "ridmap") this.idmap = option;
    else return VOID_OPTIONS.has(option);
    return true;
  }
}

function readOption(
  options: Options,
  item: ObjectReader,
  type: string,
  option: string,
  path: JsonPath,
): void {
  if (options.take(option)) return;
  const past = PAST_OPTIONS.get(option);
  if (past !== undefined) {
    item.findings.warn(path, `${option} is left out: ${past}`);
  } else if (option !== "acl" && option !== "noacl") {
    options.data.push(option);
  } else if (!WITHOUT_ACL_OPTION.has(type)) options.data.push(option);
}

function readOptions(item: ObjectReader, type: string): Options {
  const options = new Options();
  item.list("options", (option, path) => {
    if (typeof option === "string") {
      readOption(options, item, type, option, path);
      return undefined;
    }
    return item.findings.problem(path, "wanted a string");
  });
  return options;
}

function readIdmap(
  item: ObjectReader,
  { idmap }: Options,
): MountIdmap | undefined {
  const uidMappings = readOciMappings(item, "uidMappings");
  const gidMappings = readOciMappings(item, "gidMappings");
  if (idmap === "" && !uidMappings && !gidMappings) return undefined;
  const read = compact<MountIdmap>({
    uidMappings,
    gidMappings,
    recursive: idmap === "ridmap" || undefined,
  });
  item.findings.setOrigin(read, item.path);
  return read;
}

/** Relative destinations count from the root, as in files before version 1. */
function readDestination(item: ObjectReader): string {
  const destination = item.string("destination");
  if (destination === "") {
    item.findings.problem(item.at("destination"), "missing; wanted a path");
  } else if (!destination.startsWith("/")) {
    const message = "relative; taken as one from the root, which the" +
      " specification does not allow any more";
    item.findings.warn(item.at("destination"), message);
    return `/${destination}`;
  }
  return destination;
}

/** A bind has its attributes on the top mount alone, unless told otherwise. */
function treeOf({ flags, tree }: Options): TreeAttributes | undefined {
  const isTree = (flags & MS_BIND) !== 0 && (flags & MS_REC) !== 0;
  return isTree || tree.set !== 0 || tree.clear !== 0 ? { ...tree } : undefined;
}

/** A word that nobody takes may be a misspelt `ro`. */
function warnOfData(item: ObjectReader, { data }: Options): undefined {
  for (const option of data) {
    const message = `${quote(option)} is no option of a bind mount and is` +
      " left out";
    item.findings.warn(item.at("options"), message);
  }
}

function readMount(item: ObjectReader, reading: Reading): Mount {
  const type = item.string("type");
  const destination = readDestination(item);
  const source = item.string("source");
  const options = readOptions(item, type);
  const isBind = type === "bind" || (options.flags & MS_BIND) !== 0;
  if (!isBind && !options.remount && type === "" && destination !== "") {
    const message = "missing; wanted the name of a file system, or the option" +
      " bind or rbind";
    item.findings.problem(item.at("type"), message);
  }
  if (isBind) warnOfData(item, options);
  const device = isBind ? "bind" : type;
  const clearFlags = options.cleared;
  return compact<Mount>({
    device,
    source: isBind && source !== ""
      ? resolvePath((reading.bundle ?? reading.directory)(), source)
      : source,
    destination,
    flags: (options.flags | (isBind ? MS_BIND : 0)) >>> 0,
    data: isBind ? "" : options.data.join(","),
    relabel: "",
    propagationFlags: options.propagation.length > 0
      ? options.propagation
      : undefined,
    idmap: readIdmap(item, options),
    clearFlags: isBind && clearFlags !== 0 ? clearFlags : undefined,
    recursive: treeOf(options),
    tmpcopyup: options.tmpcopyup || undefined,
    remount: options.remount || undefined,
  });
}

/**
 * Reads `mounts` of an OCI config.json.
 *
 * Options of the runtime become flags, what is left goes to the file system. A
 * relative source of a bind is in the bundle.
 *
 * @param root The root object.
 * @param reading The reading.
 * @returns The mounts in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciMounts } from "./oci_mounts.ts";
 *
 * const findings = new Findings();
 * const options = ["ro", "nosuid", "mode=755"];
 * const text = { mounts: [{ destination: "/t", type: "tmpfs", options }] };
 * const [mount] = readOciMounts(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "OCI",
 *   isForced: false,
 *   directory: () => "/",
 *   bundle: () => "/bundle",
 * });
 * assertEquals([mount?.flags, mount?.data], [3, "mode=755"]);
 * ```
 */
export function readOciMounts(root: ObjectReader, reading: Reading): Mount[] {
  return root.objects("mounts", (item) => readMount(item, reading)) ?? [];
}

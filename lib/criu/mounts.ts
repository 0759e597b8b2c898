/**
 * Which mounts of a container come from outside: CRIU does not make them anew,
 * they are given back by a key.
 *
 * @module
 */

/** One line of `/proc/PID/mountinfo`. */
export interface MountLine {
  /** Its number. */
  readonly id: number;
  /** Device numbers, e.g. `254:0`: which file system it is. */
  readonly device: string;
  /** Path in the file system that is shown. */
  readonly root: string;
  /** Where it is mounted. */
  readonly target: string;
  /** Options of the mount, with commas. */
  readonly options?: string;
  /** Kind of file system. */
  readonly type: string;
  /** Whether what is mounted below it, or in its peers, is seen elsewhere too, or here. */
  readonly propagates?: true;
}

/** A mount that comes from outside. */
export interface ExternalMount {
  /** By which it is known in the images. */
  readonly key: string;
  /** Where it is mounted, inside. */
  readonly target: string;
  /** What was mounted there: path on the host. */
  readonly source: string;
  /** Options by which it forbids something, e.g. `ro` and `nosuid`. */
  readonly restrictions?: readonly string[];
}

/** Options of mounts that forbid something. */
const RESTRICTIONS = ["ro", "nosuid", "nodev", "noexec", "nosymfollow"];

/**
 * Lists what a mount forbids. Pure.
 *
 * @param mount The mount.
 * @returns Its options that do.
 */
export function restrictionsOf({ options = "" }: MountLine): string[] {
  return options.split(",").filter((each) => RESTRICTIONS.includes(each));
}

/** Undoes the octal escapes of mount tables. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}

/**
 * Reads a mount table. Pure.
 *
 * @param text Of `/proc/PID/mountinfo`.
 * @returns Its lines; those that are none are passed over.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMounts } from "./mounts.ts";
 *
 * const line = "27 1 254:0 / /a\\040b rw shared:1 - ext4 /dev/vda rw";
 * assertEquals(parseMounts(line)[0]?.target, "/a b");
 * ```
 */
export function parseMounts(text: string): MountLine[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [id, , device, root, target, options, ...optional] = before.split(
      " ",
    );
    const [type] = after.split(" ");
    const propagates = optional.some((field) =>
      /^(shared|master):/.test(field)
    );
    if (!device || root === undefined || target === undefined || !type) {
      return [];
    }
    return [{
      id: Number(id),
      device,
      root: unescape(root),
      target: unescape(target),
      type,
      ...(options !== undefined && { options }),
      ...(propagates && { propagates }),
    }];
  });
}

/**
 * Finds the mount that a path lies on. Pure.
 *
 * @param path Canonical path.
 * @param mounts A mount table.
 * @returns The mount; undefined when the table has none for it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mountOf, parseMounts } from "./mounts.ts";
 *
 * const table = parseMounts("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /srv rw shared:3 - ext4 b rw");
 * assertEquals(mountOf("/srv/data", table)?.propagates, true);
 * assertEquals(mountOf("/srvdata", table)?.id, 1);
 * ```
 */
export function mountOf(
  path: string,
  mounts: readonly MountLine[],
): MountLine | undefined {
  // What is mounted later covers what was there before.
  return mounts.filter(({ target }) => isWithin(path, target))
    .reduce<MountLine | undefined>(
      (best, each) =>
        best === undefined || each.target.length >= best.target.length
          ? each
          : best,
      undefined,
    );
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" ||
    path.startsWith(`${directory}/`);
}

function join(directory: string, below: string): string {
  if (below === "" || below === "/") return directory;
  return directory === "/" ? below : directory + below;
}

/** File systems that CRIU mounts anew, whoever has mounted them. */
const MADE_ANEW = ["proc", "sysfs", "mqueue"];

/**
 * Paths on the host at which a mount of a container shows, likeliest first. Pure.
 *
 * @param mount The mount.
 * @param host Mount table of the host.
 * @returns Paths; none when the host does not have its file system mounted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostPathsOf } from "./mounts.ts";
 *
 * const host = [{ id: 1, device: "8:1", root: "/", target: "/srv", type: "ext4" }];
 * const mount = { id: 9, device: "8:1", root: "/data", target: "/in", type: "ext4" };
 * assertEquals(hostPathsOf(mount, host), ["/srv/data"]);
 * ```
 */
export function hostPathsOf(
  mount: MountLine,
  host: readonly MountLine[],
): string[] {
  return host
    .filter(({ device, root }) =>
      device === mount.device && isWithin(mount.root, root)
    )
    .toSorted((a, b) => b.root.length - a.root.length)
    .map(({ root, target }) =>
      join(target, root === "/" ? mount.root : mount.root.slice(root.length))
    );
}

/**
 * Lists the mounts of a container that come from outside: all but the root whose
 * file system the host has mounted, too. Pure.
 *
 * @param inside Mount table of the container.
 * @param host Mount table of the host.
 * @param hasUserNamespace In one of its own a container cannot mount proc and its like of the host anew.
 * @returns The mounts.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { externalMounts } from "./mounts.ts";
 *
 * const root = { id: 1, device: "8:1", root: "/", target: "/", type: "ext4" };
 * const data = { id: 2, device: "8:1", root: "/data", target: "/data", type: "ext4" };
 * const tmp = { id: 3, device: "0:9", root: "/", target: "/tmp", type: "tmpfs" };
 * assertEquals(externalMounts([root, data, tmp], [root], false), [data]);
 * ```
 */
export function externalMounts(
  inside: readonly MountLine[],
  host: readonly MountLine[],
  hasUserNamespace: boolean,
): MountLine[] {
  const devices = new Set(host.map(({ device }) => device));
  const first = inside.find(({ target }) => target === "/");
  return inside.filter((mount) => {
    if (mount === first || !devices.has(mount.device)) return false;
    const isNew = MADE_ANEW.includes(mount.type) && mount.root === "/";
    return !isNew || hasUserNamespace;
  });
}

/**
 * Texts of kernel files -> values. Pure.
 *
 * @module
 */

/** One line of `/proc/PID/cgroup`. */
export interface CgroupLine {
  /** 2 for the line that starts with `0::`. */
  readonly version: 1 | 2;
  /** Controllers, e.g. `["cpu", "cpuacct"]`; empty for version 2. */
  readonly controllers: readonly string[];
  /** Group of the process, from the root of the reader's cgroup namespace. */
  readonly path: string;
}

/**
 * Reads `/proc/PID/cgroup`. Pure; lines of another form are left out.
 *
 * @param text Contents of the file.
 * @returns Its lines in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseProcCgroup } from "./kernel_files.ts";
 *
 * assertEquals(parseProcCgroup("3:cpu,cpuacct:/a\n0::/init.scope\n"), [
 *   { version: 1, controllers: ["cpu", "cpuacct"], path: "/a" },
 *   { version: 2, controllers: [], path: "/init.scope" },
 * ]);
 * ```
 */
export function parseProcCgroup(text: string): CgroupLine[] {
  const lines: CgroupLine[] = [];
  for (const line of text.split("\n")) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (!match) continue;
    const [, id = "", names = "", path = "/"] = match;
    const isUnified = id === "0" && names === "";
    lines.push({
      version: isUnified ? 2 : 1,
      controllers: isUnified ? [] : names.split(","),
      path,
    });
  }
  return lines;
}

/** A cgroup mount found in `/proc/self/mountinfo`. */
export interface CgroupMount {
  /** 1 for file system `cgroup`, 2 for `cgroup2`. */
  readonly version: 1 | 2;
  /** Path of the hierarchy that is mounted. */
  readonly root: string;
  /** Where. */
  readonly mount: string;
  /** Options of the superblock: among them the controllers of version 1. */
  readonly options: readonly string[];
}

/** Undoes the octal escapes of space, tab, newline and backslash. */
function unescapeMountPath(path: string): string {
  return path.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * Finds the cgroup mounts in `/proc/self/mountinfo`. Pure.
 *
 * @param text Contents of the file.
 * @returns The mounts of type `cgroup` and `cgroup2`, in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCgroupMounts } from "./kernel_files.ts";
 *
 * const line = "31 25 0:27 / /cg/pids rw - cgroup cgroup rw,pids\n";
 * assertEquals(parseCgroupMounts(line), [
 *   { version: 1, root: "/", mount: "/cg/pids", options: ["rw", "pids"] },
 * ]);
 * ```
 */
export function parseCgroupMounts(text: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of text.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type, , options = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    const fields = before.split(" ");
    mounts.push({
      version: type === "cgroup2" ? 2 : 1,
      root: unescapeMountPath(fields[3] ?? "/"),
      mount: unescapeMountPath(fields[4] ?? "/"),
      options: options.split(","),
    });
  }
  return mounts;
}

/**
 * Reads the version from `/proc/sys/kernel/osrelease`. Pure.
 *
 * @param text E.g. `6.1.0-18-amd64`.
 * @returns Major and minor number; `[0, 0]` for a text of another form.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseKernelRelease } from "./kernel_files.ts";
 *
 * assertEquals(parseKernelRelease("6.1.0-18-amd64\n"), [6, 1]);
 * ```
 */
export function parseKernelRelease(
  text: string,
): readonly [major: number, minor: number] {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
}

/**
 * Finds where pid 1's group is below a mount. Pure.
 *
 * In a cgroup namespace that pid 1 is not in, its path starts with `/..`: then
 * the mount itself is the place. A systemd leaf (`init.scope`) is stripped.
 *
 * @param path Path of the group, from `/proc/1/cgroup`.
 * @param root Path of the hierarchy that is mounted.
 * @returns Path from the mount point, empty or with a leading slash.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { groupBelowMount } from "./kernel_files.ts";
 *
 * assertEquals(groupBelowMount("/init.scope", "/"), "");
 * assertEquals(groupBelowMount("/pod/a", "/pod"), "/a");
 * assertEquals(groupBelowMount("/../x", "/"), "");
 * ```
 */
export function groupBelowMount(path: string, root: string): string {
  const own = path.replace(/\/init\.scope$/, "");
  if (own === "/" || own === "" || /(^|\/)\.\.(\/|$)/.test(own)) return "";
  if (root === "/") return own;
  if (own === root) return "";
  return own.startsWith(`${root}/`) ? own.slice(root.length) : "";
}

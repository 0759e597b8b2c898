/**
 * Paths as text, without asking the file system.
 *
 * @module
 */

/**
 * Normalises an absolute path: no empty, `.` or `..` components, no slash at the end.
 *
 * Pure; symbolic links are not followed.
 *
 * @param path An absolute path.
 * @returns The shortest path of the same meaning where nothing is a link.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { normalizePath } from "./host_paths.ts";
 *
 * assertEquals(normalizePath("/a//b/../c/"), "/a/c");
 * ```
 */
export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/**
 * Resolves a path against a directory.
 *
 * @param directory An absolute directory.
 * @param path A path, absolute or relative to the directory.
 * @returns The normalised absolute path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { resolvePath } from "./host_paths.ts";
 *
 * assertEquals(resolvePath("/srv", "root"), "/srv/root");
 * ```
 */
export function resolvePath(directory: string, path: string): string {
  return normalizePath(path.startsWith("/") ? path : `${directory}/${path}`);
}

/**
 * Tells whether a path is below a directory, or is that directory.
 *
 * @param path A normalised absolute path.
 * @param directory A normalised absolute directory.
 * @returns True when it is.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isWithin } from "./host_paths.ts";
 *
 * assert(isWithin("/proc/sys", "/proc") && !isWithin("/process", "/proc"));
 * ```
 */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" ||
    path.startsWith(`${directory}/`);
}

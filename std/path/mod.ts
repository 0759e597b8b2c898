/**
 * Stand-in for `@std/path`: the part of its API that nsinit uses, POSIX only.
 *
 * @module
 */

/** The character between the parts of a path. */
export const SEPARATOR = "/";

/**
 * Tells whether a path starts at the root.
 *
 * @param path A path.
 * @returns Whether it is absolute.
 */
export function isAbsolute(path: string): boolean {
  return path.startsWith(SEPARATOR);
}

/**
 * Resolves `.`, `..` and repeated slashes, without touching the file system.
 *
 * @param path A path or a `file:` URL.
 * @returns The shortest path of the same meaning; `.` for an empty one.
 */
export function normalize(path: string | URL): string {
  const text = typeof path === "string" ? path : fromFileUrl(path);
  if (text === "") return ".";

  const absolute = isAbsolute(text);
  const parts = simplify(text, { absolute }).join(SEPARATOR);
  const slash = text.endsWith(SEPARATOR) && parts !== "" ? SEPARATOR : "";

  if (absolute) return SEPARATOR + parts + slash;
  if (parts !== "") return parts + slash;
  return text.endsWith(SEPARATOR) ? "./" : ".";
}

/**
 * Joins parts of a path and normalises the result.
 *
 * @param path The first part, or a `file:` URL.
 * @param paths The other parts; empty ones count as absent.
 * @returns The joined path; `.` if there is nothing to join.
 */
export function join(path?: string | URL, ...paths: string[]): string {
  const first = path instanceof URL ? fromFileUrl(path) : path ?? "";
  const parts = [first, ...paths].filter((part) => part.length > 0);

  return parts.length === 0 ? "." : normalize(parts.join(SEPARATOR));
}

/**
 * Makes a path absolute: from the right, up to the first absolute one, else
 * from the current directory.
 *
 * @param pathSegments The parts.
 * @returns An absolute, normalised path without a slash at its end.
 */
export function resolve(...pathSegments: string[]): string {
  let resolved = "";

  for (const segment of pathSegments.toReversed()) {
    if (segment === "") continue;
    resolved = resolved === "" ? segment : `${segment}/${resolved}`;
    if (isAbsolute(segment)) break;
  }

  if (!isAbsolute(resolved)) resolved = `${Deno.cwd()}/${resolved}`;

  return SEPARATOR + simplify(resolved, { absolute: true }).join(SEPARATOR);
}

/**
 * Gives the path from one place to another.
 *
 * @param from Where the path starts.
 * @param to Where it leads.
 * @returns A relative path; empty if both are the same.
 */
export function relative(from: string, to: string): string {
  const start = split(resolve(from));
  const end = split(resolve(to));
  let shared = 0;

  while (
    shared < start.length && shared < end.length &&
    start[shared] === end[shared]
  ) shared++;

  return [
    ...start.slice(shared).map(() => ".."),
    ...end.slice(shared),
  ].join(SEPARATOR);
}

/**
 * Gives the directory part of a path.
 *
 * @param path A path or a `file:` URL.
 * @returns All before the last part; `.` if there is nothing.
 */
export function dirname(path: string | URL): string {
  const text = stripSlashes(
    typeof path === "string" ? path : fromFileUrl(path),
  );
  const end = text.lastIndexOf(SEPARATOR);

  if (end < 0) return ".";
  return stripSlashes(text.slice(0, end + 1)) || SEPARATOR;
}

/**
 * Gives the last part of a path.
 *
 * @param path A path or a `file:` URL.
 * @param suffix Taken off the end, unless it is the whole part.
 * @returns The last part.
 */
export function basename(path: string | URL, suffix = ""): string {
  const text = stripSlashes(
    typeof path === "string" ? path : fromFileUrl(path),
  );
  const name = text.slice(text.lastIndexOf(SEPARATOR) + 1);

  if (name === "" && text !== "") return text;
  return suffix !== "" && name !== suffix && name.endsWith(suffix)
    ? name.slice(0, -suffix.length)
    : name;
}

/**
 * Gives the extension of a path, with its dot.
 *
 * @param path A path or a `file:` URL.
 * @returns The extension; empty if there is none.
 */
export function extname(path: string | URL): string {
  const name = basename(path);
  const dot = name.lastIndexOf(".");

  return dot <= 0 || name === ".." ? "" : name.slice(dot);
}

/**
 * Converts a `file:` URL to a path.
 *
 * @param url The URL.
 * @returns The path.
 * @throws {TypeError} If it is not a `file:` URL.
 */
export function fromFileUrl(url: string | URL): string {
  const parsed = url instanceof URL ? url : new URL(url);

  if (parsed.protocol !== "file:") {
    throw new TypeError(
      `URL must be a file URL: received "${parsed.protocol}"`,
    );
  }

  return decodeURIComponent(
    parsed.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
  );
}

/**
 * Converts an absolute path to a `file:` URL.
 *
 * @param path The path.
 * @returns The URL.
 * @throws {TypeError} If the path is relative.
 */
export function toFileUrl(path: string): URL {
  if (!isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }

  const url = new URL("file:///");
  url.pathname = path
    .replace(/%/g, "%25")
    .replace(/\\/g, "%5C")
    .replace(/[\t\n\v\f\r ]/g, (char) => encodeURIComponent(char));

  return url;
}

function split(path: string): string[] {
  return path.split(SEPARATOR).filter((part) => part !== "");
}

/** Drops `.` and empty parts and lets each `..` take back a part. */
function simplify(path: string, { absolute }: { absolute: boolean }): string[] {
  const parts: string[] = [];

  for (const part of split(path)) {
    if (part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!absolute) parts.push(part);
  }

  return parts;
}

/** Takes slashes off the end, but leaves the root as it is. */
function stripSlashes(path: string): string {
  const bare = path.replace(/\/+$/, "");

  return bare === "" && path !== "" ? SEPARATOR : bare;
}

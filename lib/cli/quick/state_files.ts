/**
 * In place of `ffi/state_files.ts` on the short way.
 *
 * The library opens a file without following a link, whoever may change the
 * directory meanwhile. Deno cannot; so only files are read here that nobody else
 * can replace: those of `/proc`, and those in a state root of this user.
 *
 * @module
 */
import { leaveQuickWay } from "./leave.ts";

const OTHERS_MAY_WRITE = 0o022;

let trusted: string | undefined;

/** Refuses a directory that others may change. */
function checkOwn(path: string): void {
  const { isDirectory, uid, mode } = Deno.lstatSync(path);
  const isOwn = isDirectory && uid === Deno.uid() &&
    ((mode ?? OTHERS_MAY_WRITE) & OTHERS_MAY_WRITE) === 0;
  if (!isOwn) leaveQuickWay();
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/**
 * Reads a regular file as text.
 *
 * @param path Absolute path: of `/proc`, or of a state.
 * @param limit Largest size accepted, in bytes.
 * @returns The text; undefined when there is no such file.
 *
 * @example
 * ```ts
 * import { loadText } from "./state_files.ts";
 *
 * if (!loadText("/proc/self/stat", 65536)?.includes("deno")) throw new Error();
 * ```
 */
export function loadText(path: string, limit: number): string | undefined {
  const isOfKernel = path.startsWith("/proc/");
  try {
    if (!isOfKernel) {
      const dir = parentOf(path);
      const root = parentOf(dir);
      if (root !== trusted) checkOwn(root);
      trusted = root;
      const { isFile, size } = Deno.lstatSync(path);
      if (!isFile || size > limit) leaveQuickWay();
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (isOfKernel && !(error instanceof Deno.errors.NotCapable)) {
      return undefined; // the process ends while it is read
    }
    throw error;
  }
}

/**
 * What is at a path whose end may be a hostile link.
 *
 * @module
 */

/**
 * Looks at a path without following its last link, as lstat(2).
 *
 * @param path The path.
 * @returns What is there; `undefined` if there is nothing.
 * @throws {Error} Whatever else keeps us from looking, as Deno words it.
 */
export function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

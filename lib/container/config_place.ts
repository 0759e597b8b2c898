/**
 * The configuration's name in a container's directory, and what keeps its place
 * while a container runs that could write one.
 *
 * @module
 */

/** Name of the configuration in a container's directory. */
export const CONFIG_FILE = "container.json";

/** Mode of an empty file that keeps the place: nobody may read it, which no configuration is for. */
export const PLACE_MODE = 0;

/**
 * Tells what keeps the place from a configuration that somebody has emptied.
 *
 * @param file What is called {@linkcode CONFIG_FILE}.
 * @returns Whether it counts as none.
 */
export function keepsPlace({ size, mode }: Deno.FileInfo): boolean {
  return size === 0 && mode !== null && (mode & 0o777) === PLACE_MODE;
}

/**
 * The version of this program; a test keeps it equal to `deno.json`.
 *
 * @module
 */

/** Version of nsinit. */
export const VERSION = "0.1.0";

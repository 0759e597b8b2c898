/**
 * Stand-in for `@std/cli`: its `parseArgs`.
 *
 * @module
 */
export { parseArgs } from "./parse_args.ts";
export type { Args, ParseOptions } from "./types.ts";

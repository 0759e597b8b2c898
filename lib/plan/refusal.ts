/**
 * Refusing a configuration while planning.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/**
 * Makes the error for one fault of the configuration. Pure.
 *
 * @param path Key path, e.g. `mounts[2].destination`.
 * @param message What was attempted, what was found, what is wanted.
 * @returns The error, to be thrown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { refuse } from "./refusal.ts";
 *
 * assertEquals(refuse("cwd", "Cannot enter it").problems[0]?.path, "cwd");
 * ```
 */
export function refuse(path: string, message: string): ConfigError {
  return new ConfigError(message, [{ message, path }]);
}

/**
 * Checking configurations: one that containers share is checked once.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { validateConfig } from "../config/validate.ts";
import { isKnownValid, noteValid, shareConfig } from "./configs.ts";

/**
 * Checks a configuration.
 *
 * @param config A configuration.
 * @throws {ConfigError} `ConfigInvalid` with everything that is wrong.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { checkConfig } from "./check_config.ts";
 *
 * checkConfig(defaultConfig("/srv/root"));
 * ```
 */
export function checkConfig(config: Config): void {
  if (isKnownValid(config)) return;
  validateConfig(config);
  noteValid(config);
}

/**
 * Checks a configuration that the caller may change later.
 *
 * @param config A configuration.
 * @returns An equal one that is shared and frozen.
 * @throws {ConfigError} `ConfigInvalid` with everything that is wrong.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { takeConfig } from "./check_config.ts";
 *
 * if (!Object.isFrozen(takeConfig(defaultConfig("/srv/root")))) throw new Error();
 * ```
 */
export function takeConfig(config: Config): Config {
  const { config: shared } = shareConfig(config);
  if (isKnownValid(shared)) return shared;
  // The caller's own: JSON has no NaN, for one.
  validateConfig(config);
  noteValid(shared);
  return shared;
}

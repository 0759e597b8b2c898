/**
 * Checking configurations: one that containers share is checked once.
 *
 * @module
 */
import { completeConfig } from "../config/input/complete.ts";
import type { Config as WrittenConfig } from "../config/input/types.ts";
import type { Config } from "../config/types.ts";
import { validateConfig } from "../config/validate.ts";
import { isKnownValid, noteValid, shareConfig } from "./configs.ts";

/** What has been made of configurations that left something out. */
const completed = new WeakMap<Config, Config>();

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

/** The configuration as it is written down, frozen. */
function shareWritten(config: WrittenConfig): Config {
  try {
    return shareConfig(config as Config).config;
  } catch (error) {
    // What cannot even be copied is of another shape.
    completeConfig(config);
    throw error;
  }
}

/**
 * Checks and completes a configuration that the caller may change later.
 *
 * @param config A configuration as it is written down.
 * @returns The model of it, shared and frozen.
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
export function takeConfig(config: WrittenConfig): Config {
  const own = shareWritten(config);
  const known = completed.get(own) ?? own;
  if (isKnownValid(known)) return known;
  // The caller's own: JSON has no NaN, for one.
  const complete = completeConfig(config);
  validateConfig(complete);
  const isSame: boolean = complete === config;
  const shared = isSame ? own : shareConfig(complete).config;
  noteValid(shared);
  if (!isSame) completed.set(own, shared);
  return shared;
}

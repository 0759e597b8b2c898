/**
 * Configurations as programs write them down: checked, and written as text.
 *
 * @module
 */
import {
  formatConfig as formatModel,
  type FormatConfigOptions,
} from "../config/format.ts";
import { completeConfig } from "../config/input/complete.ts";
import type { Config } from "../config/input/types.ts";
import { validateConfig as validateModel } from "../config/validate.ts";

/**
 * Refuses a configuration that breaks a rule, telling all faults at once.
 *
 * Pure: nothing is asked of the host.
 *
 * @param config The configuration.
 * @throws {ConfigError} `ConfigInvalid` with every fault: first of what members are, then of what they say.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { ConfigError, defaultConfig, validateConfig } from "../../mod.ts";
 *
 * const config = { ...defaultConfig("/srv"), hostname: "two words" };
 * assertThrows(() => validateConfig(config), ConfigError, "hostname");
 * ```
 */
export function validateConfig(config: Config): void {
  validateModel(completeConfig(config));
}

/**
 * Writes a configuration as text.
 *
 * Pure. `container.json` is dialect D with every key, as `nsinit config` of
 * 2015 wrote it. Settings that came later use the keys of early runc, and what
 * has no key at all is told by `onWarning`.
 *
 * @param config The configuration.
 * @param format `container.json`, or `oci` for a config.json.
 * @param options Where warnings go.
 * @returns The text, tab-indented, with a newline at the end.
 * @throws {UsageError} `UsageInvalid` when the format is unknown.
 * @throws {ConfigError} `ConfigInvalid` for members that are unknown, missing or of another type.
 *
 * @example There and back
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig, formatConfig, parseConfig } from "../../mod.ts";
 *
 * const config = defaultConfig("/srv/root");
 * const again = await parseConfig(formatConfig(config, "container.json"));
 * assertEquals(again.mounts, config.mounts);
 * ```
 */
export function formatConfig(
  config: Config,
  format: "container.json" | "oci",
  options: FormatConfigOptions = {},
): string {
  return formatModel(completeConfig(config), format, options);
}

/**
 * What a configuration may say and no start can do: refused before anything is
 * made, instead of being left out.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { HostError } from "../errors.ts";
import { refuse } from "./refusal.ts";

/**
 * Refuses what cannot be carried out on any host. Pure.
 *
 * @param config The configuration.
 * @throws {ConfigError} `ConfigInvalid` for a file of another system.
 * @throws {HostError} `HostUnsupported` for Intel RDT.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { checkCarriedOut } from "./carried_out.ts";
 *
 * const config = { ...defaultConfig("/srv/root"), platform: "freebsd" };
 * assertThrows(() => checkCarriedOut(config), Error, "freebsd");
 * ```
 */
export function checkCarriedOut(config: Config): void {
  const { platform, intelRdt } = config;
  if (platform !== undefined) {
    throw refuse(
      platform,
      `Cannot start a container of a config.json for ${platform}: this is Linux; give it a section linux instead`,
    );
  }
  if (intelRdt !== undefined) {
    throw new HostError(
      "Cannot apply linux.intelRdt: resctrl is a matter of the whole host; leave it out, and put the container's pid into a resctrl group yourself",
    );
  }
}

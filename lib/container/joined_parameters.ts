/**
 * Kernel parameters in namespaces that others have made.
 *
 * @module
 */
import { joinedParameters } from "../config/checks/sysctl.ts";
import { NAMESPACES } from "../config/names/namespaces.ts";
import type { Config } from "../config/types.ts";
import { refuse } from "../plan/refusal.ts";

function isSame(path: string, other: string): boolean {
  try {
    const { dev, ino } = Deno.statSync(path);
    const { dev: otherDev, ino: otherIno } = Deno.statSync(other);
    return dev === otherDev && ino === otherIno;
  } catch (error) {
    // Whoever joins it says so.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Checks that no namespace which is joined, and in which kernel parameters are
 * set, is the host's: engines keep one for each container, or for a pod.
 *
 * @param config A configuration without other faults.
 * @throws {ConfigError} `ConfigInvalid` with the first parameter of the host's.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { checkJoinedParameters } from "./joined_parameters.ts";
 *
 * checkJoinedParameters(defaultConfig("/srv"));
 * ```
 */
export function checkJoinedParameters(
  config: Pick<Config, "sysctl" | "namespaces">,
): void {
  for (const { key, type, path } of joinedParameters(config)) {
    const { file, oci } = NAMESPACES[type];
    if (!isSame(path, `/proc/self/ns/${file}`)) continue;
    throw refuse(
      `sysctl.${key}`,
      `Cannot set ${key}: not allowed in host ${oci} namespace, which ${path} is`,
    );
  }
}

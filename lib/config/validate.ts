/**
 * Rules across the members of a configuration.
 *
 * @module
 */
import { ConfigError, type ConfigProblem } from "../errors.ts";
import { ATTRIBUTE_CHECKS } from "./checks/attributes.ts";
import { CGROUP_CHECKS } from "./checks/cgroups.ts";
import { HOOK_CHECKS } from "./checks/hooks.ts";
import { MOUNT_CHECKS } from "./checks/mounts.ts";
import { NETWORK_CHECKS } from "./checks/networks.ts";
import { PROCESS_CHECKS } from "./checks/process.ts";
import type { Check } from "./checks/report.ts";
import { ROOT_CHECKS } from "./checks/root.ts";
import { SYSCTL_CHECKS } from "./checks/sysctl.ts";
import { formatPath, type JsonPath } from "./json_scan.ts";
import { formatProblems } from "./problems.ts";
import type { Config } from "./types.ts";

/** All checks, in the order in which faults are told. */
export const CHECKS: readonly Check[] = [
  ...ROOT_CHECKS,
  ...MOUNT_CHECKS,
  ...NETWORK_CHECKS,
  ...SYSCTL_CHECKS,
  ...CGROUP_CHECKS,
  ...PROCESS_CHECKS,
  ...ATTRIBUTE_CHECKS,
  ...HOOK_CHECKS,
];

/**
 * Finds every rule that a configuration breaks.
 *
 * Pure: nothing is asked of the host, so a root that does not exist is fine here.
 *
 * @param config The configuration.
 * @returns Model path and message of each fault, in the order of the checks.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { findFaults } from "./validate.ts";
 *
 * assertEquals(findFaults(defaultConfig("srv"))[0]?.path, ["rootfs"]);
 * ```
 */
export function findFaults(
  config: Config,
): { path: JsonPath; message: string }[] {
  // What is for another system follows that system's rules; a start refuses it.
  if (config.platform !== undefined) return [];
  const faults: { path: JsonPath; message: string }[] = [];
  const report = (path: JsonPath, message: string): void => {
    faults.push({ path, message });
  };
  for (const check of CHECKS) check.run(config, report);
  return faults;
}

/**
 * Refuses a configuration that breaks a rule, telling all faults at once.
 *
 * Pure: nothing is asked of the host.
 *
 * @param config The configuration.
 * @throws {ConfigError} `ConfigInvalid` with every fault.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { ConfigError } from "../errors.ts";
 * import { defaultConfig } from "./defaults.ts";
 * import { validateConfig } from "./validate.ts";
 *
 * const config = { ...defaultConfig("/srv"), hostname: "two words" };
 * assertThrows(() => validateConfig(config), ConfigError, "hostname");
 * ```
 */
export function validateConfig(config: Config): void {
  const problems: ConfigProblem[] = findFaults(config).map((fault) => ({
    path: formatPath(fault.path),
    message: fault.message,
  }));
  if (problems.length === 0) return;
  throw new ConfigError(formatProblems("", problems), problems);
}

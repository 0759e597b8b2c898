/**
 * What programs have written down, checked and completed.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { formatPath, type JsonPath } from "../json_scan.ts";
import { Findings, formatProblems } from "../problems.ts";
import type * as model from "../types.ts";
import { CONTAINER } from "./container.ts";
import { RESOURCES } from "./resources.ts";
import type { Shape } from "./shape.ts";
import type { Config, Resources } from "./types.ts";

function complete<T>(
  shape: Shape<T>,
  value: unknown,
  path: JsonPath = [],
): T {
  const findings = new Findings();
  const found = shape(value, path, findings);
  if (found !== undefined && findings.problems.length === 0) return found;
  const problems = findings.problems.map(({ path, message }) => ({
    path: formatPath(path),
    message,
  }));
  throw new ConfigError(formatProblems("", problems), problems);
}

/**
 * Completes a configuration: names get their one spelling, what may be left out
 * its value. Pure; whether the values can be is for the checks.
 *
 * @param config A configuration as it is written down.
 * @returns The model; the same object when nothing was missing.
 * @throws {ConfigError} `ConfigInvalid` with every member that is unknown, missing or of another type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { completeConfig } from "./complete.ts";
 *
 * const { namespaces, mounts } = completeConfig({
 *   rootfs: "/srv/root",
 *   namespaces: [{ type: "mount" }],
 * });
 * assertEquals([namespaces, mounts], [[{ type: "NEWNS" }], []]);
 * ```
 */
export function completeConfig(config: Config): model.Config {
  return complete(CONTAINER, config);
}

/**
 * Completes limits. Pure.
 *
 * @param resources Limits as they are written down.
 * @returns The model; the same object when nothing was missing.
 * @throws {ConfigError} `ConfigInvalid` with every member that is unknown, missing or of another type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { completeResources } from "./complete.ts";
 *
 * assertEquals(completeResources({ memory: 1 }), { memory: 1 });
 * ```
 */
export function completeResources(resources: Resources): model.Resources {
  return complete(RESOURCES, resources, ["cgroups"]);
}

/**
 * `features`: prints what this runtime can do.
 *
 * @module
 */
import { formatJson } from "../../cli/output.ts";
import { VERSION } from "../../cli/version.ts";
import { seccompVersion } from "../../container/seccomp_version.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { makeFeatures } from "../features.ts";

/**
 * Tells what this runtime can do; the same on every machine.
 *
 * @returns The text.
 */
export function featuresText(): string {
  const libseccomp = seccompVersion();
  return formatJson(makeFeatures({ version: VERSION, libseccomp }), 4);
}

function features({ log }: Invocation): Promise<number> {
  log.result(featuresText());
  return Promise.resolve(0);
}

/** Declaration of `features`. */
export const COMMAND: OciCommand = {
  name: "features",
  summary: "Print what this runtime can do, as JSON",
  usage: "",
  options: [],
  arity: [0, 0],
  action: features,
};

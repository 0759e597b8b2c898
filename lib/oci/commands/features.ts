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

function features({ log }: Invocation): Promise<number> {
  const libseccomp = seccompVersion();
  log.result(formatJson(makeFeatures({ version: VERSION, libseccomp }), 4));
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

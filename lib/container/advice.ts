/**
 * Adds to a failed start what the settings of the machine have to do with it.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { KernelError } from "../errors.ts";
import { userNamespaceAdvice } from "../host/user_namespaces.ts";

/** How the kernel refuses a user namespace, or what is done with its capabilities. */
const REFUSALS = ["EPERM", "EACCES", "ENOSPC", "EUSERS"];

/**
 * Says which setting forbids the user namespace that a start needs.
 *
 * @param error The failure; its message is extended.
 * @param config What was to be started.
 * @param euid Who started it.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { adviseOnUserNamespace } from "./advice.ts";
 *
 * adviseOnUserNamespace(new Error("other"), defaultConfig("/srv/root"), 0);
 * ```
 */
export function adviseOnUserNamespace(
  error: unknown,
  config: Config,
  euid: number,
): void {
  if (!(error instanceof KernelError)) return;
  if (!config.namespaces.some(({ type }) => type === "NEWUSER")) return;
  if (!REFUSALS.includes(error.errnoName)) return;
  for (const advice of userNamespaceAdvice(euid)) {
    error.message += `; ${advice}`;
  }
}

/**
 * Which processes a sandbox can take that was made before they were known.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { ProcessSpec } from "./types.ts";

/** Whether there is a file system of the container's own on `/dev`, where its console can be made. */
function hasOwnDev({ mounts }: Config): boolean {
  return mounts.some(({ destination }) =>
    destination.replace(/\/+$/, "") === "/dev"
  );
}

/**
 * Tells whether a parked sandbox serves a process as an ordinary start would.
 * Pure.
 *
 * What does not fit is settled before the root is entered: the home in a host
 * root belongs to the user that it was made for, the oom score of one who enters
 * a user namespace is written from outside, and in a root that is read-only by
 * then no console can be made.
 *
 * @param config The configuration.
 * @param process The process.
 * @param user The user that the sandbox was made for.
 * @returns False when the container has to be made anew.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostRootConfig } from "../config/host_root.ts";
 * import { fitsSandbox } from "./fit.ts";
 *
 * const process = { user: "1000", tty: false };
 * assertEquals(fitsSandbox(hostRootConfig(), process, ""), false);
 * assertEquals(fitsSandbox(hostRootConfig(), process, "1000"), true);
 * ```
 */
export function fitsSandbox(
  config: Config,
  process: Pick<ProcessSpec, "user" | "tty" | "oomScoreAdj">,
  user: string,
): boolean {
  const enters = config.namespaces.some(({ type, path }) =>
    type === "NEWUSER" && path !== undefined
  );
  const { oomScoreAdj = config.oomScoreAdj } = process;
  if (config.hostRoot !== undefined && process.user !== user) return false;
  if (enters && oomScoreAdj !== config.oomScoreAdj) return false;
  return !process.tty || config.readonlyfs !== true || hasOwnDev(config);
}

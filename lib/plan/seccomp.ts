/**
 * The system call filter and `no_new_privs`.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { ChildOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { CompiledFilter, ProcessSpec } from "./types.ts";

/** What the filter adds to a Plan. */
export interface SeccompPart {
  /** Child: while capabilities are still there. */
  readonly early: readonly ChildOp[];
  /** Child: as the very last step before exec. */
  readonly late: readonly ChildOp[];
}

/**
 * Plans the filter. Pure.
 *
 * With `no_new_privs` the filter goes last, so that it needs to allow nothing
 * but exec. Without, loading takes SYS_ADMIN and so comes before capabilities
 * are dropped; the filter must then allow the steps that follow.
 *
 * @param config The configuration; a filter brings `no_new_privs` unless that
 * is refused on purpose.
 * @param process The process.
 * @param filter The configuration's filter, compiled.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` when the configuration has a filter
 * that was not compiled.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planSeccomp } from "./seccomp.ts";
 *
 * const config = {
 *   ...defaultConfig("/srv/root"),
 *   seccomp: { defaultAction: "SCMP_ACT_ALLOW", architectures: [], syscalls: [] },
 * } as const;
 * const part = planSeccomp(config, {}, { flags: 0, program: new Uint8Array(8) });
 * assertEquals(part.early, [{ op: "privileges.lock" }]);
 * assertEquals(part.late.map(({ op }) => op), ["seccomp.load"]);
 * ```
 */
export function planSeccomp(
  config: Config,
  process: Pick<ProcessSpec, "noNewPrivileges">,
  filter: CompiledFilter | undefined,
): SeccompPart {
  const wanted = config.seccomp !== undefined;
  const isLocked = process.noNewPrivileges ?? config.noNewPrivileges ?? wanted;
  const lock: ChildOp[] = isLocked ? [{ op: "privileges.lock" }] : [];
  if (!wanted) return { early: lock, late: [] };
  if (filter === undefined) {
    throw refuse(
      "seccomp",
      "Cannot plan the container: its seccomp filter has not been compiled",
    );
  }
  if (filter.notify !== undefined) {
    throw refuse(
      "seccomp.syscalls",
      "Cannot answer calls by SCMP_ACT_NOTIFY: nobody listens",
    );
  }
  const { flags, program } = filter;
  const load: ChildOp[] = [{ op: "seccomp.load", flags, program }];
  return isLocked ? { early: lock, late: load } : { early: load, late: [] };
}

/**
 * The system call filter and `no_new_privs`.
 *
 * @module
 */
import type { Config, Seccomp } from "../config/types.ts";
import type { ChildOp, ParentOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { CompiledFilter, ProcessSpec } from "./types.ts";

/** What the filter adds to a Plan. */
export interface SeccompPart {
  /** Child: while capabilities are still there. */
  readonly early: readonly ChildOp[];
  /** Child: as the very last step before exec. */
  readonly late: readonly ChildOp[];
  /** Parent: takes the listener, once the filter is loaded. */
  readonly listener: readonly ParentOp[];
}

/** The listener's way to who answers. */
function planListener(
  { listenerPath: path, listenerMetadata: metadata }: Seccomp,
  listens: boolean,
): ParentOp[] {
  if (!listens && path === undefined) {
    throw refuse(
      "seccomp.syscalls",
      "Cannot answer system calls by SCMP_ACT_NOTIFY: nobody listens; set listenerPath, or start the process with seccompNotify",
    );
  }
  const isSent = !listens && path !== undefined;
  return [
    { op: "await.listener" },
    {
      op: "listener.hand",
      ...isSent ? { path } : {},
      ...isSent && metadata !== undefined ? { metadata } : {},
    },
  ];
}

/** Loads the filter, that part first which asks a listener. */
function loadOps({ flags, program, notify }: CompiledFilter): ChildOp[] {
  const load: ChildOp = { op: "seccomp.load", flags, program };
  if (notify === undefined) return [load];
  return [
    {
      op: "seccomp.notify",
      flags: notify.flags,
      send: notify.send === "sendmmsg" ? 1 : 0,
      program: notify.program,
    },
    load,
  ];
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
 * that was not compiled, or that asks a listener where nobody listens.
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
  process: Pick<ProcessSpec, "noNewPrivileges" | "listens">,
  filter: CompiledFilter | undefined,
): SeccompPart {
  const wanted = config.seccomp;
  const isLocked = process.noNewPrivileges ?? config.noNewPrivileges ??
    wanted !== undefined;
  const lock: ChildOp[] = isLocked ? [{ op: "privileges.lock" }] : [];
  if (wanted === undefined) return { early: lock, late: [], listener: [] };
  if (filter === undefined) {
    throw refuse(
      "seccomp",
      "Cannot plan the container: its seccomp filter has not been compiled",
    );
  }
  const load = loadOps(filter);
  const listener = filter.notify === undefined
    ? []
    : planListener(wanted, process.listens ?? false);
  return isLocked
    ? { early: lock, late: load, listener }
    : { early: load, late: [], listener };
}

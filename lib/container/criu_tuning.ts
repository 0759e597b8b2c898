/**
 * How CRIU goes about a dump or a restore, where engines ask for something
 * else than what it does by itself.
 *
 * @module
 */
import {
  CGROUP_MODES,
  type CgroupMode,
  type CriuOptions,
} from "../criu/messages.ts";

/** What holds for dump and restore alike. */
interface CommonTuning {
  /** What becomes of the settings of groups; those that are there stay unless given. */
  readonly cgroupMode?: CgroupMode;
  /** Memory that later images hold anew is taken out of earlier ones. */
  readonly autoDedup?: boolean;
  /** File of the host whose settings stand above all others. */
  readonly configFile?: string;
}

/** How CRIU dumps. */
export interface DumpTuning extends CommonTuning {
  /** Descriptor that gets a byte when lazy pages are served; borrowed. */
  readonly statusFd?: number;
  /** Files that have no name any more get one for the time being. */
  readonly linkRemap?: boolean;
  /** TCP connections that are being made are left out. */
  readonly tcpSkipInFlight?: boolean;
}

/** How CRIU restores. */
export interface RestoreTuning extends CommonTuning {
  /** Profile of a security module in place of that of the dump, `TYPE:NAME`. */
  readonly lsmProfile?: string;
  /** Label of mounts in place of that of the dump. */
  readonly lsmMountContext?: string;
}

function commonTuning(
  { cgroupMode, autoDedup, configFile }: CommonTuning,
): Partial<CriuOptions> {
  return {
    ...(cgroupMode && { manageCgroupsMode: CGROUP_MODES[cgroupMode] }),
    ...(autoDedup && { autoDedup }),
    ...(configFile && { configFile }),
  };
}

/**
 * Words the wishes for a dump. Pure.
 *
 * @param tuning The wishes.
 * @returns Options; CRIU opens descriptors by their numbers here.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dumpTuning } from "./criu_tuning.ts";
 *
 * assertEquals(dumpTuning({ statusFd: 9 }), { statusFd: 9 });
 * ```
 */
export function dumpTuning(tuning: DumpTuning): Partial<CriuOptions> {
  const { linkRemap, tcpSkipInFlight, statusFd } = tuning;
  return {
    ...commonTuning(tuning),
    ...(linkRemap && { linkRemap }),
    ...(tcpSkipInFlight && { tcpSkipInFlight }),
    ...(statusFd === undefined ? {} : { statusFd }),
  };
}

/**
 * Words the wishes for a restore. Pure.
 *
 * @param tuning The wishes.
 * @returns Options.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { restoreTuning } from "./criu_tuning.ts";
 *
 * assertEquals(restoreTuning({ cgroupMode: "full" }), { manageCgroupsMode: 4 });
 * ```
 */
export function restoreTuning(tuning: RestoreTuning): Partial<CriuOptions> {
  const { lsmProfile, lsmMountContext } = tuning;
  return {
    ...commonTuning(tuning),
    ...(lsmProfile && { lsmProfile }),
    ...(lsmMountContext && { lsmMountContext }),
  };
}

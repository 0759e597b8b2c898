/**
 * What `--debug` tells of the steps of a container's process, in the words that
 * readers of such logs look for.
 *
 * @module
 */
import type { Config, Seccomp } from "../config/types.ts";
import { SECCOMP_FILTER_FLAGS } from "../config/names/seccomp.ts";
import { parseCpuList } from "../config/cpu_list.ts";
import type { Log } from "./log.ts";

/** Loads for all threads: a process that is about to execute a program has one. */
const TSYNC = "SECCOMP_FILTER_FLAG_TSYNC";

function filterFlags({ flags = [] }: Seccomp): number {
  const bits = new Map<string, number>(Object.entries(SECCOMP_FILTER_FLAGS));
  return flags.filter((name) => name !== TSYNC)
    .reduce((sum, name) => sum | (bits.get(name) ?? 0), 0);
}

function maskOf(list: string): string {
  const cpus = parseCpuList(list) ?? [];
  const mask = cpus.reduce((bits, cpu) => bits | 1n << BigInt(cpu), 0n);
  return `0x${mask.toString(16)}`;
}

/**
 * Tells how a process came into its container.
 *
 * @param log Where; nothing is done unless it takes such lines.
 * @param config The configuration of the process.
 * @param joins Whether the container was there before.
 */
export function logSteps(log: Log, config: Config, joins: boolean): void {
  if (!log.isDebug) return;
  const { seccomp, execCpuAffinity } = config;
  const initial = joins ? execCpuAffinity?.initial : undefined;
  log.debug("nsexec container setup: done");
  if (initial) log.debug(`nsexec: affinity: ${maskOf(initial)}`);
  log.debug("child process in init()");
  if (seccomp) log.debug(`seccomp filter flags: ${filterFlags(seccomp)}`);
  log.debug(
    joins
      ? "setns_init: about to exec"
      : "init: closing the pipe to signal completion",
  );
}

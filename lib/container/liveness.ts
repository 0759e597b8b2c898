/**
 * Whether a recorded process is still the one that was recorded.
 *
 * @module
 */
import { closeFd, openPidfd } from "../../ffi/native.ts";
import { loadText } from "../../ffi/state_files.ts";
import { KernelError } from "../errors.ts";

/** The file has a line of some hundred bytes. */
const STAT_LIMIT_BYTES = 65536;

/** What tells a process from a later one with the same pid. */
export interface ProcessIdentity {
  /** Host pid. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot, as text. */
  readonly startTime: string;
}

interface ProcessStat {
  readonly state: string;
  readonly startTime: string;
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string | undefined;
  try {
    text = loadText(`/proc/${pid}/stat`, STAT_LIMIT_BYTES);
  } catch (error) {
    // It ends while it is read: ESRCH.
    if (!(error instanceof KernelError)) throw error;
  }
  if (text === undefined) return undefined;
  // The command name may hold spaces and parentheses: fields follow the last.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", startTime: fields[19] ?? "" };
}

/**
 * Start time of a process.
 *
 * @param pid Host pid.
 * @returns Clock ticks since boot as text; empty when there is no such process.
 *
 * @example
 * ```ts
 * import { startTimeOf } from "./liveness.ts";
 *
 * if (startTimeOf(Deno.pid) === "") throw new Error("not alive?");
 * ```
 */
export function startTimeOf(pid: number): string {
  return readStat(pid)?.startTime ?? "";
}

/**
 * Whether the recorded process lives; a zombie does not.
 *
 * @param process Recorded pid and start time.
 * @returns True if it is the same process and it is alive.
 *
 * @example
 * ```ts
 * import { isAlive, startTimeOf } from "./liveness.ts";
 *
 * if (!isAlive({ pid: Deno.pid, startTime: startTimeOf(Deno.pid) })) throw new Error();
 * ```
 */
export function isAlive(process: ProcessIdentity): boolean {
  if (process.pid <= 0) return false;
  const stat = readStat(process.pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X" &&
    stat.startTime === process.startTime;
}

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return own ??= { pid: Deno.pid, startTime: startTimeOf(Deno.pid) };
}

/**
 * Opens a pidfd of the recorded process.
 *
 * @param process Recorded pid and start time.
 * @returns The descriptor; undefined when the process is gone or another.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function openProcess(process: ProcessIdentity): number | undefined {
  if (process.pid <= 0) return undefined;
  const pidfd = openPidfd(process.pid);
  if (pidfd === undefined) return undefined;
  // Checked after opening: from here on the pidfd cannot mean another process.
  if (isAlive(process)) return pidfd;
  closeFd(pidfd);
  return undefined;
}

let boot: string | undefined;

/** Id of this boot; pids and start times of another boot mean nothing. */
export function bootId(): string {
  return boot ??= Deno.readTextFileSync("/proc/sys/kernel/random/boot_id")
    .trim();
}

/**
 * What others get of a process that has been made: its terminal, a pidfd, and a
 * file with its pid.
 *
 * @module
 */
import { closeFd, replaceFile } from "../../ffi/native.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";
import { sendDescriptor } from "../../ffi/seccomp_notify.ts";
import { KernelError } from "../errors.ts";
import { SLOTS } from "../plan/ops.ts";

export type { PlanRun };

function send(what: string, path: string, fd: number, text: string): void {
  const failure = sendDescriptor(path, fd, text);
  if (!failure) return;
  const { errno, name, reason } = failure;
  throw new KernelError(
    `Cannot send ${what} to the socket ${path}: ${reason}`,
    {
      errno,
      errnoName: name,
    },
  );
}

/**
 * Sends the outer end of a process's terminal, which is closed here.
 *
 * @param run The execution that made the process.
 * @param path Path of a listening unix stream socket.
 * @throws {KernelError} `SystemError` if nobody takes it.
 */
export function sendTerminal(run: PlanRun, path: string): void {
  const master = run.take(SLOTS.master);
  if (master === undefined) throw new Error("unreachable: no terminal");
  sendMaster(master, path);
}

/**
 * Sends the outer end of a terminal, which is closed here.
 *
 * @param master The end.
 * @param path Path of a listening unix stream socket.
 * @throws {KernelError} `SystemError` if nobody takes it.
 */
export function sendMaster(master: number, path: string): void {
  try {
    send("the terminal", path, master, "/dev/ptmx");
  } finally {
    closeFd(master);
  }
}

/**
 * Sends a pidfd of a process.
 *
 * @param run The execution that made the process.
 * @param path Path of a listening unix stream socket.
 * @throws {KernelError} `SystemError` if nobody takes it.
 */
export function sendPidfd(run: PlanRun, path: string): void {
  send("the pidfd", path, run.pidfd, "pidfd");
}

/**
 * Writes a pid without a newline; readers see the whole file or none.
 *
 * @param path Path of the file.
 * @param pid The pid.
 * @throws {KernelError} `SystemError` if it cannot be written.
 */
export function writePidFile(path: string, pid: number): void {
  const cut = path.lastIndexOf("/");
  const dir = cut < 0 ? "." : path.slice(0, cut) || "/";
  replaceFile(dir, path.slice(cut + 1), new TextEncoder().encode(`${pid}`), {
    mode: 0o644,
  });
}

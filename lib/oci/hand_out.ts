/**
 * What an engine gets of a process that has been made: its terminal, its pidfd
 * and its pid.
 *
 * @module
 */
import {
  sendPidfd,
  sendTerminal,
  writePidFile,
} from "../container/hand_out.ts";
import type { PlanRun } from "../container/hand_out.ts";
import type { Option } from "../cli/command.ts";
import type { Values } from "../cli/values.ts";
import { ConfigError } from "../errors.ts";
import { absolutePath } from "./globals.ts";

/** Options of all commands that make a process. */
export const HAND_OUT_OPTIONS: readonly Option[] = [
  {
    name: "console-socket",
    type: "text",
    metavar: "PATH",
    doc: "unix socket that the terminal is sent to",
  },
  {
    name: "pidfd-socket",
    type: "text",
    metavar: "PATH",
    doc: "unix socket that a pidfd of the process is sent to",
  },
  {
    name: "pid-file",
    type: "text",
    metavar: "FILE",
    doc: "file that the pid is written to",
  },
  {
    name: "preserve-fds",
    type: "integer",
    metavar: "N",
    default: "0",
    doc: "hand N further descriptors on, from 3 on",
  },
];

/**
 * Checks what is asked of a terminal, in the words of the field.
 *
 * @param values The options.
 * @param how Whether the process has a terminal, and whether nobody stays with it.
 * @throws {ConfigError} `ConfigInvalid`.
 */
export function checkTerminal(
  values: Values,
  how: { readonly tty: boolean; readonly detach: boolean },
): void {
  const hasSocket = (values.text("console-socket") ?? "") !== "";
  if (how.detach && how.tty && !hasSocket) {
    throw new ConfigError(
      "cannot allocate tty if runc will detach without setting console socket",
    );
  }
  if ((!how.detach || !how.tty) && hasSocket) {
    throw new ConfigError(
      "cannot use console socket if runc will not detach or allocate tty",
    );
  }
}

/**
 * Hands out what the options name.
 *
 * @param values The options.
 * @param run The execution that made the process.
 * @throws {KernelError} `SystemError` if something cannot be sent or written.
 */
export function handOut(values: Values, run: PlanRun): void {
  const consoleSocket = values.text("console-socket") ?? "";
  if (consoleSocket !== "") sendTerminal(run, absolutePath(consoleSocket));
  const pidfdSocket = values.text("pidfd-socket") ?? "";
  if (pidfdSocket !== "") sendPidfd(run, absolutePath(pidfdSocket));
  const pidFile = values.text("pid-file") ?? "";
  if (pidFile !== "") writePidFile(absolutePath(pidFile), run.pid);
}

/**
 * Completion scripts by the name of the shell.
 *
 * @module
 */
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import type { Completed, ProgramName } from "./model.ts";
import { zshCompletion } from "./zsh.ts";

const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const;

/**
 * Turns the script of nsinit into that of a program beside it: functions,
 * state root and all. Pure.
 */
function rename(script: string, name: ProgramName): string {
  if (name === "nsinit") return script;
  return script.replaceAll("_nsinit", `_${name.replaceAll("-", "_")}`)
    .replace(/(?<![_\w])nsinit(?![\w-])/g, name);
}

/**
 * Renders the completion of a shell.
 *
 * Pure.
 *
 * @param shell Its name.
 * @param program What can be completed.
 * @returns The script.
 */
export function renderCompletion(
  shell: keyof typeof SHELLS,
  program: Completed,
): string {
  return rename(SHELLS[shell](program), program.name);
}

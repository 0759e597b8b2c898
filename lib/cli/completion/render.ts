/**
 * Completion scripts by the name of the shell.
 *
 * @module
 */
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import type { Completed } from "./model.ts";
import { zshCompletion } from "./zsh.ts";

const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const;

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
  return SHELLS[shell](program);
}

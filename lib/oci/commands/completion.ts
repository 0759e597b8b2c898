/**
 * `completion`: prints the completion script of a shell.
 *
 * @module
 */
import { completedProgram } from "../../cli/completion/model.ts";
import { renderCompletion } from "../../cli/completion/render.ts";
import { UsageError } from "../../errors.ts";
import { asCommand } from "../as_command.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { OCI_GLOBAL_OPTIONS } from "../globals.ts";
import { OCI_COMMANDS } from "../registry.ts";

/** Shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/**
 * Renders the script of a shell.
 *
 * @param shell Which.
 * @returns The text.
 */
export async function completionFor(
  shell: typeof SHELLS[number],
): Promise<string> {
  const commands = await Promise.all(
    OCI_COMMANDS.map(async ({ load }) => asCommand((await load()).COMMAND)),
  );
  const program = completedProgram(commands, {
    name: "nsinit-oci",
    options: OCI_GLOBAL_OPTIONS,
    globalsFirst: true,
  });
  return renderCompletion(shell, program);
}

async function completion(
  { args: [name], log }: Invocation,
): Promise<number> {
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined) {
    throw new UsageError(
      `no completion for ${JSON.stringify(name)}; there is one for ${
        SHELLS.join(", ")
      }`,
    );
  }
  log.result(await completionFor(shell));
  return 0;
}

/** Declaration of `completion`. */
export const COMMAND: OciCommand = {
  name: "completion",
  summary: "Print the script by which a shell completes arguments",
  usage: "bash|zsh|fish",
  options: [],
  arity: [1, 1],
  action: completion,
};

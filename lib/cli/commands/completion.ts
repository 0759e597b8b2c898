/**
 * `nsinit completion`: prints the completion script of a shell.
 *
 * @module
 */
import { nearestName } from "../../config/names/nearest.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { COMMANDS, loadEntry } from "../registry.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

type Shell = typeof SHELLS[number];

function shellOf(args: readonly string[]): Shell {
  const [name, more] = args;
  const shell = SHELLS.find((known) => known === name);
  if (shell !== undefined && more === undefined) return shell;
  if (name === undefined) {
    throw new UsageError(`For which shell: ${SHELLS.join(", ")}?`);
  }
  if (more !== undefined) {
    throw new UsageError(
      `completion takes one shell, and ${JSON.stringify(more)} is one more`,
    );
  }
  const near = nearestName(name.slice(0, 64), SHELLS);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new UsageError(
    `No completion for ${JSON.stringify(name.slice(0, 64))}${hint} ` +
      `(there is one for ${SHELLS.join(", ")})`,
  );
}

async function completion({ args, output }: Invocation): Promise<number> {
  const shell = shellOf(args);
  const [{ completedProgram }, { renderCompletion }, commands] = await Promise
    .all([
      import("../completion/model.ts"),
      import("../completion/render.ts"),
      Promise.all(COMMANDS.map(loadEntry)),
    ]);
  await output.result(renderCompletion(shell, completedProgram(commands)));
  return 0;
}

/** Declaration of `completion`. */
export const COMMAND: Command = {
  name: "completion",
  summary: "Print the script by which a shell completes nsinit's arguments",
  usage: "bash|zsh|fish",
  details: [
    "Completes commands, options, their values, ids of containers and names " +
    "of signals. The script asks no program, so that it costs no time.",
  ],
  options: [],
  usesDirectory: false,
  examples: [
    {
      doc: "for every bash from now on",
      line: "nsinit completion bash > " +
        "/usr/share/bash-completion/completions/nsinit",
    },
    {
      doc: "for every zsh",
      line: "nsinit completion zsh > /usr/share/zsh/vendor-completions/_nsinit",
    },
    {
      doc: "for every fish",
      line: "nsinit completion fish > " +
        "/usr/share/fish/vendor_completions.d/nsinit.fish",
    },
  ],
  action: completion,
};

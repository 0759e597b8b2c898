/**
 * The list of commands. A command's module is loaded when it is used.
 *
 * @module
 */
import type { Command } from "./command.ts";

/** A command that is not loaded yet. */
export interface CommandEntry {
  /** Its name. */
  readonly name: string;
  /** Its other names. */
  readonly aliases?: readonly string[];
  /** Module that exports its declaration as `COMMAND`. */
  readonly module: string;
}

/** All commands, in the order of help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "exec", module: "./commands/exec.ts" },
  { name: "config", aliases: ["spec"], module: "./commands/config.ts" },
  { name: "explain", module: "./commands/explain.ts" },
  { name: "list", aliases: ["ls"], module: "./commands/list.ts" },
  { name: "state", module: "./commands/state.ts" },
  { name: "ps", module: "./commands/ps.ts" },
  { name: "pause", module: "./commands/pause.ts" },
  {
    name: "unpause",
    aliases: ["resume"],
    module: "./commands/unpause.ts",
  },
  { name: "kill", module: "./commands/kill.ts" },
  { name: "delete", aliases: ["rm"], module: "./commands/delete.ts" },
  { name: "help", aliases: ["h"], module: "./commands/help.ts" },
];

/** Commands of old versions that are not served, and what to do instead. */
export const FORMER_COMMANDS: Readonly<Record<string, string>> = {
  init: "nsinit starts the first process itself; use `nsinit exec CMD`",
  execin: "use `nsinit exec CMD`, which joins a running container",
  nsenter: "use `nsinit exec CMD` in the container's directory to join it",
};

/**
 * Finds a command.
 *
 * @param name Its name or alias.
 * @returns The entry; `undefined` if there is none.
 */
export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((entry) =>
    entry.name === name || entry.aliases?.includes(name)
  );
}

/**
 * Loads the declaration of a command.
 *
 * Deno reads every module that an `import()` names literally before it runs
 * the first line, used or not: a quarter of the start-up. A name that it
 * cannot see is read when it is asked for; `deno compile` has to be told
 * about such modules by `--include`.
 *
 * @param entry The entry of the list.
 * @returns The declaration.
 */
export async function loadEntry(entry: CommandEntry): Promise<Command> {
  const { COMMAND }: { readonly COMMAND: Command } = await import(entry.module);
  return COMMAND;
}

/**
 * The list of commands. A command's module is loaded when it is used: with
 * `lazy-dynamic-imports` in `deno.json` Deno leaves unread what an `import()`
 * names until it is called. Otherwise it reads all such modules before the first
 * line runs, used or not, which is slower and changes nothing else.
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
  /** Loads the module that declares it. */
  readonly load: () => Promise<{ readonly COMMAND: Command }>;
}

/** All commands, in the order of help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "exec", load: () => import("./commands/exec.ts") },
  {
    name: "config",
    aliases: ["spec"],
    load: () => import("./commands/config.ts"),
  },
  { name: "convert", load: () => import("./commands/convert.ts") },
  { name: "explain", load: () => import("./commands/explain.ts") },
  { name: "list", aliases: ["ls"], load: () => import("./commands/list.ts") },
  { name: "state", load: () => import("./commands/state.ts") },
  { name: "ps", load: () => import("./commands/ps.ts") },
  { name: "stats", load: () => import("./commands/stats.ts") },
  { name: "top", load: () => import("./commands/top.ts") },
  { name: "events", load: () => import("./commands/events.ts") },
  { name: "oom", load: () => import("./commands/oom.ts") },
  { name: "pause", load: () => import("./commands/pause.ts") },
  {
    name: "unpause",
    aliases: ["resume"],
    load: () => import("./commands/unpause.ts"),
  },
  { name: "kill", load: () => import("./commands/kill.ts") },
  { name: "update", load: () => import("./commands/update.ts") },
  { name: "checkpoint", load: () => import("./commands/checkpoint.ts") },
  { name: "restore", load: () => import("./commands/restore.ts") },
  {
    name: "delete",
    aliases: ["rm"],
    load: () => import("./commands/delete.ts"),
  },
  { name: "oci", load: () => import("./commands/oci.ts") },
  { name: "doctor", load: () => import("./commands/doctor.ts") },
  {
    name: "completion",
    load: () => import("./commands/completion.ts"),
  },
  { name: "help", aliases: ["h"], load: () => import("./commands/help.ts") },
];

/** Commands of old versions that are not served, and what to do instead. */
export const FORMER_COMMANDS: Readonly<Record<string, string>> = {
  init: "nsinit starts the first process itself; use `nsinit exec CMD`",
  execin: "use `nsinit exec CMD`, which joins a running container",
  nsenter: "use `nsinit exec CMD` in the container's directory to join it",
};

/** What other programs for containers call the commands; only to suggest them. */
export const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  run: "exec",
  create: "exec",
  start: "exec",
  execute: "exec",
  attach: "exec",
  enter: "exec",
  join: "exec",
  shell: "exec",
  stop: "kill",
  signal: "kill",
  freeze: "pause",
  unfreeze: "unpause",
  thaw: "unpause",
  inspect: "state",
  info: "state",
  status: "state",
  monitor: "events",
  remove: "delete",
  destroy: "delete",
  set: "update",
  check: "doctor",
  features: "oci features",
  version: "--version",
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
 * @param entry The entry of the list.
 * @returns The declaration.
 */
export async function loadEntry(entry: CommandEntry): Promise<Command> {
  return (await entry.load()).COMMAND;
}

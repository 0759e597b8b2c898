/**
 * The commands of the OCI command line. A command's module is loaded when it
 * is used: each is a process of its own, whose start is most of its time.
 *
 * @module
 */
import type { OciCommand } from "./command.ts";

/** A command that is not loaded yet. */
export interface OciCommandEntry {
  /** Its name. */
  readonly name: string;
  /** Loads the module that declares it. */
  readonly load: () => Promise<{ readonly COMMAND: OciCommand }>;
}

/** All commands, in the order of help. */
export const OCI_COMMANDS: readonly OciCommandEntry[] = [
  { name: "create", load: () => import("./commands/create.ts") },
  { name: "start", load: () => import("./commands/start.ts") },
  { name: "run", load: () => import("./commands/run.ts") },
  { name: "exec", load: () => import("./commands/exec.ts") },
  { name: "state", load: () => import("./commands/state.ts") },
  { name: "kill", load: () => import("./commands/kill.ts") },
  { name: "delete", load: () => import("./commands/delete.ts") },
  { name: "list", load: () => import("./commands/list.ts") },
  { name: "ps", load: () => import("./commands/ps.ts") },
  { name: "pause", load: () => import("./commands/pause.ts") },
  { name: "resume", load: () => import("./commands/resume.ts") },
  { name: "update", load: () => import("./commands/update.ts") },
  { name: "events", load: () => import("./commands/events.ts") },
  { name: "checkpoint", load: () => import("./commands/checkpoint.ts") },
  { name: "restore", load: () => import("./commands/restore.ts") },
  { name: "spec", load: () => import("./commands/spec.ts") },
  { name: "features", load: () => import("./commands/features.ts") },
  { name: "completion", load: () => import("./commands/completion.ts") },
];

/**
 * Finds a command.
 *
 * @param name Its name.
 * @returns The entry; `undefined` if there is none.
 */
export function findOciCommand(name: string): OciCommandEntry | undefined {
  return OCI_COMMANDS.find((entry) => entry.name === name);
}

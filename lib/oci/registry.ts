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

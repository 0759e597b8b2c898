/**
 * Commands of the OCI command line as those of nsinit, for what is rendered of
 * both alike: manual page and completion.
 *
 * @module
 */
import type { Command } from "../cli/command.ts";
import type { OciCommand } from "./command.ts";

/**
 * Turns a declaration into one of nsinit's kind, without its action. Pure.
 *
 * @param command The declaration.
 * @returns What there is to say about it.
 */
export function asCommand(command: OciCommand): Command {
  const { name, summary, usage, options, stopEarly } = command;
  return {
    name,
    summary,
    usage,
    options,
    ...stopEarly && { stopEarly },
    usesDirectory: false,
    examples: [],
    action: () => Promise.reject(new TypeError(`${name} is only described`)),
  };
}

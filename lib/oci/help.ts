/**
 * Help of the OCI command line, rendered from the declarations.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import { formatOptions, wrap } from "../cli/help.ts";
import type { OciCommand } from "./command.ts";
import { HELP_OPTION, OCI_GLOBAL_OPTIONS } from "./globals.ts";

const NAME = "nsinit-oci";

function section(title: string, options: readonly Option[]): string {
  return `${title}:\n${formatOptions(options)}`;
}

/**
 * Renders the help of one command.
 *
 * Pure.
 *
 * @param command The declaration.
 * @returns The text.
 */
export function formatOciHelp(command: OciCommand): string {
  const { name, summary, usage, options } = command;
  return [
    `Usage: ${NAME} [global options] ${name} ${usage}`.trimEnd(),
    wrap(`${summary}.`, 0),
    section("Options", [...options, HELP_OPTION]),
  ].join("\n\n");
}

/**
 * Renders the help of the program.
 *
 * Pure.
 *
 * @param commands All commands, in order.
 * @returns The text.
 */
export function formatOciOverview(commands: readonly OciCommand[]): string {
  const lines = commands.map(({ name, summary }) =>
    `  ${name.padEnd(12)}  ${wrap(summary, 16)}`
  );
  return [
    `Usage: ${NAME} [global options] COMMAND [options] [arguments]`,
    "Runs containers of OCI bundles, for container engines.",
    `Commands:\n${lines.join("\n")}`,
    section("Global options", OCI_GLOBAL_OPTIONS),
  ].join("\n\n");
}

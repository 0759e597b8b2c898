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

/** What it is and what it stands in for, as readers of such help find it. */
function title(of: string, what: string): string {
  return `NAME:\n   ${`${NAME} ${of}`.trimEnd()} - in place of ${
    `runc ${of}`.trimEnd()
  } - ${what}`;
}

function section(name: string, options: readonly Option[]): string {
  return `${name}:\n${formatOptions(options)}`;
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
    title(name, summary),
    `Usage: ${NAME} [global options] ${name} ${usage}`.trimEnd(),
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
    title("", "Open Container Initiative runtime"),
    `Usage: ${NAME} [global options] COMMAND [options] [arguments]`,
    "Runs containers of OCI bundles, for container engines.",
    `Commands:\n${lines.join("\n")}`,
    section("Global options", OCI_GLOBAL_OPTIONS),
  ].join("\n\n");
}

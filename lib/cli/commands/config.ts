/**
 * `nsinit config`: writes a configuration.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { CONFIG_FILE_OPTIONS, writeConfig } from "../config_file.ts";
import { SOURCE_OPTIONS } from "../exec_options.ts";
import { findConfig } from "../exec_request.ts";
import { GENERATOR_OPTIONS } from "../generator_options.ts";

async function config(invocation: Invocation): Promise<number> {
  const { values, args, output } = invocation;
  if (args.length > 0) {
    throw new UsageError(
      `config takes no argument ${JSON.stringify(args[0])}: name a ` +
        "configuration to read by --config, and a file to write by --file",
    );
  }
  const source = findConfig(values, output, { expectsEmptyFile: true });
  const made = await source.load();
  if (!source.isTemplate) {
    const { validateConfig } = await import("../../config/validate.ts");
    validateConfig(made);
  }
  await writeConfig(made, values, output);
  return 0;
}

/** Declaration of `config`. */
export const COMMAND: Command = {
  name: "config",
  aliases: ["spec"],
  summary: "Print a configuration: the one of this directory, or the template",
  usage: "[flags]",
  details: [
    "Prints what exec would use: --config, else container.json in the " +
    "container's directory, whatever its age, else the built-in template; " +
    "changed by the flags and written in today's form.",
  ],
  options: [
    ...CONFIG_FILE_OPTIONS,
    ...SOURCE_OPTIONS,
    ...GENERATOR_OPTIONS,
  ],
  usesDirectory: true,
  readsFiles: true,
  examples: [{
    doc: "a configuration to start from",
    line: "nsinit config --hostname web --memory-limit 256m > container.json",
  }],
  action: config,
};

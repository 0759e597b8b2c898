/**
 * `nsinit config`: writes a configuration.
 *
 * @module
 */
import { HostError, UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { SOURCE_OPTIONS } from "../exec_options.ts";
import { findConfig } from "../exec_request.ts";
import { GENERATOR_OPTIONS } from "../generator_options.ts";
import { absolute } from "../globals.ts";
import { describeCause } from "../output.ts";

/** Values of `--file` that mean stdout; the first was the original's default. */
const STDOUT = ["stdout", "-"];

async function writeConfig(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, `${text.trimEnd()}\n`);
  } catch (cause) {
    throw new HostError(
      `Cannot write the configuration to ${path}: ${describeCause(cause)}`,
      { cause },
    );
  }
}

async function config(invocation: Invocation): Promise<number> {
  const { values, args, output } = invocation;
  if (args.length > 0) {
    throw new UsageError(
      `config takes no argument ${JSON.stringify(args[0])}: name a ` +
        "configuration to read by --config, and a file to write by --file",
    );
  }
  const source = await findConfig(values, output, { ignoresEmptyFile: true });
  const [{ formatConfig }, { validateConfig }] = await Promise.all([
    import("../../config/format.ts"),
    import("../../config/validate.ts"),
  ]);
  const made = await source.load();
  validateConfig(made);
  const text = formatConfig(made, "container.json");
  const file = values.text("file") ?? "";
  if (file === "" || STDOUT.includes(file)) await output.result(text);
  else await writeConfig(absolute(file), text);
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
    {
      name: "file",
      short: "f",
      type: "text",
      metavar: "FILE",
      default: "stdout",
      doc: "write to FILE instead of stdout",
    },
    {
      name: "format",
      type: "text",
      metavar: "FORMAT",
      choices: ["container.json"],
      default: "container.json",
      doc: "form of the result: container.json",
    },
    ...SOURCE_OPTIONS,
    ...GENERATOR_OPTIONS,
  ],
  usesDirectory: true,
  examples: [{
    doc: "a configuration to start from",
    line: "nsinit config --hostname web --memory-limit 256m > container.json",
  }],
  action: config,
};

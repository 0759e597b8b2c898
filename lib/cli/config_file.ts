/**
 * Writing a configuration for `config` and `convert`.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { describeCause, HostError } from "../errors.ts";
import type { Option } from "./command.ts";
import { absolute } from "./globals.ts";
import type { Output } from "./output.ts";
import type { Values } from "./values.ts";

/** Values of `--file` that mean stdout; the first was the original's default. */
const STDOUT = ["", "stdout", "-"];

/** Options about where a configuration is written, and in which form. */
export const CONFIG_FILE_OPTIONS: readonly Option[] = [
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
    choices: ["container.json", "oci"],
    default: "container.json",
    doc: "form of the result: container.json, or oci for a config.json",
  },
];

async function writeFile(path: string, text: string): Promise<void> {
  let isNew = false;
  try {
    isNew = await Deno.lstat(path).then(() => false, () => true);
    await Deno.writeTextFile(path, text);
  } catch (cause) {
    // What there is of it is no configuration.
    if (isNew) await Deno.remove(path).catch(() => {});
    throw new HostError(
      `Cannot write the configuration to ${path}: ${describeCause(cause)}`,
      { cause },
    );
  }
}

/**
 * Writes a configuration where, and as, the options say.
 *
 * @param config A checked configuration.
 * @param values Options, declared by `CONFIG_FILE_OPTIONS`.
 * @param output Takes the result, and a warning for each setting that the
 * format cannot carry.
 * @throws {HostError} `HostUnsupported` if the file cannot be written.
 */
export async function writeConfig(
  config: Config,
  values: Values,
  output: Output,
): Promise<void> {
  const { formatConfig } = await import("../config/format.ts");
  const format = values.text("format") === "oci" ? "oci" : "container.json";
  const text = formatConfig(config, format, {
    onWarning: (warning) => output.warn(`as ${format}: ${warning}`),
  });
  const file = values.text("file") ?? "";
  if (STDOUT.includes(file)) await output.result(text);
  else await writeFile(absolute(file), text);
}

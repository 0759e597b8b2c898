/**
 * The option of commands that print a table or JSON.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import type { Values } from "../cli/values.ts";
import { UsageError } from "../errors.ts";

/** `--format table|json`. */
export const FORMAT_OPTION: Option = {
  name: "format",
  short: "f",
  type: "text",
  metavar: "FORMAT",
  default: "table",
  doc: "what is printed: table or json",
};

/**
 * Reads the option.
 *
 * @param values The options of the command.
 * @returns The form.
 * @throws {UsageError} `UsageInvalid` for another word.
 */
export function formatOf(values: Values): "table" | "json" {
  const text = values.text("format");
  if (text === "table" || text === "json") return text;
  throw new UsageError("invalid format option");
}

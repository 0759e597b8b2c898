/**
 * The option by which results are printed as data.
 *
 * @module
 */
import type { Option } from "./command.ts";

/** Table for people, or JSON for programs. */
export const FORMAT_OPTION: Option = {
  name: "format",
  type: "text",
  metavar: "FORMAT",
  choices: ["table", "json"],
  default: "table",
  doc: "form of the result: table or json",
};

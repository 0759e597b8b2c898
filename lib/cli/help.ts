/**
 * Help, rendered from the declarations of commands.
 *
 * @module
 */
import type { Command, Option } from "./command.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";

const WIDTH = 80;
/** Column at which the meaning of an option begins. */
const DOC_COLUMN = 28;

/** Breaks text into lines that fit, each after the first one indented. */
export function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > WIDTH - indent) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

function entry(left: string, doc: string, column: number): string {
  const start = `  ${left}`;
  const pad = " ".repeat(column);
  return start.length + 2 > column
    ? `${start}\n${pad}${wrap(doc, column)}`
    : `${start.padEnd(column)}${wrap(doc, column)}`;
}

function formatValue(
  { type, metavar = "VALUE", optionalValue }: Option,
): string {
  if (type === "boolean") return "";
  return optionalValue ? `[=${metavar}]` : ` ${metavar}`;
}

function formatOption(option: Option): string {
  const { name, short, repeatable } = option;
  const letter = short === undefined ? "    " : `-${short}, `;
  const value = formatValue(option);
  const doc = repeatable ? `${option.doc}; may be repeated` : option.doc;
  return entry(`${letter}--${name}${value}`, doc, DOC_COLUMN);
}

/** Renders options, but for hidden and refused ones, one below the other. */
export function formatOptions(options: readonly Option[]): string {
  return visible(options).map(formatOption).join("\n");
}

function visible(options: readonly Option[]): Option[] {
  return options.filter(({ hidden, refused }) => !hidden && !refused);
}

function formatGroups(options: readonly Option[]): string[] {
  const groups = Map.groupBy(
    visible(options),
    ({ group }) => group ?? "Options",
  );
  return [...groups].map(([title, members]) =>
    `${title}:\n${members.map(formatOption).join("\n")}`
  );
}

function globalOptions(command: Command | undefined): Option[] {
  return visible(GLOBAL_OPTIONS).filter(({ name }) =>
    name !== "data-path" || (command?.usesDirectory ?? true)
  );
}

/**
 * Renders the help of one command.
 *
 * Pure.
 *
 * @param command The declaration.
 * @returns The text.
 */
export function formatHelp(command: Command): string {
  const { name, aliases, summary, usage, details, examples } = command;
  const names = aliases && aliases.length > 0
    ? [`Also called: ${aliases.join(", ")}`]
    : [];
  const shown = examples.map(({ doc, line }) => `  # ${doc}\n  ${line}`);
  return [
    `Usage: nsinit [global options] ${name} ${usage}`.trimEnd(),
    wrap(`${summary}.`, 0),
    ...(details ?? []).map((paragraph) => wrap(paragraph, 0)),
    ...names,
    ...formatGroups(command.options),
    `Global options:\n${globalOptions(command).map(formatOption).join("\n")}`,
    ...(shown.length > 0 ? [`Examples:\n${shown.join("\n\n")}`] : []),
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
export function formatOverview(commands: readonly Command[]): string {
  const lines = commands.map(({ name, aliases, summary }) =>
    entry([name, ...aliases ?? []].join(", "), summary, 18)
  );
  return [
    "Usage: nsinit [global options] COMMAND [options] [arguments]",
    "Runs programs in containers described by a container.json.",
    `Commands:\n${lines.join("\n")}`,
    `Global options:\n${globalOptions(undefined).map(formatOption).join("\n")}`,
    "nsinit help COMMAND tells more about a command.",
    wrap(
      "Exit status of exec: the program's; 128 + N if signal N killed it; 127 " +
        "if it was not found, 126 if it could not be executed; 125 if nsinit " +
        "failed; 2 if it was used wrongly.",
      0,
    ),
  ].join("\n\n");
}

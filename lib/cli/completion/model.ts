/**
 * What a shell can complete, from the declarations of the commands.
 *
 * @module
 */
import { SIGNAL_NAMES } from "../../config/names/signals.ts";
import type { Command, Option } from "../command.ts";
import { GLOBAL_OPTIONS } from "../globals.ts";

/** Where the words come from that a shell offers. */
export type Source =
  | { readonly kind: "nothing" | "files" | "directories" | "ids" | "programs" }
  | { readonly kind: "words"; readonly words: readonly string[] };

/** An option, as a shell sees it. */
export interface CompletedOption {
  /** Its declaration. */
  readonly option: Option;
  /** All that may be typed: `--name`, its aliases, `-n`. */
  readonly spellings: readonly string[];
  /** What its value is; absent for an option that takes none. */
  readonly value?: Source;
  /** Whether the value, if any, stands behind `=` alone. */
  readonly isOptional: boolean;
}

/** A command, as a shell sees it. */
export interface CompletedCommand {
  /** Its declaration. */
  readonly command: Command;
  /** Its name and its other names. */
  readonly names: readonly string[];
  /** Its own options. */
  readonly options: readonly CompletedOption[];
  /** What its arguments are, in order. */
  readonly positionals: readonly Source[];
  /** What may follow them, as often as one likes. */
  readonly rest?: Source;
}

/** Programs with commands. */
export type ProgramName = "nsinit" | "nsinit-oci";

/** What is common to all commands of a program. */
export interface ProgramFrame {
  /** Its name. */
  readonly name: ProgramName;
  /** Its global options. */
  readonly options: readonly Option[];
  /** Whether they stand before the command alone. */
  readonly globalsFirst: boolean;
}

const NSINIT: ProgramFrame = {
  name: "nsinit",
  options: GLOBAL_OPTIONS,
  globalsFirst: false,
};

/** A program, as a shell sees it. */
export interface Completed {
  /** Its name. */
  readonly name: ProgramName;
  /** Whether global options stand before the command alone. */
  readonly globalsFirst: boolean;
  /** Global options. */
  readonly options: readonly CompletedOption[];
  /** All commands. */
  readonly commands: readonly CompletedCommand[];
}

const NOTHING: Source = { kind: "nothing" };

/** The names of values in help say what they are. */
const SOURCES: Readonly<Record<string, Source>> = {
  ID: { kind: "ids" },
  FILE: { kind: "files" },
  PATH: { kind: "files" },
  SRC: { kind: "files" },
  DEV: { kind: "files" },
  DIR: { kind: "directories" },
  CMD: { kind: "programs" },
  SIGNAL: { kind: "words", words: SIGNAL_NAMES },
};

/** The source of a value called e.g. `DIR`, `SRC:DST[:ro|rw]` or `host|private|PATH`. */
function sourceOf(metavar: string): Source {
  const alternatives = metavar.split("|");
  const words = alternatives.filter((word) => /^[a-z0-9]+$/.test(word));
  // Words and a path: the words are what nobody remembers.
  if (alternatives.length > 1 && words.length > 0) {
    return { kind: "words", words };
  }
  return SOURCES[/^[A-Z]+/.exec(metavar)?.[0] ?? ""] ?? NOTHING;
}

function completeOption(option: Option): CompletedOption {
  const { name, aliases = [], short, type, choices, metavar = "" } = option;
  const spellings = [
    `--${name}`,
    ...aliases.map((alias) => `--${alias}`),
    ...(short === undefined ? [] : [`-${short}`]),
  ];
  const common = {
    option,
    spellings,
    isOptional: option.optionalValue ?? false,
  };
  if (type === "boolean") return common;
  const value: Source = choices
    ? { kind: "words", words: choices }
    : sourceOf(metavar);
  return { ...common, value };
}

function completeOptions(options: readonly Option[]): CompletedOption[] {
  return options.filter(({ hidden, refused }) => !hidden && !refused)
    .map(completeOption);
}

/** Arguments by their names in the usage, e.g. `[--id ID | ID]` or `[ID [SIGNAL]]`. */
function argumentsOf(
  { name, usage, stopEarly }: Command,
  commands: readonly string[],
): Pick<CompletedCommand, "positionals" | "rest"> {
  const words = usage.replace(/--[a-z-]+ [A-Z]+ \|/g, "")
    .match(/\b(?:[A-Z]{2,}|[a-z]+(?:\|[a-z]+)+)\b(?:\.\.\.)?/g) ?? [];
  const sources = words.map((word): Source =>
    name === "help" && word === "COMMAND"
      ? { kind: "words", words: commands }
      : sourceOf(word)
  );
  const last = sources.at(-1);
  const goesOn = words.at(-1)?.endsWith("...") === true;
  if (!goesOn || last === undefined) return { positionals: sources };
  // What is run gets files as its arguments, most of the time.
  const rest: Source = stopEarly ? { kind: "files" } : last;
  return { positionals: sources.slice(0, -1), rest };
}

/**
 * Derives what can be completed.
 *
 * Pure.
 *
 * @param commands The declarations.
 * @param frame Name and global options; those of nsinit unless given.
 * @returns Commands and options that are not hidden, with what their values are.
 */
export function completedProgram(
  commands: readonly Command[],
  frame: ProgramFrame = NSINIT,
): Completed {
  const names = commands.map(({ name }) => name);
  return {
    name: frame.name,
    globalsFirst: frame.globalsFirst,
    options: completeOptions(frame.options),
    commands: commands.map((command) => ({
      command,
      names: [command.name, ...command.aliases ?? []],
      options: completeOptions(command.options),
      ...argumentsOf(command, names),
    })),
  };
}

/**
 * How a command of the program is declared: parsing, help and completion are
 * all rendered from these declarations.
 *
 * @module
 */
import type { Output } from "./output.ts";
import type { Values } from "./values.ts";

/** Kinds of value that an option takes; `boolean` takes none. */
export type OptionType = "boolean" | "text" | "integer" | "size";

/** One option of a command. */
export interface Option {
  /** Long name without dashes, e.g. `data-path`. */
  readonly name: string;
  /** One letter, e.g. `t` for `-t`. */
  readonly short?: string;
  /** Other long names. */
  readonly aliases?: readonly string[];
  /** What value it takes. */
  readonly type: OptionType;
  /** Whether the value may be left out: then it is given by `=` alone, and empty without. */
  readonly optionalValue?: boolean;
  /** Name of the value in help, e.g. `DIR`. */
  readonly metavar?: string;
  /** What it does: one sentence without a full stop. */
  readonly doc: string;
  /** Whether each use adds a value; otherwise the last one counts. */
  readonly repeatable?: boolean;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  /** Value when it is not given. */
  readonly default?: string;
  /** Environment variable that gives the value when the option does not. */
  readonly env?: string;
  /** Left out of help: kept for command lines of old versions. */
  readonly hidden?: boolean;
  /** Why it is refused: an option of old versions that cannot be served. */
  readonly refused?: string;
  /** Heading of help that it stands under. */
  readonly group?: string;
}

/** A command line that shows how a command is used. */
export interface Example {
  /** What it does. */
  readonly doc: string;
  /** What to type. */
  readonly line: string;
}

/** One use of a command. */
export interface Invocation {
  /** Options, global ones included. */
  readonly values: Values;
  /** The whole command line, without the program's name. */
  readonly line: readonly string[];
  /** What is left after the options. */
  readonly args: readonly string[];
  /** Where results, warnings and debug lines go. */
  readonly output: Output;
}

/** Declaration of a command. */
export interface Command {
  /** Its name. */
  readonly name: string;
  /** Its other names. */
  readonly aliases?: readonly string[];
  /** What it does: one line without a full stop. */
  readonly summary: string;
  /** What follows the name, e.g. `[flags] CMD [ARGS...]`. */
  readonly usage: string;
  /** More about it, as paragraphs. */
  readonly details?: readonly string[];
  /** Its own options. */
  readonly options: readonly Option[];
  /** Turns what other programs of its name take into what it takes. */
  readonly translate?: (args: readonly string[]) => readonly string[];
  /** Whether its options end at the first argument that is none. */
  readonly stopEarly?: boolean;
  /** Whether it concerns the container of a directory, so that `--data-path` has a meaning. */
  readonly usesDirectory: boolean;
  /** Whether words of its command line name files that it reads. */
  readonly readsFiles?: boolean;
  /** How it is used. */
  readonly examples: readonly Example[];
  /** Does the work; returns the exit status. */
  readonly action: (invocation: Invocation) => Promise<number>;
}

/**
 * How a command of the OCI command line is declared.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import type { Values } from "../cli/values.ts";
import type { Log } from "./log.ts";

/** One use of a command. */
export interface Invocation {
  /** Options of the command. */
  readonly values: Values;
  /** Options that stand before the command. */
  readonly globals: Values;
  /** What is left after the options; as many as the declaration wants. */
  readonly args: readonly string[];
  /** Directory of all states, absolute. */
  readonly stateRoot: string;
  /** Where results, warnings and debug lines go. */
  readonly log: Log;
}

/** Declaration of a command. */
export interface OciCommand {
  /** Its name. */
  readonly name: string;
  /** What it does: one line without a full stop. */
  readonly summary: string;
  /** What follows the name, e.g. `[options] ID`. */
  readonly usage: string;
  /** Its own options; `--help` is added. */
  readonly options: readonly Option[];
  /** How many arguments it takes: at least, and at most. */
  readonly arity: readonly [least: number, most: number];
  /** Whether its options end at the first argument that is none. */
  readonly stopEarly?: boolean;
  /** Exit status of a failure that is no wrong usage; 1 unless given. */
  readonly failure?: number;
  /** Put in front of what a failure says, e.g. `exec failed: `. */
  readonly prefix?: string;
  /** Does the work; returns the exit status. */
  readonly action: (invocation: Invocation) => Promise<number>;
}

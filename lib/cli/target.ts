/**
 * Which container a command is about.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import type { Invocation } from "./command.ts";
import { directoryOf, stateRootOf } from "./globals.ts";

/** A container that a command is about. */
export interface Target {
  /** Directory of all states. */
  readonly stateRoot: string;
  /** The container's id. */
  readonly id: string;
  /** Arguments behind the id. */
  readonly rest: readonly string[];
}

/**
 * Finds the container: `--id`, else the first argument, else the one of the
 * container's directory.
 *
 * @param invocation Options and arguments.
 * @param maxRest How many arguments may follow the id.
 * @returns The target.
 * @throws {UsageError} `UsageInvalid` if there are too many arguments.
 */
export async function findTarget(
  invocation: Invocation,
  maxRest = 0,
): Promise<Target> {
  const { values, args } = invocation;
  const given = values.text("id") ?? args[0];
  const rest = args.slice(values.has("id") ? 0 : 1);
  if (rest.length > maxRest) {
    const shown = JSON.stringify(rest[maxRest]);
    throw new UsageError(`Too many arguments: ${shown} is one more than taken`);
  }
  const { checkId, deriveId } = await import("../container/identity.ts");
  const id = given === undefined
    ? await deriveId(directoryOf(values))
    : checkId(given);
  return { stateRoot: stateRootOf(values), id, rest };
}

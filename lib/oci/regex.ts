/**
 * Commands on all containers whose id matches, as crun has them.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import { UsageError } from "../errors.ts";

/** The option by which ID is a regular expression. */
export const REGEX_OPTION: Option = {
  name: "regex",
  short: "r",
  type: "boolean",
  doc: "ID is a regular expression: all containers that match are meant",
};

function compile(text: string | undefined): RegExp {
  try {
    return new RegExp(text ?? "");
  } catch (cause) {
    throw new UsageError(`invalid regular expression ${text}`, { cause });
  }
}

/**
 * Finds the ids that match.
 *
 * @param stateRoot Directory of all states.
 * @param text The regular expression, which may match any part of an id.
 * @returns The ids, in order.
 * @throws {UsageError} `UsageInvalid` if it is none.
 */
export async function matchingIds(
  stateRoot: string,
  text: string | undefined,
): Promise<string[]> {
  const wanted = compile(text);
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(stateRoot)) {
      if (isDirectory && wanted.test(name)) found.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/**
 * Which container a command is about.
 *
 * @module
 */
import { NsinitError, StateError, UsageError } from "../errors.ts";
import type { Invocation } from "./command.ts";
import { checkDirectory, directoryOf, stateRootOf } from "./globals.ts";

/** A container that a command is about. */
export interface Target {
  /** Directory of all states. */
  readonly stateRoot: string;
  /** The container's id. */
  readonly id: string;
  /** Arguments behind the id. */
  readonly rest: readonly string[];
}

/** Says which directory was meant, since nobody typed the id. */
async function nameDirectory(
  error: unknown,
  target: Target,
  directory: string,
): Promise<never> {
  // One with a cause is there, but something keeps us from it.
  const isMissing = error instanceof NsinitError && error.cause === undefined &&
    (error.code === "ContainerNotExists" ||
      error.code === "ContainerNotRunning");
  if (!isMissing) throw error;
  const { stateRoot, id } = target;
  const { idsIn } = await import("./missing_target.ts");
  const [other] = (await idsIn(stateRoot, directory))
    .filter((each) => each !== id);
  throw new StateError(
    error.code === "ContainerNotRunning" ? error.code : "ContainerNotExists",
    other === undefined
      ? `No container of ${directory} runs: go to its directory, or name it by ` +
        "--id (nsinit list shows those that run)"
      : `No container of ${directory} has the id of its directory: ` +
        `name the one that was meant, e.g. --id ${other}`,
    { cause: error, context: { id, directory, stateRoot } },
  );
}

/**
 * Does something with the container that is meant: `--id`, else the first
 * argument, else the one of the container's directory.
 *
 * @param invocation Options and arguments.
 * @param maxRest How many arguments may follow the id.
 * @param act What to do.
 * @throws {UsageError} `UsageInvalid` if there are too many arguments.
 * @throws {StateError} `ContainerNotExists` or what `act` throws.
 */
export async function withTarget(
  invocation: Invocation,
  maxRest: number,
  act: (target: Target) => Promise<void>,
): Promise<void> {
  const { values, args } = invocation;
  const given = values.text("id") ?? args[0];
  const rest = args.slice(values.has("id") ? 0 : 1);
  if (rest.length > maxRest) {
    const shown = JSON.stringify(rest[maxRest]);
    throw new UsageError(`Too many arguments: ${shown} is one more than taken`);
  }
  const { checkId, deriveId } = await import("../container/identity.ts");
  const stateRoot = stateRootOf(values);
  if (given !== undefined) {
    const target = { stateRoot, id: checkId(given), rest };
    try {
      return await act(target);
    } catch (error) {
      const { explainMissing } = await import("./missing_target.ts");
      throw await explainMissing(error, stateRoot, target.id);
    }
  }
  const directory = directoryOf(values);
  checkDirectory(directory);
  const target = { stateRoot, id: await deriveId(directory), rest };
  try {
    await act(target);
  } catch (error) {
    await nameDirectory(error, target, directory);
  }
}

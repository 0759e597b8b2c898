/**
 * From arguments to an exit status.
 *
 * @module
 */
import { nearestName } from "../config/names/nearest.ts";
import { UsageError } from "../errors.ts";
import type { Command } from "./command.ts";
import { GLOBAL_OPTIONS, outputOptions, stateRootOf } from "./globals.ts";
import { Output } from "./output.ts";
import { parseArgs } from "./parse_args.ts";
import {
  COMMANDS,
  findCommand,
  FOREIGN_WORDS,
  FORMER_COMMANDS,
  loadEntry,
} from "./registry.ts";
import { Values } from "./values.ts";
import { VERSION } from "./version.ts";

function environment(name: string): string | undefined {
  return Deno.env.get(name);
}

function valuesOf(
  command: Command | undefined,
  ...given: ReadonlyMap<string, readonly string[]>[]
): Values {
  const options = [...GLOBAL_OPTIONS, ...command?.options ?? []];
  const all = new Map(given.flatMap((map) => [...map]));
  return new Values(options, all, environment);
}

/**
 * Loads a command by its name.
 *
 * @param name Name or alias.
 * @returns The declaration.
 * @throws {UsageError} `UsageInvalid` if there is none, with the nearest name.
 */
export async function loadCommand(name: string): Promise<Command> {
  const entry = findCommand(name);
  if (entry) return await loadEntry(entry);
  const former = Object.hasOwn(FORMER_COMMANDS, name)
    ? FORMER_COMMANDS[name]
    : undefined;
  if (former) {
    throw new UsageError(`${name} was an internal command: ${former}`);
  }
  const names = COMMANDS.flatMap(({ name, aliases }) => [
    name,
    ...aliases ?? [],
  ]);
  // Nobody who mistypes a word means a letter.
  const words = names.filter((known) => known.length > 1);
  const near = Object.hasOwn(FOREIGN_WORDS, name)
    ? FOREIGN_WORDS[name]
    : nearestName(name.slice(0, 64), words);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new UsageError(
    `Unknown command ${JSON.stringify(name.slice(0, 200))}${hint} ` +
      "(nsinit --help lists them)",
  );
}

/**
 * Renders help.
 *
 * @param name A command; the program's overview without one.
 * @returns The text.
 * @throws {UsageError} `UsageInvalid` if there is no such command.
 */
export async function helpFor(name: string | undefined): Promise<string> {
  const { formatHelp, formatOverview } = await import("./help.ts");
  if (name !== undefined) return formatHelp(await loadCommand(name));
  return formatOverview(await Promise.all(COMMANDS.map(loadEntry)));
}

async function printVersion(output: Output): Promise<number> {
  await output.result(`nsinit ${VERSION}`);
  return 0;
}

/** Logs what goes wrong beside a command that succeeds; the name stands in lib/container/warnings.ts. */
function logWarnings(output: Output): void {
  addEventListener("nsinit:warning", (event) => {
    if (event instanceof CustomEvent) output.warn(event.detail.message);
  });
}

/** How lines on stderr are to be written, as far as that is seen before the options are read: one of them may be wrong. */
function formatAsked(args: readonly string[]): "text" | "json" {
  const at = args.findIndex((word) => /^--?log-format(=|$)/.test(word));
  const asked = at < 0 ? "" : `${args[at]} ${args[at + 1]}`;
  return /^--?log-format[ =]json( |$)/.test(asked) ? "json" : "text";
}

/** Another command line, which takes all that follows its name. */
export type OtherMain = (args: readonly string[]) => Promise<number>;

/**
 * Runs one command line. Errors are printed, not thrown.
 *
 * @param args The arguments without the program's name.
 * @param oci Loads the command line `nsinit oci`; it takes the global options as well.
 * @returns The exit status.
 */
export async function main(
  args: readonly string[],
  oci?: () => Promise<{ readonly main: OtherMain }>,
): Promise<number> {
  let output = new Output({ format: formatAsked(args), debug: false });
  try {
    const before = parseArgs(args, GLOBAL_OPTIONS, {
      stopEarly: true,
      command: "",
    });
    if (oci && before.rest[0] === "oci") {
      const globals = args.slice(0, args.length - before.rest.length);
      return await (await oci()).main([...globals, ...before.rest.slice(1)]);
    }
    let values = valuesOf(undefined, before.given);
    output = new Output(outputOptions(values));

    const [name, ...rest] = before.rest;
    if (values.flag("version")) return await printVersion(output);
    if (name === undefined) {
      await output.result(await helpFor(undefined));
      return 0;
    }

    const command = await loadCommand(name);
    const words = command.translate?.(rest) ?? rest;
    const after = parseArgs(words, [...GLOBAL_OPTIONS, ...command.options], {
      stopEarly: command.stopEarly ?? false,
      command: command.name,
    });
    values = valuesOf(command, before.given, after.given);
    output = new Output(outputOptions(values));
    if (values.flag("version")) return await printVersion(output);
    if (values.flag("help")) {
      await output.result(await helpFor(name));
      return 0;
    }
    if (values.has("data-path") && !command.usesDirectory) {
      throw new UsageError(
        `${command.name} is not about the container of a directory: leave ` +
          "--data-path (or -root, its first name) out; --root is the " +
          "directory of all states",
      );
    }
    logWarnings(output);
    if (values.flag("debug")) {
      // Not the arguments: those of exec may hold secrets.
      const states = stateRootOf(values);
      output.debug(
        `nsinit ${VERSION}: ${command.name} as user ${Deno.uid()}, states in ${states}`,
      );
    }
    return await command.action({
      values,
      line: args,
      args: after.rest,
      output,
    });
  } catch (error) {
    return output.fail(error);
  }
}

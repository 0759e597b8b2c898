/**
 * The short way of commands that only read: for a file of the bundle that holds
 * one command and nothing that is needed seldom (`tasks/quick.ts`). Whatever is
 * not as usual (an error, a warning, `--debug`, a module that is not in the
 * file) is left to the whole program, which begins anew: so nothing is printed
 * until all has gone well.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { GLOBAL_OPTIONS } from "../globals.ts";
import { escapeLines, formatLine, Output } from "../output.ts";
import { hasLeft, leaveQuickWay } from "./leave.ts";
import { parseArgs } from "../parse_args.ts";
import { Values } from "../values.ts";

/** Global options whose work the whole program does, by their values when they are left out. */
const USUAL = {
  debug: "",
  help: "",
  log: "",
  "log-format": "text",
  version: "",
  console: "",
};
/** What cannot be read twice may be given as a file. */
const READ_ONCE = /^-$|^\/(dev|proc)\//;

/** Keeps results until the command has ended well. */
class KeptOutput extends Output {
  text = "";
  warnings = "";

  constructor() {
    super({ format: "text", debug: false });
  }

  override result(text: string): Promise<void> {
    return this.styled(escapeLines(text));
  }

  override styled(text: string): Promise<void> {
    this.text += text.endsWith("\n") ? text : `${text}\n`;
    return Promise.resolve();
  }

  override warn(message: string): void {
    const how = { format: "text", time: new Date() } as const;
    this.warnings += formatLine("warning", message, how);
  }

  override fail(): never {
    return leaveQuickWay();
  }
}

/** A word that names a pipe or the like, alone or as the value of an option. */
function mayBeReadOnce(word: string): boolean {
  const path = word.slice(word.startsWith("-") ? word.indexOf("=") + 1 : 0);
  if (READ_ONCE.test(path)) return true;
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return !isFile && !isDirectory;
  } catch {
    return false; // the command finds out what there is not
  }
}

async function act(
  command: Command,
  line: readonly string[],
  output: KeptOutput,
): Promise<number> {
  const before = parseArgs(line, GLOBAL_OPTIONS, {
    stopEarly: true,
    command: "",
  });
  const [name = "", ...rest] = before.rest;
  if (name !== command.name && !command.aliases?.includes(name)) {
    return leaveQuickWay();
  }
  const options = [...GLOBAL_OPTIONS, ...command.options];
  const after = parseArgs(command.translate?.(rest) ?? rest, options, {
    stopEarly: command.stopEarly ?? false,
    command: name,
  });
  const given = new Map([...before.given, ...after.given]);
  const values = new Values(options, given, (name) => Deno.env.get(name));
  for (const [option, usual] of Object.entries(USUAL)) {
    if ((values.text(option) ?? "") !== usual) leaveQuickWay();
  }
  if (values.has("data-path") && !command.usesDirectory) leaveQuickWay();
  if (command.readsFiles && rest.some(mayBeReadOnce)) leaveQuickWay();
  return await command.action({ values, line, args: after.rest, output });
}

function writeAll(file: typeof Deno.stdout, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
}

/** Whether all of it was written, or its reader has gone, which is no error. */
function print({ text, warnings }: KeptOutput): boolean {
  try {
    if (warnings !== "") writeAll(Deno.stderr, warnings);
  } catch {
    // A closed stderr leaves no place to say so.
  }
  try {
    writeAll(Deno.stdout, text);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.BrokenPipe;
  }
}

/**
 * Runs a command if that can be done the short way.
 *
 * @param command The command of the file.
 * @param line The command line, without the program's name.
 * @returns The exit status; `undefined` when the whole program has to do it.
 *
 * @example
 * ```ts ignore
 * Deno.exit(await runQuickly(COMMAND, Deno.args) ?? await run());
 * ```
 */
export async function runQuickly(
  command: Command,
  line: readonly string[],
): Promise<number | undefined> {
  const output = new KeptOutput();
  try {
    const status = await act(command, line, output);
    return !hasLeft() && print(output) ? status : undefined;
  } catch {
    return undefined; // the whole program meets it again, and words it
  }
}

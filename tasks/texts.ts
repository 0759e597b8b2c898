/**
 * What the program says to command lines whose answer never changes: help, its
 * version, completions, the features for engines. The launcher of the bundle prints them without Deno.
 *
 * @module
 */
import { join } from "@std/path";
import { completedProgram } from "../lib/cli/completion/model.ts";
import { renderCompletion } from "../lib/cli/completion/render.ts";
import { helpFor } from "../lib/cli/main.ts";
import { COMMANDS, loadEntry } from "../lib/cli/registry.ts";
import { VERSION } from "../lib/cli/version.ts";
import { completionFor, SHELLS } from "../lib/oci/commands/completion.ts";
import { featuresText } from "../lib/oci/commands/features.ts";
import { helpOf, overview, versionText } from "../lib/oci/main.ts";
import { OCI_COMMANDS } from "../lib/oci/registry.ts";

/** Folders of the texts of each program, in that of the bundle. */
export const TEXT_FOLDERS: Readonly<Record<"nsinit" | "nsinit-oci", string>> = {
  "nsinit": "text",
  "nsinit-oci": "text-oci",
};

/** Answers by command line, whose words are joined by spaces. */
export type Texts = ReadonlyMap<string, string>;

/** How the help of a command is asked for. */
function helpLines(command: string): string[] {
  return [`help ${command}`, `${command} --help`, `${command} -h`];
}

/** Answers of `nsinit`. */
export async function programTexts(): Promise<Texts> {
  const texts = new Map<string, string>();
  const overview = await helpFor(undefined);
  for (const line of ["", "help", "--help", "-h"]) texts.set(line, overview);
  for (const line of ["--version", "-v"]) texts.set(line, `nsinit ${VERSION}`);
  for (const { name, aliases = [] } of COMMANDS) {
    const help = await helpFor(name);
    // What follows `oci` is another command line's.
    const lines = name === "oci"
      ? [`help ${name}`]
      : [name, ...aliases].flatMap(helpLines);
    for (const line of lines) texts.set(line, help);
  }
  const program = completedProgram(await Promise.all(COMMANDS.map(loadEntry)));
  for (const shell of ["bash", "zsh", "fish"] as const) {
    texts.set(`completion ${shell}`, renderCompletion(shell, program));
  }
  return texts;
}

/** Answers of `nsinit-oci`, and of `nsinit oci`. */
export async function ociTexts(): Promise<Texts> {
  const texts = new Map([["features", featuresText()]]);
  const all = await overview();
  for (const line of ["", "help", "--help", "-h"]) texts.set(line, all);
  for (const line of ["--version", "-v"]) texts.set(line, versionText());
  for (const shell of SHELLS) {
    texts.set(`completion ${shell}`, await completionFor(shell));
  }
  for (const { name, load } of OCI_COMMANDS) {
    const help = await helpOf((await load()).COMMAND);
    for (const line of helpLines(name)) texts.set(line, help);
  }
  return texts;
}

/**
 * Writes the texts of all programs, each into a file named by its words.
 *
 * @param folder The bundle's.
 */
export async function writeTexts(folder: string): Promise<void> {
  const all = {
    "nsinit": await programTexts(),
    "nsinit-oci": await ociTexts(),
  };
  for (const [program, name] of Object.entries(TEXT_FOLDERS)) {
    await Deno.mkdir(join(folder, name));
    const texts = all[program as keyof typeof all];
    for (const [line, text] of texts) {
      await Deno.writeTextFile(
        join(folder, name, `${line.replaceAll(" ", ".")}.txt`),
        text.endsWith("\n") ? text : `${text}\n`,
      );
    }
  }
}

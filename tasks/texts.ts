/**
 * What the program says to command lines whose answer never changes: help, its
 * version, completions. The launcher of the bundle prints them without Deno.
 *
 * @module
 */
import { join } from "@std/path";
import { completedProgram } from "../lib/cli/completion/model.ts";
import { renderCompletion } from "../lib/cli/completion/render.ts";
import { helpFor } from "../lib/cli/main.ts";
import { COMMANDS, loadEntry } from "../lib/cli/registry.ts";
import { VERSION } from "../lib/cli/version.ts";
import { versionText } from "../lib/oci/main.ts";

/** Folders of the texts of each program, in that of the bundle. */
export const TEXT_FOLDERS: Readonly<Record<"nsinit" | "nsinit-oci", string>> = {
  "nsinit": "text",
  "nsinit-oci": "text-oci",
};

/** Answers by command line, whose words are joined by spaces. */
export type Texts = ReadonlyMap<string, string>;

/** Answers of `nsinit`. */
export async function programTexts(): Promise<Texts> {
  const texts = new Map<string, string>();
  const overview = await helpFor(undefined);
  for (const line of ["", "help", "--help", "-h"]) texts.set(line, overview);
  for (const line of ["--version", "-v"]) texts.set(line, `nsinit ${VERSION}`);
  for (const { name } of COMMANDS) {
    const help = await helpFor(name);
    texts.set(`help ${name}`, help);
    texts.set(`${name} --help`, help);
  }
  const program = completedProgram(await Promise.all(COMMANDS.map(loadEntry)));
  for (const shell of ["bash", "zsh", "fish"] as const) {
    texts.set(`completion ${shell}`, renderCompletion(shell, program));
  }
  return texts;
}

/** Answers of `nsinit-oci`. */
export function ociTexts(): Texts {
  const lines = ["--version", "-v"];
  return new Map(lines.map((line) => [line, versionText()]));
}

/**
 * Writes the texts of all programs, each into a file named by its words.
 *
 * @param folder The bundle's.
 */
export async function writeTexts(folder: string): Promise<void> {
  const all = {
    "nsinit": await programTexts(),
    "nsinit-oci": ociTexts(),
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

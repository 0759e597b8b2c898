/**
 * The programs in a guide: TypeScript blocks of a Markdown file.
 *
 * @module
 */
import { toFileUrl } from "@std/path";
import { REPOSITORY } from "./nsinit.ts";

/** A program of a guide. */
export interface GuideProgram {
  /** Its section, and its number when the section has several. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
  /** Whether it is run, and not only checked. */
  readonly isRun: boolean;
  /** Lines that it prints, in order: what stands behind `console.log(...); //`. */
  readonly output: readonly string[];
}

const BLOCK = /^```(\S+) ?(.*)\n([\s\S]*?)^```$/gm;
const PRINTED = /^\s*console\.log\(.*\); \/\/ (.*)$/gm;

function programOf(name: string, text: string, isRun: boolean): GuideProgram {
  const output = [...text.matchAll(PRINTED)].map(([, line = ""]) => line);
  const library = toFileUrl(`${REPOSITORY}/mod.ts`).href;
  return { name, text: text.replaceAll("../mod.ts", library), isRun, output };
}

/**
 * Finds the programs: the `ts` blocks of a section are one, each block marked
 * `ts check` is one of its own that is only checked.
 *
 * @param path Path of the guide, below the checkout.
 * @returns The programs in order.
 * @throws {Error} For a block of another kind.
 */
export async function readGuide(path: string): Promise<GuideProgram[]> {
  const guide = await Deno.readTextFile(`${REPOSITORY}/${path}`);
  const programs: GuideProgram[] = [];
  for (const section of guide.split(/^## /m)) {
    const [title = ""] = section.split("\n");
    const run: string[] = [];
    for (const [, language, mark, text = ""] of section.matchAll(BLOCK)) {
      if (language !== "ts" || !["", "check"].includes(mark ?? "")) {
        throw new Error(`${path}: ${title}: a block of "${language} ${mark}"`);
      }
      if (mark === "") run.push(text);
      else programs.push(programOf(`${title}, unrun`, text, false));
    }
    if (run.length > 0) programs.push(programOf(title, run.join("\n"), true));
  }
  return programs;
}

import { assert, assertEquals } from "@std/assert";
import { REPOSITORY } from "../../support/nsinit.ts";

/** A file of tests, and a part of the name of one in it; empty for all of them. */
interface Reference {
  readonly files: readonly string[];
  readonly name: string;
}

/** Where the tests of a word in the column "Test" may be. */
function filesOf(word: string, isC: boolean): string[] {
  if (isC) return [`tests/c/${word}.c`];
  if (/\.(ts|c|sh)$/.test(word)) {
    return ["", "tests/", "tests/c/", "tests/root/"].map((dir) => dir + word);
  }
  return [`tests/root/security_${word}_test.ts`, `tests/root/${word}_test.ts`];
}

/** One row's last cell, and the file of the tests that it names without one. */
interface Cell {
  readonly text: string;
  readonly file: string;
}

/** What one cell names: `file: part of a name; another part; c: program`. */
function readCell({ text: cell, file: usual }: Cell): Reference[] {
  let file = usual;
  return cell.split("; ").flatMap((part): Reference[] => {
    const [, before, rest] = /^([\w/.`]+)(?:: (.*))?$/.exec(part) ?? [];
    const isFile = before !== undefined &&
      (rest !== undefined || !before.includes(" "));
    if (isFile) file = before.replaceAll("`", "");
    const name = isFile ? rest ?? "" : part;
    if (file !== "c") return [{ files: filesOf(file, false), name }];
    return name.replaceAll("`", "").split(", ")
      .map((program) => ({ files: filesOf(program, true), name: "" }));
  });
}

async function readText(path: string): Promise<string> {
  try {
    const text = await Deno.readTextFile(`${REPOSITORY}/${path}`);
    return text.replace(/\s+/g, " ");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The last cell of each row of each table. */
async function readCells(): Promise<Cell[]> {
  const text = await Deno.readTextFile(`${REPOSITORY}/docs/security.md`);
  return text.split(/^## /m).flatMap((section) => {
    const [, file = ""] = /Tests are in `(\w+\.ts)`\s+unless/.exec(section) ??
      [];
    return section.split("\n").filter((line) => /^\| [^-]/.test(line))
      .map((line) => ({ text: line.split("|").at(-2)?.trim() ?? "", file }))
      .filter((cell) => cell.text !== "Test");
  });
}

Deno.test("every test that docs/security.md names is there", async () => {
  const cells = await readCells();
  assert(cells.length >= 80, `${cells.length} rows`);
  const missing: string[] = [];
  for (const cell of cells.filter(({ text }) => text !== "none needed")) {
    for (const { files, name } of readCell(cell)) {
      const texts = await Promise.all(files.map(readText));
      const isThere = texts.some((text) => text !== "" && text.includes(name));
      if (!isThere) missing.push(`${files[0]}: ${name}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("a test that is not there is found out", () => {
  const text =
    "a link; state: links planted; c: `test_undo`, `test_none`; users";
  assertEquals(
    readCell({ text, file: "security_x_test.ts" }),
    [
      { files: filesOf("security_x_test.ts", false), name: "a link" },
      { files: filesOf("state", false), name: "links planted" },
      { files: ["tests/c/test_undo.c"], name: "" },
      { files: ["tests/c/test_none.c"], name: "" },
      { files: filesOf("users", false), name: "" },
    ],
  );
});

/**
 * Joins the chunks that esbuild makes into one file for each program and for
 * each module that is loaded later: Deno takes longer to find, read and link a
 * module than V8 takes to look over its code.
 *
 * esbuild makes a chunk of what the same set of modules needs, hundreds of them
 * for a few dozen commands. In a file each becomes a function that is called
 * unless its chunk is there already, so a chunk that several files hold is
 * executed once. A large one that several files need stays a file of its own,
 * which they import. Works on what esbuild writes and on nothing else: imports of
 * names first, one list of exports last.
 *
 * @module
 */
import { join } from "@std/path";

/** A chunk as esbuild wrote it. */
export interface Chunk {
  /** Its file. */
  readonly name: string;
  /** Chunks that it imports, in order, with the names as they are there and here. */
  readonly imports: readonly {
    readonly from: string;
    readonly names: readonly (readonly [string, string])[];
  }[];
  /** What it exports: the names here and outside. */
  readonly exports: readonly (readonly [string, string])[];
  /** Files that it loads later. */
  readonly later: readonly string[];
  /** The code between. */
  readonly body: string;
}

const SHEBANG = /^#!.*\n/;
const IMPORT = /^\s*import(?:\{([^}]*)\}from)?"\.\/([^"]+)";?/;
const EXPORTS = /export\{([^}]*)\};?\s*$/;
const LATER = /\bimport\("\.\/([^"]+)"\)/g;
/** Where the exports of chunks are kept. */
const REGISTRY = "globalThis.nsinitChunks";
/** Where functions are kept that make the exports of chunks with a file of their own. */
const MAKERS = "globalThis.nsinitMakers";
/** Characters of a chunk that costs more to read twice than a file does. */
const LARGE = 6000;
/** The same, by a name that esbuild gives to nothing. */
const LOCAL = "nsinit_chunks";

/** `a as b,c` as pairs. */
function pairsOf(list: string): (readonly [string, string])[] {
  return list.split(",").filter((item) => item !== "").map((item) => {
    const [one = "", other = one] = item.trim().split(/\s+as\s+/);
    return [one, other];
  });
}

/**
 * Reads a chunk. Pure.
 *
 * @param name Its file.
 * @param text What is in it.
 * @returns The chunk.
 */
export function parseChunk(name: string, text: string): Chunk {
  let rest = text.replace(SHEBANG, "");
  const imports: Chunk["imports"][number][] = [];
  for (let match = IMPORT.exec(rest); match; match = IMPORT.exec(rest)) {
    const [whole, names = "", from = ""] = match;
    imports.push({ from, names: pairsOf(names) });
    rest = rest.slice(whole.length);
  }
  const exported = EXPORTS.exec(rest);
  const body = exported ? rest.slice(0, exported.index) : rest;
  return {
    name,
    imports,
    exports: pairsOf(exported?.[1] ?? ""),
    later: [...body.matchAll(LATER)].map(([, file = ""]) => file),
    body,
  };
}

type Chunks = ReadonlyMap<string, Chunk>;

function chunkOf(chunks: Chunks, name: string): Chunk {
  const chunk = chunks.get(name);
  if (!chunk) throw new Error(`Cannot link: there is no chunk ${name}`);
  return chunk;
}

/** A chunk and all that it imports, in the order of execution. */
function closureOf(chunks: Chunks, name: string): string[] {
  const found = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (found.has(name)) return;
    if (path.includes(name)) {
      throw new Error(`Cannot link: ${name} imports itself by ${path}`);
    }
    for (const { from } of chunkOf(chunks, name).imports) {
      visit(from, [...path, name]);
    }
    found.add(name);
  };
  visit(name, []);
  return [...found];
}

function intersection<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a].filter((item) => b.has(item)));
}

/**
 * What is there in any case when a file is loaded: what every chunk that loads
 * it brings along. Found by going on until nothing changes.
 */
function findPresent(
  chunks: Chunks,
  entries: readonly string[],
): Map<string, Set<string>> {
  const present = new Map(entries.map((name) => [name, new Set<string>()]));
  const waiting = [...entries];
  for (let name = waiting.shift(); name; name = waiting.shift()) {
    const closure = closureOf(chunks, name);
    const all = new Set([...present.get(name) ?? [], ...closure]);
    const later = closure.flatMap((each) => chunkOf(chunks, each).later);
    for (const target of new Set(later)) {
      const before = present.get(target);
      const after = before ? intersection(before, all) : all;
      if (before?.size === after.size) continue;
      present.set(target, after);
      waiting.push(target);
    }
  }
  return present;
}

function namesOf(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([one, other]) => one === other ? one : `${one}:${other}`)
    .join(",");
}

function takenFrom(from: string): string {
  return `${LOCAL}[${JSON.stringify(from)}]`;
}

/** The code of a chunk, with the names that it imports. */
function codeOf({ imports, body }: Chunk): string {
  const taken = imports.filter(({ names }) => names.length > 0)
    .map(({ from, names }) => `const {${namesOf(names)}}=${takenFrom(from)};`);
  return `${taken.join("")}${body}\n`;
}

/** A chunk as a function, in brackets: so V8 compiles it at once, not twice. */
function functionOf(chunk: Chunk): string {
  const given = chunk.exports.map(([here, outside]) => `${outside}:${here}`);
  return `(()=>{${codeOf(chunk)};return{${given.join(",")}}})`;
}

/** A chunk that is executed unless it is there. */
function wrap(chunk: Chunk): string {
  return `${takenFrom(chunk.name)}??=${functionOf(chunk)}();\n`;
}

function makerOf(name: string): string {
  return `${MAKERS}[${JSON.stringify(name)}]`;
}

/** The file of a chunk of its own; it executes nothing, as what it needs may come later. */
function ownFile(chunk: Chunk): string {
  return `const ${LOCAL}=${REGISTRY}??={};(${MAKERS}??={})[${
    JSON.stringify(chunk.name)
  }]=${functionOf(chunk)};\n`;
}

/** Large chunks that more than one file needs. */
function findShared(
  chunks: Chunks,
  needs: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const counts = new Map<string, number>();
  for (const name of [...needs.values()].flat()) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const isShared = (name: string): boolean =>
    (counts.get(name) ?? 0) > 1 && !needs.has(name) &&
    chunkOf(chunks, name).body.length >= LARGE;
  return new Set([...counts.keys()].filter(isShared));
}

/** What others import of a file, by the names that the sources have. */
function exportsOf({ name, exports }: Chunk): string {
  const names = exports.map(([, outside]) => outside);
  if (names.length === 0) return "";
  const list = names.map((each, index) => `e${index} as ${each}`);
  const taken = names.map((each, index) => `${each}:e${index}`);
  return `const {${taken.join(",")}}=${takenFrom(name)};` +
    `export{${list.join(",")}};\n`;
}

/** The same of a program, whose names are those of its file. */
function exportsOfProgram({ exports }: Chunk): string {
  if (exports.length === 0) return "";
  const list = exports.map(([here, outside]) => `${here} as ${outside}`);
  return `export{${list.join(",")}};\n`;
}

interface FileParts {
  /** Its chunks, in the order of execution. */
  readonly needed: readonly string[];
  /** Those of all that are files of their own. */
  readonly shared: ReadonlySet<string>;
  readonly entries: readonly string[];
}

function fileOf(
  chunks: Chunks,
  name: string,
  { needed, shared, entries }: FileParts,
): string {
  // A program waits at its top level, which no function can do for it.
  const isProgram = entries.includes(name);
  const imports = needed.filter((each) => shared.has(each))
    .map((each) => `import"./${each}";`);
  const code = needed.map((each) => {
    if (shared.has(each)) return `${takenFrom(each)}??=${makerOf(each)}();\n`;
    const chunk = chunkOf(chunks, each);
    return isProgram && each === name ? codeOf(chunk) : wrap(chunk);
  });
  const end = isProgram
    ? exportsOfProgram(chunkOf(chunks, name))
    : exportsOf(chunkOf(chunks, name));
  return `${imports.join("")}const ${LOCAL}=${REGISTRY}??={};\n` +
    code.join("") + end;
}

/** A program of which one command has all that it usually needs in its file. */
export interface CommandFile {
  /** Name of the file. */
  readonly file: string;
  /** The program. */
  readonly entry: string;
  /** Modules that it loads later in any case: names of their sources, without `.ts`. */
  readonly loads: readonly string[];
}

/** `list` of `list-ABCDEFGH.js`. */
function sourceOf(name: string): string {
  return name.replace(/-[A-Z0-9]{8}\.js$/, "");
}

/** The files that a program loads later and that a command wants at once, in order. */
function findWanted(
  chunks: Chunks,
  { entry, loads }: CommandFile,
): string[] {
  const wanted = new Set<string>();
  const waiting = [entry];
  for (let name = waiting.shift(); name; name = waiting.shift()) {
    const later = closureOf(chunks, name)
      .flatMap((each) => chunkOf(chunks, each).later)
      .filter((each) => loads.includes(sourceOf(each)) && !wanted.has(each));
    for (const each of later) wanted.add(each);
    waiting.push(...later);
  }
  return [...wanted];
}

/**
 * Makes the file of a command: the whole program, and with it what the command
 * loads later. Pure.
 *
 * @param chunks All chunks.
 * @param command Which.
 * @returns The file.
 */
export function linkCommand(chunks: Chunks, command: CommandFile): string {
  const wanted = findWanted(chunks, command);
  const inPlace = (chunk: Chunk): Chunk => ({
    ...chunk,
    body: chunk.body.replace(
      LATER,
      (load, file) =>
        wanted.includes(file) ? `Promise.resolve(${takenFrom(file)})` : load,
    ),
  });
  const names = new Set(
    [command.entry, ...wanted].flatMap((name) => closureOf(chunks, name)),
  );
  names.delete(command.entry);
  const code = [...names].map((name) => wrap(inPlace(chunkOf(chunks, name))));
  return `const ${LOCAL}=${REGISTRY}??={};\n${code.join("")}` +
    codeOf(inPlace(chunkOf(chunks, command.entry)));
}

/**
 * Links chunks. Pure.
 *
 * @param chunks All of them, by the names of their files.
 * @param entries Those that programs begin with.
 * @returns The files, by their names: entries, and what is loaded later.
 * @throws {Error} If chunks import each other in a circle, or one is missing.
 */
export function linkChunks(
  chunks: Chunks,
  entries: readonly string[],
): Map<string, string> {
  const needs = new Map(
    [...findPresent(chunks, entries)].map(([name, present]) => [
      name,
      closureOf(chunks, name).filter((each) => !present.has(each)),
    ]),
  );
  const shared = findShared(chunks, needs);
  const files = new Map<string, string>();
  for (const name of shared) {
    files.set(name, ownFile(chunkOf(chunks, name)));
  }
  for (const [name, needed] of needs) {
    files.set(name, fileOf(chunks, name, { needed, shared, entries }));
  }
  return files;
}

/**
 * Links the chunks of a folder, which afterwards holds the files instead.
 *
 * @param folder The folder.
 * @param entries Files that programs begin with.
 * @param commands Those that get a file of their own besides.
 */
export async function linkFolder(
  folder: string,
  entries: readonly string[],
  commands: readonly CommandFile[] = [],
): Promise<void> {
  const chunks = new Map<string, Chunk>();
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(join(folder, name));
    chunks.set(name, parseChunk(name, text));
  }
  const files = linkChunks(chunks, entries);
  for (const command of commands) {
    files.set(command.file, linkCommand(chunks, command));
  }
  for (const name of chunks.keys()) await Deno.remove(join(folder, name));
  for (const [name, text] of files) {
    await Deno.writeTextFile(join(folder, name), text);
  }
}

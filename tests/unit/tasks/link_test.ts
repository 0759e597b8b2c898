import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Chunk,
  linkChunks,
  linkCommand,
  linkFolder,
  parseChunk,
} from "../../../tasks/link.ts";

/** What esbuild makes of two programs that share modules, in short. */
const CHUNKS: Readonly<Record<string, string>> = {
  "one.js": "#!/usr/bin/env deno\n" +
    'import{a as t}from"./chunk-A.js";import"./chunk-B.js";' +
    'var n="one";console.log(n,t(),import.meta.main);' +
    'var{late:o}=await import("./late-C.js");console.log(o());',
  "other.js": 'import{a as t}from"./chunk-A.js";console.log("other",t());',
  "chunk-A.js": 'import{b as n}from"./chunk-B.js";' +
    'console.log("A");function r(){return n+1}export{r as a};\n',
  "chunk-B.js":
    'console.log("B");var n=41,t=class{static x=n};export{t,n as b};',
  "late-C.js": 'import{a}from"./chunk-A.js";import{d as e}from"./chunk-D.js";' +
    'async function n(){return(await import("./later-E.js")).x}' +
    "var t=()=>`late ${a()} ${e}`;export{t as late,n as again};",
  "chunk-D.js": 'console.log("D");var n="`D`";export{n as d};',
  "later-E.js": 'import{d as e}from"./chunk-D.js";export{e as x};\n',
  "chunk-none.js": 'console.log("never");',
};

function parseAll(
  texts: Readonly<Record<string, string>>,
): Map<string, Chunk> {
  return new Map(
    Object.entries(texts).map(([name, text]) => [name, parseChunk(name, text)]),
  );
}

Deno.test("linkChunks makes a file for each program and for what it loads later", () => {
  const files = linkChunks(parseAll(CHUNKS), ["one.js", "other.js"]);
  assertEquals([...files.keys()].sort(), [
    "late-C.js",
    "later-E.js",
    "one.js",
    "other.js",
  ]);
  const chunksIn = (name: string): string[] =>
    [...(files.get(name) ?? "").matchAll(/\["([^"]+)"\]\?\?=/g)]
      .map(([, chunk = ""]) => chunk);
  assertEquals(chunksIn("one.js"), ["chunk-B.js", "chunk-A.js"]);
  assertEquals(chunksIn("late-C.js"), ["chunk-D.js", "late-C.js"]);
  assertEquals(chunksIn("later-E.js"), ["later-E.js"]);
});

Deno.test("a large chunk that several files need is one of its own", () => {
  const large = CHUNKS["chunk-A.js"]?.replace(
    "n+1",
    `n+1/*${"x".repeat(6000)}*/`,
  );
  const chunks = { ...CHUNKS, "chunk-A.js": large ?? "" };
  const files = linkChunks(parseAll(chunks), ["one.js", "other.js"]);
  assertEquals(files.has("chunk-A.js"), true);
  for (const name of ["one.js", "other.js"]) {
    assertStringIncludes(files.get(name) ?? "", 'import"./chunk-A.js";');
  }
});

Deno.test("a linked program does what the chunks did, each once", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (name: string): Promise<string[]> => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", `${folder}/${name}`],
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  try {
    const filler = `/*${"x".repeat(6000)}*/`;
    for (const [name, text] of Object.entries(CHUNKS)) {
      const isLarge = name === "chunk-A.js";
      const content = isLarge ? text.replace("n+1", `n+1${filler}`) : text;
      await Deno.writeTextFile(`${folder}/${name}`, content);
    }
    const before = [await run("one.js"), await run("other.js")];
    await linkFolder(folder, ["one.js", "other.js"]);
    assertEquals([await run("one.js"), await run("other.js")], before);
    assertEquals(before, [
      ["B", "A", "one 42 true", "D", "late 42 `D`"],
      ["B", "A", "other 42"],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a command's file loads nothing later that it wants", () => {
  const chunks = parseAll({
    "cli.js": 'var{x:t}=await import("./late-ABCDEFGH.js");' +
      'await import("./rare-ABCDEFGH.js");',
    "late-ABCDEFGH.js": 'import{d as e}from"./chunk-D.js";export{e as x};',
    "rare-ABCDEFGH.js": "1;",
    "chunk-D.js": 'var n="D";export{n as d};',
  });
  const file = "cli.one.js";
  const text = linkCommand(chunks, { file, entry: "cli.js", loads: ["late"] });
  assertStringIncludes(
    text,
    'Promise.resolve(nsinit_chunks["late-ABCDEFGH.js"])',
  );
  assertStringIncludes(text, 'import("./rare-ABCDEFGH.js")');
  assertEquals(
    [...text.matchAll(/\["([^"]+)"\]\?\?=/g)].map(([, name]) => name),
    ["chunk-D.js", "late-ABCDEFGH.js"],
  );
});

Deno.test("linkChunks refuses circles and what is missing", () => {
  const circle = parseAll({
    "a.js": 'import"./b.js";',
    "b.js": 'import"./a.js";',
  });
  assertThrows(() => linkChunks(circle, ["a.js"]), Error, "imports itself");
  const missing = parseAll({ "a.js": 'import("./b.js");' });
  assertThrows(() => linkChunks(missing, ["a.js"]), Error, "no chunk b.js");
});

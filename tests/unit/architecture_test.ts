import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Which folders a folder may import from, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "lib/errors.ts": [],
  "lib/pause.ts": [],
  "lib/config": ["lib/errors.ts"],
  "lib/host": ["lib/errors.ts"],
  "lib/plan": ["lib/config", "lib/host", "lib/errors.ts"],
  "lib/stats": ["lib/config", "lib/errors.ts"],
  "lib/systemd": ["lib/errors.ts", "lib/pause.ts"],
  "lib/criu": ["ffi", "lib/config", "lib/errors.ts"],
  "ffi": ["lib/plan", "lib/config", "lib/errors.ts"],
  "lib/container": [
    "lib/config",
    "lib/plan",
    "lib/host",
    "lib/stats",
    "lib/systemd",
    "lib/criu",
    "ffi",
    "lib/errors.ts",
    "lib/pause.ts",
  ],
  "lib/api": [
    "lib/container",
    "lib/stats",
    "lib/config",
    "lib/plan",
    "lib/host",
    "ffi",
    "lib/errors.ts",
  ],
  "lib/doctor": ["lib/host", "lib/systemd", "ffi", "lib/errors.ts"],
  "lib/cli": [
    "lib/container",
    "lib/doctor",
    "lib/stats",
    "lib/config",
    "lib/plan",
    "lib/errors.ts",
  ],
  "lib/oci": [
    "lib/cli",
    "lib/container",
    "lib/criu",
    "lib/stats",
    "lib/config",
    "lib/plan",
    "lib/host",
    "lib/errors.ts",
  ],
  "cli.ts": ["lib/cli", "lib/oci", "lib/errors.ts"],
  "oci.ts": ["lib/oci"],
  "mod.ts": [
    "lib/api",
    "lib/config",
    "lib/container",
    "lib/host",
    "lib/plan",
    "lib/stats",
    "lib/errors.ts",
  ],
  "examples": ["mod.ts"],
};
/** Files that are started. */
const PROGRAMS = ["cli.ts", "oci.ts"];
/** What examples may import besides: parts of Deno itself. */
const FOR_EXAMPLES = ["../mod.ts", "node:util"];

interface Import {
  readonly from: string;
  readonly specifier: string;
}

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

async function allSources(): Promise<string[]> {
  const files = ["cli.ts", "oci.ts", "mod.ts", "lib/errors.ts"];
  for (const area of Object.keys(ALLOWED)) {
    if (area.endsWith(".ts")) continue;
    for await (const file of sourceFiles(area)) files.push(file);
  }
  return files;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
}

function importsOf(from: string, text: string): Import[] {
  const found = withoutComments(text).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/g,
  );
  return [...found].map((match) => ({
    from,
    specifier: match[1] ?? match[2] ?? "",
  }));
}

/** Folder or file of the table that a path belongs to. */
function areaOf(path: string): string | undefined {
  return Object.keys(ALLOWED).find((area) =>
    path === area || path.startsWith(`${area}/`)
  );
}

function resolve({ from, specifier }: Import): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

async function allImports(): Promise<Import[]> {
  const lists = await Promise.all(
    (await allSources()).map(async (file) =>
      importsOf(file, await Deno.readTextFile(ROOT + file))
    ),
  );
  return lists.flat();
}

Deno.test("imports go one way along the road", async () => {
  const wrong = (await allImports())
    .filter(({ specifier }) => specifier.startsWith("."))
    .filter((item) => {
      const own = areaOf(item.from);
      const other = areaOf(resolve(item));
      assert(own, item.from);
      return other !== own && !ALLOWED[own]?.includes(other ?? "");
    });
  assertEquals(wrong, []);
});

Deno.test("nothing on the way to a start imports node: modules", async () => {
  const wrong = (await allImports())
    .filter(({ from }) => !from.startsWith("examples/"))
    .filter(({ specifier }) => specifier.startsWith("node:"));
  assertEquals(wrong, []);
});

Deno.test("examples need the library alone, and nothing of each other", async () => {
  const found = (await allImports())
    .filter(({ from }) => from.startsWith("examples/"));
  assert(found.length > 0);
  assertEquals(
    found.filter(({ specifier }) => !FOR_EXAMPLES.includes(specifier)),
    [],
  );
});

Deno.test("every example is in the list of examples", async () => {
  const list = await Deno.readTextFile(`${ROOT}examples/README.md`);
  for await (const file of sourceFiles("examples")) {
    const name = file.slice("examples/".length);
    assert(list.includes(`[${name}](${name})`), name);
    const text = await Deno.readTextFile(ROOT + file);
    assert(text.includes(`deno run -A ${file} `), `${file}: no usage`);
  }
});

Deno.test("only ffi/ opens libraries and handles pointers", async () => {
  const wrong: string[] = [];
  for (const file of await allSources()) {
    const code = withoutComments(await Deno.readTextFile(ROOT + file));
    if (
      /Deno\.(dlopen|UnsafePointer)/.test(code) && file !== "ffi/library.ts"
    ) {
      wrong.push(file);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("only programs end the process and only command lines print", async () => {
  const wrong: string[] = [];
  for (const file of await allSources()) {
    if (file.startsWith("examples/")) continue; // programs themselves
    const code = withoutComments(await Deno.readTextFile(ROOT + file));
    if (/Deno\.exit\(/.test(code) && !PROGRAMS.includes(file)) wrong.push(file);
    if (
      /console\.|Deno\.std(out|err)\b/.test(code) &&
      !file.startsWith("lib/cli/") && file !== "lib/oci/log.ts"
    ) {
      wrong.push(file);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("mod.ts reaches only relative files", async () => {
  const seen = new Set<string>();
  const queue = ["mod.ts"];
  const foreign: string[] = [];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = await Deno.readTextFile(ROOT + file);
    for (const item of importsOf(file, text)) {
      // A dynamic import of a package is allowed when its failure is handled.
      if (item.specifier.startsWith(".")) queue.push(resolve(item));
      else if (!text.includes(`import("${item.specifier}")`)) {
        foreign.push(`${file}: ${item.specifier}`);
      }
    }
  }
  assertEquals(foreign, []);
});

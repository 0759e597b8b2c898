import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string }[];
}

interface Member {
  readonly name: string;
  readonly jsDoc?: JsDoc;
  readonly accessibility?: string;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: JsDoc;
  readonly def?: {
    readonly methods?: readonly Member[];
    readonly properties?: readonly Member[];
  };
}

/** Everything that mod.ts exports, by name. */
async function readExports(): Promise<Map<string, Declaration>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: ROOT,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const found = new Map<string, Declaration>();
  for (
    const { symbols } of Object.values<
      { symbols: { name: string; declarations: Declaration[] }[] }
    >(nodes)
  ) {
    for (const { name, declarations: [first] } of symbols) {
      if (first !== undefined) found.set(name, first);
    }
  }
  return found;
}

function hasDoc({ jsDoc }: { readonly jsDoc?: JsDoc }): boolean {
  return (jsDoc?.doc ?? "").trim().length > 5;
}

function hasTag(
  declaration: { readonly jsDoc?: JsDoc },
  kind: string,
): boolean {
  return (declaration.jsDoc?.tags ?? []).some((tag) => tag.kind === kind);
}

Deno.test("everything that mod.ts exports is documented, its members too", async () => {
  const exports = await readExports();
  assert(exports.size > 80, String(exports.size));
  const missing: string[] = [];
  for (const [name, declaration] of exports) {
    if (!hasDoc(declaration)) missing.push(name);
    const { methods = [], properties = [] } = declaration.def ?? {};
    for (const member of [...methods, ...properties]) {
      if (member.accessibility === "private") continue;
      if (!hasDoc(member)) missing.push(`${name}.${member.name}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("every function, class and value that mod.ts exports has an example", async () => {
  const kinds = ["class", "function", "variable"];
  const missing = [...await readExports()].filter(([, declaration]) =>
    kinds.includes(declaration.kind) && !hasTag(declaration, "example")
  );
  assertEquals(missing.map(([name]) => name), []);
});

Deno.test("examples of the library's interface are checked and run", async () => {
  const folders = ["lib/api", "lib/config", "lib/stats"];
  const files = ["mod.ts", "lib/errors.ts"];
  while (folders.length > 0) {
    const folder = folders.pop() ?? "";
    for await (const { name, isDirectory } of Deno.readDir(ROOT + folder)) {
      (isDirectory ? folders : files).push(`${folder}/${name}`);
    }
  }
  assert(files.length > 60, String(files.length));
  for (const file of files) {
    const text = await Deno.readTextFile(ROOT + file);
    assert(!/^\s*\*\s*```\w+ ignore/m.test(text), file);
  }
});

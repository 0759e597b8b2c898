import { assert, assertEquals } from "@std/assert";
import { SYMBOLS } from "../../ffi/symbols.ts";

const header = await Deno.readTextFile(
  new URL("../../c/nsinit.h", import.meta.url),
);

interface Prototype {
  readonly result: string;
  readonly parameters: readonly string[];
}

function ffiType(declaration: string): string {
  if (declaration.includes("*")) return "buffer";
  const match = /\b(u?)int(32|64)_t\b/.exec(declaration);
  assert(match, `type of ${declaration}`);
  return `${match[1] === "u" ? "u" : "i"}${match[2]}`;
}

function prototypes(text: string): Map<string, Prototype> {
  const found = new Map<string, Prototype>();
  const flat = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ");
  for (const match of flat.matchAll(/NSI_EXPORT (\w+) (nsi_\w+)\((.*?)\);/g)) {
    const [, result = "", name = "", list = ""] = match;
    found.set(name, {
      result: ffiType(result),
      parameters: list === "void" ? [] : list.split(",").map(ffiType),
    });
  }
  return found;
}

Deno.test("symbols.ts declares exactly what nsinit.h exports", () => {
  const exported = prototypes(header);
  assertEquals(Object.keys(SYMBOLS).sort(), [...exported.keys()].sort());
});

Deno.test("symbols.ts gives each function the types of its prototype", () => {
  for (const [name, prototype] of prototypes(header)) {
    const symbol = SYMBOLS[name as keyof typeof SYMBOLS];
    assertEquals(
      { result: symbol.result, parameters: [...symbol.parameters] },
      { result: prototype.result, parameters: [...prototype.parameters] },
      name,
    );
  }
});

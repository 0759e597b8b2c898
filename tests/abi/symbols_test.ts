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

interface Declaration {
  readonly name?: string;
  readonly result: string;
  readonly parameters: readonly string[];
  readonly nonblocking?: boolean;
}

/** Name of the export that an entry means. */
function exportOf([key, symbol]: [string, Declaration]): string {
  return symbol.name ?? key;
}

const entries: readonly [string, Declaration][] = Object.entries(SYMBOLS);

Deno.test("symbols.ts declares exactly what nsinit.h exports", () => {
  const exported = prototypes(header);
  const declared = new Set(entries.map(exportOf));
  assertEquals([...declared].sort(), [...exported.keys()].sort());
});

Deno.test("symbols.ts gives each function the types of its prototype", () => {
  const exported = prototypes(header);
  for (const entry of entries) {
    const [key, symbol] = entry;
    assertEquals(
      { result: symbol.result, parameters: [...symbol.parameters] },
      exported.get(exportOf(entry)),
      key,
    );
  }
});

Deno.test("a second entry of a function is the one that does not block", () => {
  const aliases = entries.filter(([, symbol]) => symbol.name !== undefined);
  for (const [key, symbol] of aliases) {
    assertEquals(key, `${symbol.name}_async`);
    assertEquals(symbol.nonblocking, true, key);
  }
});

/**
 * Reads `deno doc --json lib/config/types.ts`: docstrings and types of the model.
 *
 * @module
 */
import { DENO, ROOT } from "../process.ts";

/** A type as `deno doc` tells it, as far as it is looked at. */
export interface DocType {
  /** Which kind, e.g. `union`. */
  readonly kind: string;
  /** Parts of a union, name of a reference, element of an array, a literal. */
  readonly value?: unknown;
}

interface DocProperty {
  readonly name: string;
  readonly jsDoc?: { readonly doc?: string };
  readonly tsType?: DocType;
}

interface DocDeclaration {
  readonly kind: string;
  readonly jsDoc?: { readonly doc?: string };
  readonly def: {
    readonly properties?: readonly DocProperty[];
    readonly extends?: readonly DocType[];
    readonly tsType?: DocType;
  };
}

/** A member of an interface. */
export interface ModelMember {
  /** Its docstring, on one line. */
  readonly doc: string;
  /** Its type. */
  readonly type: DocType | undefined;
}

/** The model's interfaces and named types. */
export interface Model {
  /** Docstrings of interfaces, by name. */
  readonly docs: ReadonlyMap<string, string>;
  /** Members, as `Interface.member`. */
  readonly members: ReadonlyMap<string, ModelMember>;
  /** Named types. */
  readonly aliases: ReadonlyMap<string, DocType>;
}

function oneLine(text = ""): string {
  return text.trim().replaceAll(/\s+/g, " ");
}

/**
 * Asks Deno for the documentation of the model.
 *
 * @returns What is declared.
 */
export async function readModel(): Promise<Model> {
  const { success, stdout, stderr } = await new Deno.Command(DENO, {
    args: ["doc", "--json", "lib/config/types.ts"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const docs = new Map<string, string>();
  const members = new Map<string, ModelMember>();
  const aliases = new Map<string, DocType>();
  for (
    const { symbols } of Object.values<
      { symbols: { name: string; declarations: DocDeclaration[] }[] }
    >(nodes)
  ) {
    for (const { name, declarations: [first] } of symbols) {
      if (first === undefined) continue;
      if (first.def.tsType !== undefined) aliases.set(name, first.def.tsType);
      if (first.kind !== "interface") continue;
      docs.set(name, oneLine(first.jsDoc?.doc));
      for (const { name: key, jsDoc, tsType } of first.def.properties ?? []) {
        members.set(`${name}.${key}`, {
          doc: oneLine(jsDoc?.doc),
          type: tsType,
        });
      }
    }
  }
  return { docs, members, aliases };
}

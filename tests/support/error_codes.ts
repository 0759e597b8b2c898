/**
 * The codes of errors, as the source declares them and as they are documented.
 *
 * @module
 */
import { REPOSITORY } from "./nsinit.ts";

/** A row of the table in docs/errors.md. */
export interface DocumentedCode {
  /** The code. */
  readonly code: string;
  /** Name of its class. */
  readonly className: string;
  /** Exit status. */
  readonly exitCode: number;
}

/** All codes of lib/errors.ts, in their order. */
export async function declaredCodes(): Promise<string[]> {
  const source = await Deno.readTextFile(`${REPOSITORY}/lib/errors.ts`);
  const union = /export type ErrorCode =([^;]+);/.exec(source)?.[1] ?? "";
  return [...union.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code);
}

/** The text of docs/errors.md. */
export async function readDocument(): Promise<string> {
  return await Deno.readTextFile(`${REPOSITORY}/docs/errors.md`);
}

/** All rows of its table, in their order. */
export async function documentedCodes(): Promise<DocumentedCode[]> {
  const rows = (await readDocument())
    .matchAll(/^\| `(\w+)` +\| `(\w+)` +\| (\d+) /gm);
  return [...rows].map(([, code = "", className = "", status]) => ({
    code,
    className,
    exitCode: Number(status),
  }));
}

/**
 * What every check over a configuration gets and gives.
 *
 * @module
 */
import type { JsonPath } from "../json_scan.ts";
import type { Config, NamespaceType } from "../types.ts";

/** Takes a fault: where in the model, and what to do. */
export type Report = (path: JsonPath, message: string) => void;

/** One rule over a configuration. */
export interface Check {
  /** What must hold, in a few words. */
  readonly name: string;
  /** Reports every place where it does not hold. */
  readonly run: (config: Config, report: Report) => void;
}

/** Longest path that the kernel takes, without its NUL. */
const MAX_PATH = 4095;

/**
 * Tells whether a configuration has a namespace, new or joined.
 *
 * @param config The configuration.
 * @param type Which namespace.
 * @returns True when the namespace is not the host's by omission.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultConfig } from "../defaults.ts";
 * import { hasNamespace } from "./report.ts";
 *
 * assert(!hasNamespace(defaultConfig("/srv"), "NEWUSER"));
 * ```
 */
export function hasNamespace(config: Config, type: NamespaceType): boolean {
  return config.namespaces.some((namespace) => namespace.type === type);
}

/**
 * Tells what keeps a text from being an absolute path.
 *
 * @param path The text.
 * @returns The fault in a few words; `undefined` when it is an absolute path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findPathFault } from "./report.ts";
 *
 * assertEquals(findPathFault("/srv/root"), undefined);
 * ```
 */
export function findPathFault(path: string): string | undefined {
  if (path === "") return "empty; wanted an absolute path";
  if (!path.startsWith("/")) {
    return `found ${
      JSON.stringify(path.slice(0, 60))
    }, wanted an absolute path`;
  }
  if (path.includes("\0")) return "holds a NUL character";
  return path.length > MAX_PATH ? `longer than ${MAX_PATH} bytes` : undefined;
}

/**
 * Tells whether a text has a control character, a newline or NUL among them.
 *
 * @param text The text.
 * @returns True when it has one.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { hasControl } from "./report.ts";
 *
 * assert(hasControl("a\n") && !hasControl("a b"));
 * ```
 */
export function hasControl(text: string): boolean {
  // In numbers: \p{Cc} asks for tables, which every start would wait for.
  // deno-lint-ignore no-control-regex -- these are what is looked for
  return /[\0-\x1f\x7f-\x9f]/.test(text);
}

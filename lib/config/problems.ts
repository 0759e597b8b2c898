/**
 * Collecting what is wrong with a configuration, and wording it with positions.
 *
 * @module
 */
import type { ConfigProblem } from "../errors.ts";
import { formatPath, type JsonPath, scanJson } from "./json_scan.ts";
import { nearestName } from "./names/nearest.ts";

/** Most problems that one message lists. */
const MAX_LISTED = 50;
/** Longest quotation of a found value in a message. */
const MAX_QUOTE = 60;

/** Something found at a path of the text. */
export interface Finding {
  /** Where in the text. */
  readonly path: JsonPath;
  /** What is wrong and what to do. */
  readonly message: string;
  /** Whether the key or its value is meant. */
  readonly at: "key" | "value";
}

/** Settings of {@linkcode Findings}. */
export interface FindingsOptions {
  /** Turns unknown keys and names into warnings. */
  readonly permissive?: boolean;
  /** Passes over unknown keys, as the OCI specification wants. */
  readonly ignoresUnknownKeys?: boolean;
}

/** Collects the problems and warnings of one text, and where its parts came from. */
export class Findings {
  /** Faults: the text is refused. */
  readonly problems: Finding[] = [];
  /** Remarks: the text is accepted. */
  readonly warnings: Finding[] = [];
  /** Whether unknown keys are passed over. */
  readonly ignoresUnknownKeys: boolean;
  readonly #permissive: boolean;
  readonly #origins = new WeakMap<object, JsonPath>();

  /** Makes an empty collection. */
  constructor(options: FindingsOptions = {}) {
    this.#permissive = options.permissive ?? false;
    this.ignoresUnknownKeys = options.ignoresUnknownKeys ?? false;
  }

  /** Adds a fault. */
  problem(
    path: JsonPath,
    message: string,
    at: "key" | "value" = "value",
  ): undefined {
    this.problems.push({ path, message, at });
  }

  /** Adds a remark. */
  warn(
    path: JsonPath,
    message: string,
    at: "key" | "value" = "value",
  ): undefined {
    this.warnings.push({ path, message, at });
  }

  /** Whether unknown keys and names are only told. */
  get isPermissive(): boolean {
    return this.#permissive;
  }

  /** Adds an unknown key or name: a fault, or a remark when permissive. */
  unknown(
    path: JsonPath,
    kind: string,
    found: string,
    names: readonly string[],
    at: "key" | "value" = "value",
  ): undefined {
    const nearest = nearestName(found, names);
    const hint = nearest !== undefined
      ? `did you mean ${quote(nearest)}?`
      : names.length <= 16
      ? `wanted one of ${names.join(", ")}`
      : "remove it, or correct the name";
    this.tolerable(path, `unknown ${kind} ${quote(found)}; ${hint}`, at);
  }

  /** Adds what is a fault, or only a remark when permissive. */
  tolerable(path: JsonPath, message: string, at: "key" | "value"): undefined {
    const list = this.#permissive ? this.warnings : this.problems;
    list.push({ path, message, at });
  }

  /** Remembers that a part of the model was read from a path of the text. */
  setOrigin(part: object, path: JsonPath): void {
    this.#origins.set(part, path);
  }

  /** Path of the text that a part of the model was read from. */
  getOrigin(part: object): JsonPath | undefined {
    return this.#origins.get(part);
  }
}

/**
 * Quotes a found value for a message: bounded, with control characters escaped.
 *
 * @param value What was found.
 * @returns The value as JSON, cut to 60 characters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quote } from "./problems.ts";
 *
 * assertEquals(quote("a\nb"), '"a\\nb"');
 * ```
 */
export function quote(value: string): string {
  return JSON.stringify(
    value.length > MAX_QUOTE ? `${value.slice(0, MAX_QUOTE)}...` : value,
  );
}

/**
 * Words what a value is, for messages.
 *
 * @param value What was found.
 * @returns Its kind, with the value where that is short.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describe } from "./problems.ts";
 *
 * assertEquals([5, "a", []].map(describe), [
 *   "the number 5",
 *   'the string "a"',
 *   "a list",
 * ]);
 * ```
 */
export function describe(value: unknown): string {
  if (typeof value === "string") return `the string ${quote(value)}`;
  if (typeof value === "number" || typeof value === "bigint") {
    return `the number ${value}`;
  }
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/**
 * Finds line and column of an offset.
 *
 * @param text The text.
 * @param offset Offset in UTF-16 units.
 * @returns 1-based line and column.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toPosition } from "./problems.ts";
 *
 * assertEquals(toPosition("a\nbc", 3), { line: 2, column: 2 });
 * ```
 */
export function toPosition(
  text: string,
  offset: number,
): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}

/** Go matched keys in any case, so positions are looked up in any case too. */
function pathKey(path: JsonPath): string {
  return JSON.stringify(path).toLowerCase();
}

/**
 * Gives findings their positions, in the order of the text.
 *
 * A path that the text lacks gets the position of its nearest parent.
 *
 * @param text The text, without a byte order mark.
 * @param findings What was found.
 * @returns Problems with line and column.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { locateFindings } from "./problems.ts";
 *
 * const finding = { path: ["a"], message: "bad", at: "key" } as const;
 * assertEquals(locateFindings('{"a": 1}', [finding])[0]?.column, 2);
 * ```
 */
export function locateFindings(
  text: string,
  findings: readonly Finding[],
): ConfigProblem[] {
  const places = new Map<string, { key: number; value: number } | undefined>();
  for (const { path } of findings) {
    for (let n = path.length; n > 0; n--) {
      places.set(pathKey(path.slice(0, n)), undefined);
    }
  }
  scanJson(text, (path, key, value) => {
    const at = pathKey(path);
    if (places.has(at)) places.set(at, { key, value });
  });
  const located = findings.map(({ path, message, at }) => {
    let place: { key: number; value: number } | undefined;
    let offset = 0;
    for (let n = path.length; n > 0 && place === undefined; n--) {
      place = places.get(pathKey(path.slice(0, n)));
      if (place) offset = n === path.length ? place[at] : place.value;
    }
    return { offset, path: formatPath(path), message };
  });
  located.sort((a, b) => a.offset - b.offset);
  return located.map(({ offset, path, message }) => ({
    message,
    path,
    ...toPosition(text, offset),
  }));
}

/**
 * Renders problems, one per line: `FILE:LINE:COL: path: message`.
 *
 * @param name Name of the file; left out when empty.
 * @param problems The problems.
 * @returns The lines; beyond 50 only their number is told.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatProblems } from "./problems.ts";
 *
 * const problem = { path: "mounts[0]", message: "bad", line: 2, column: 3 };
 * assertEquals(formatProblems("c.json", [problem]), "c.json:2:3: mounts[0]: bad");
 * ```
 */
export function formatProblems(
  name: string,
  problems: readonly ConfigProblem[],
): string {
  const lines = problems.slice(0, MAX_LISTED).map((problem) => {
    const { path, message, line, column } = problem;
    const place = line === undefined ? name : `${name}:${line}:${column}`;
    return [place, path, message].filter((part) => part !== "").join(": ");
  });
  const more = problems.length - MAX_LISTED;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join("\n");
}

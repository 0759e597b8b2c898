/**
 * A scanner over JSON text that knows where everything stands. It is used only
 * when something is wrong, or when the text has comments: `JSON.parse` is
 * faster but tells no positions.
 *
 * @module
 */

/** Keys and indexes from the root to a value. */
export type JsonPath = readonly (string | number)[];

/** Deepest nesting of lists and objects that is read. */
export const MAX_DEPTH = 64;

/** Called for each member and item with the path and the offsets of key and value. */
export type JsonVisitor = (
  path: JsonPath,
  keyOffset: number,
  valueOffset: number,
) => void;

/** What a scan found. */
export interface JsonScan {
  /** First syntax error, when there is one; the scan ends there. */
  readonly error?: { readonly offset: number; readonly message: string };
  /** Every key that its object already had, in order. */
  readonly duplicates: readonly {
    readonly path: JsonPath;
    readonly offset: number;
  }[];
  /** The text with comments and trailing commas replaced by spaces: same offsets. */
  readonly strict: string;
}

/**
 * Renders a path for people, e.g. `mounts[2].flags`.
 *
 * @param path Keys and indexes.
 * @returns The path; keys that are not plain words stand in brackets and quotes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatPath } from "./json_scan.ts";
 *
 * assertEquals(formatPath(["mounts", 2, "a b"]), 'mounts[2]["a b"]');
 * ```
 */
export function formatPath(path: JsonPath): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else if (!/^[A-Za-z_][\w-]{0,63}$/.test(part)) {
      out += `[${JSON.stringify(part.slice(0, 64))}]`;
    } else out += out === "" ? part : `.${part}`;
  }
  return out;
}

class ScanError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const SPACE = /[ \t\r\n]*/y;
// deno-lint-ignore no-control-regex -- JSON refuses exactly these characters.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)\b/y;

class Scanner {
  readonly duplicates: { path: JsonPath; offset: number }[] = [];
  readonly #text: string;
  readonly #visit: JsonVisitor | undefined;
  readonly #path: (string | number)[] = [];
  readonly #blanks: [number, number][] = [];
  #at = 0;

  constructor(text: string, visit: JsonVisitor | undefined) {
    this.#text = text;
    this.#visit = visit;
  }

  document(): void {
    this.#space();
    this.#value();
    this.#space();
    if (this.#at < this.#text.length) {
      throw new ScanError(this.#at, `${this.#found()} after the end`);
    }
  }

  strict(): string {
    let from = 0;
    let out = "";
    for (const [start, end] of this.#blanks.sort((a, b) => a[0] - b[0])) {
      out += this.#text.slice(from, start);
      out += this.#text.slice(start, end).replace(/[^\r\n]/g, " ");
      from = end;
    }
    return out + this.#text.slice(from);
  }

  #found(): string {
    const char = this.#text.codePointAt(this.#at);
    if (char === undefined) return "found the end of the text";
    return `found ${JSON.stringify(String.fromCodePoint(char))}`;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  #space(): void {
    for (;;) {
      this.#match(SPACE);
      const start = this.#at;
      if (this.#text.startsWith("//", start)) {
        while (!/^[\r\n]?$/.test(this.#text.charAt(this.#at))) this.#at++;
      } else if (this.#text.startsWith("/*", start)) {
        const end = this.#text.indexOf("*/", start + 2);
        if (end < 0) throw new ScanError(start, "comment without an end");
        this.#at = end + 2;
      } else {
        return;
      }
      this.#blanks.push([start, this.#at]);
    }
  }

  #value(): void {
    const char = this.#text.charAt(this.#at);
    if (char === "{" || char === "[") {
      if (this.#path.length >= MAX_DEPTH) {
        throw new ScanError(this.#at, `nested deeper than ${MAX_DEPTH} levels`);
      }
      this.#at++;
      if (char === "{") this.#object();
      else this.#list();
    } else if (char === '"') {
      this.#string();
    } else if ((this.#match(WORD) ?? this.#match(NUMBER)) === undefined) {
      throw new ScanError(this.#at, `${this.#found()}, wanted a value`);
    }
  }

  #string(): string {
    const start = this.#at;
    const token = this.#match(STRING);
    if (token === undefined) {
      throw new ScanError(
        start,
        "string without an end, or with a bad escape or a control character",
      );
    }
    return String(JSON.parse(token));
  }

  /** Skips what follows an item; true when the list or object ends. */
  #ends(close: "}" | "]"): boolean {
    this.#space();
    const comma = this.#at;
    const char = this.#text.charAt(this.#at);
    if (char !== "," && char !== close) {
      throw new ScanError(comma, `${this.#found()}, wanted "," or "${close}"`);
    }
    this.#at++;
    if (char === close) return true;
    this.#space();
    if (this.#text.charAt(this.#at) !== close) return false;
    this.#blanks.push([comma, comma + 1]);
    this.#at++;
    return true;
  }

  #list(): void {
    this.#space();
    if (this.#text.charAt(this.#at) === "]") {
      this.#at++;
      return;
    }
    let index = 0;
    do {
      this.#path.push(index++);
      this.#visit?.(this.#path, this.#at, this.#at);
      this.#value();
      this.#path.pop();
    } while (!this.#ends("]"));
  }

  #object(): void {
    this.#space();
    if (this.#text.charAt(this.#at) === "}") {
      this.#at++;
      return;
    }
    const seen = new Set<string>();
    do {
      const start = this.#at;
      if (this.#text.charAt(start) !== '"') {
        throw new ScanError(start, `${this.#found()}, wanted a key in quotes`);
      }
      const key = this.#string();
      this.#path.push(key);
      if (seen.has(key)) {
        this.duplicates.push({ path: [...this.#path], offset: start });
      }
      seen.add(key);
      this.#space();
      if (this.#text.charAt(this.#at) !== ":") {
        throw new ScanError(this.#at, `${this.#found()}, wanted ":"`);
      }
      this.#at++;
      this.#space();
      this.#visit?.(this.#path, start, this.#at);
      this.#value();
      this.#path.pop();
    } while (!this.#ends("}"));
  }
}

/**
 * Scans JSON that may have comments and trailing commas.
 *
 * Pure. Never throws: a syntax error is part of the result.
 *
 * @param text The text, without a byte order mark.
 * @param visit Called for each member and item; the path is reused between calls.
 * @returns Syntax error, duplicate keys, and the text as strict JSON.
 *
 * @example A key given twice
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { scanJson } from "./json_scan.ts";
 *
 * assertEquals(scanJson('{"a":1,"a":2}').duplicates[0]?.offset, 7);
 * ```
 */
export function scanJson(text: string, visit?: JsonVisitor): JsonScan {
  const scanner = new Scanner(text, visit);
  try {
    scanner.document();
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    return {
      error: { offset: error.offset, message: error.message },
      duplicates: scanner.duplicates,
      strict: text,
    };
  }
  return { duplicates: scanner.duplicates, strict: scanner.strict() };
}

/**
 * Stand-in for `@std/jsonc`: JSON with comments and trailing commas.
 *
 * @module
 */

/** The value of a JSON text. */
export type JsonValue =
  | { [key: string]: JsonValue | undefined }
  | JsonValue[]
  | string
  | number
  | boolean
  | null;

/**
 * Parses JSON that may have `//` and block comments and trailing commas.
 *
 * @param text The text.
 * @returns Its value.
 * @throws {SyntaxError} With the position of what is wrong.
 *
 * @example A comment and a trailing comma
 * ```ts
 * import { parse } from "@std/jsonc";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parse('{ "a": [1, 2,], } // end'), { a: [1, 2] });
 * ```
 */
export function parse(text: string): JsonValue {
  return new Parser(text).parse();
}

/** White space and comments, the latter also when they are not closed. */
const SPACE = /(?:[ \t\r\n]+|\/\/[^\r\n]*|\/\*[^]*?(?:\*\/|(?<open>$)))*/y;
const STRING = /"(?:[^"\\]|\\[^])*"?/y;
const WORD = /[^[\]{}:,/ \t\r\n"]+/y;
const MAX_QUOTE = 30;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonValue {
    const value = this.#value();
    if (this.#peek() !== undefined) throw this.#unexpected();
    return value;
  }

  /** Skips to the next token and gives its first character. */
  #peek(): string | undefined {
    SPACE.lastIndex = this.#at;
    const match = SPACE.exec(this.#text);
    if (match?.groups?.["open"] !== undefined) throw endOfInput();
    this.#at = SPACE.lastIndex;
    return this.#text[this.#at];
  }

  #value(): JsonValue {
    switch (this.#peek()) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#scalar(STRING);
      default:
        return this.#scalar(WORD);
    }
  }

  #object(): JsonValue {
    const target: { [key: string]: JsonValue | undefined } = {};

    this.#list("}", () => {
      if (this.#peek() !== '"') throw this.#unexpected();
      const key = String(this.#scalar(STRING));
      if (this.#peek() !== ":") throw this.#unexpected();
      this.#at++;
      // Defined, not assigned: "__proto__" must be a key like any other.
      Object.defineProperty(target, key, {
        value: this.#value(),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    });

    return target;
  }

  #array(): JsonValue {
    const target: JsonValue[] = [];
    this.#list("]", () => target.push(this.#value()));
    return target;
  }

  /** Reads elements up to the closing character; a comma may come before it. */
  #list(close: string, readElement: () => void): void {
    this.#at++;

    while (this.#peek() !== close) {
      readElement();
      const next = this.#peek();
      if (next === ",") this.#at++;
      else if (next !== close) throw this.#unexpected();
    }

    this.#at++;
  }

  #scalar(pattern: RegExp): JsonValue {
    const token = this.#token(pattern);

    try {
      const value: JsonValue = JSON.parse(token);
      this.#at += token.length;
      return value;
    } catch {
      throw this.#unexpected();
    }
  }

  #token(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? "";
  }

  #unexpected(): SyntaxError {
    const first = this.#text[this.#at];
    if (first === undefined) return endOfInput();

    const token = this.#token(first === '"' ? STRING : WORD) || first;
    const quote = token.length > MAX_QUOTE
      ? `${token.slice(0, MAX_QUOTE)}...`
      : token;
    return new SyntaxError(
      `Unexpected token ${quote} in JSONC at position ${this.#at}`,
    );
  }
}

function endOfInput(): SyntaxError {
  return new SyntaxError("Unexpected end of JSONC input");
}

/**
 * From bytes of a terminal to keys. Pure.
 *
 * @module
 */

/** Keys that are no characters. */
const SEQUENCES: Readonly<Record<string, string>> = {
  "[A": "up",
  OA: "up",
  "[B": "down",
  OB: "down",
  "[H": "home",
  OH: "home",
  "[1~": "home",
  "[F": "end",
  OF: "end",
  "[4~": "end",
  "[5~": "page-up",
  "[6~": "page-down",
};
const ESCAPE = "\x1b";
/** A key of a terminal: `ESC [ parameters letter`, or `ESC O letter`. */
// deno-lint-ignore no-control-regex
const SEQUENCE = /^\x1b(\[[0-9;?]*[ -/]*[@-~]|O[@-~])/;
// deno-lint-ignore no-control-regex
const UNFINISHED = /^\x1b(\[[0-9;?]*[ -/]*|O)?$/;

/** No key is longer, in characters. */
const LONGEST = 32;

/** Reads keys from what a terminal sends, piece by piece. */
export class KeyReader {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /**
   * Takes the next bytes.
   *
   * @param bytes What was read at once.
   * @returns The keys: characters, `up`, `down`, `home`, `end`, `page-up`,
   * `page-down`, `escape`; sequences that are none of these are left out.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { KeyReader } from "./keys.ts";
   *
   * const bytes = new TextEncoder().encode("q\x1b[A");
   * assertEquals(new KeyReader().take(bytes), ["q", "up"]);
   * ```
   */
  take(bytes: Uint8Array): string[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    // An escape that came alone is the key of that name.
    const isAlone = this.#rest === "" && text === ESCAPE;
    let rest = this.#rest + text;
    this.#rest = "";
    if (isAlone) return ["escape"];
    const keys: string[] = [];
    while (rest !== "") {
      if (!rest.startsWith(ESCAPE)) {
        const [character = ""] = rest;
        keys.push(character);
        rest = rest.slice(character.length);
        continue;
      }
      const [all, sequence = ""] = SEQUENCE.exec(rest) ?? [];
      if (all === undefined) {
        if (rest.length <= LONGEST && UNFINISHED.test(rest)) {
          this.#rest = rest;
          break;
        }
        rest = rest.slice(1);
        continue;
      }
      const key = SEQUENCES[sequence];
      if (key !== undefined) keys.push(key);
      rest = rest.slice(all.length);
    }
    return keys;
  }
}

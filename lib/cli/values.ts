/**
 * Texts of options as typed values.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { UsageError } from "../errors.ts";
import type { Option } from "./command.ts";

const SIZE = /^(-?\d+)([kmgt]?)(?:i?b)?$/i;
/** Bits that a suffix shifts by. */
const SIZE_SHIFT: Readonly<Record<string, bigint>> = {
  "": 0n,
  k: 10n,
  m: 20n,
  g: 30n,
  t: 40n,
};
/** Largest count of bytes that the kernel takes. */
const MAX_SIZE = 2n ** 63n - 1n;

/**
 * Reads a size in bytes, with an optional suffix k, m, g or t (powers of 1024).
 *
 * Pure.
 *
 * @param text E.g. `64m`, `1GiB`, `4096`, `-1`.
 * @returns Bytes; a `bigint` beyond 2^53 - 1; `undefined` if it is no size.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSize } from "./values.ts";
 *
 * assertEquals(parseSize("64m"), 67108864);
 * ```
 */
export function parseSize(text: string): Int64 | undefined {
  const [, digits, suffix] = SIZE.exec(text) ?? [];
  if (digits === undefined || digits.length > 20) return undefined;
  const bytes = BigInt(digits) <<
    (SIZE_SHIFT[(suffix ?? "").toLowerCase()] ?? 0n);
  if (bytes > MAX_SIZE || bytes < -MAX_SIZE) return undefined;
  const number = Number(bytes);
  return Number.isSafeInteger(number) ? number : bytes;
}

function parseInteger(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/**
 * Checks the text of a value against the declaration of its option.
 *
 * @param option The declaration.
 * @param text The value as given.
 * @throws {UsageError} `UsageInvalid` if the option does not take such a value.
 */
export function checkValue(option: Option, text: string): void {
  const { name, type, choices } = option;
  const shown = JSON.stringify(text);
  if (text.includes("\0")) {
    throw new UsageError(`--${name} holds a NUL character`);
  }
  if (choices && !choices.includes(text)) {
    throw new UsageError(
      `--${name} cannot be ${shown}: it is one of ${choices.join(", ")}`,
    );
  }
  if (type === "integer" && parseInteger(text) === undefined) {
    throw new UsageError(`--${name} cannot be ${shown}: it is a whole number`);
  }
  if (type === "size" && parseSize(text) === undefined) {
    throw new UsageError(
      `--${name} cannot be ${shown}: it is a number of bytes, ` +
        "or one with k, m or g behind it, such as 64m",
    );
  }
}

/** The options of one command line, by name. */
export class Values {
  readonly #options: ReadonlyMap<string, Option>;
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #environment: (name: string) => string | undefined;

  /**
   * Makes the record of what was given.
   *
   * @param options The declarations.
   * @param given Checked texts by the option's name, in order; `true` or `false` for booleans.
   * @param environment Looks up environment variables.
   */
  constructor(
    options: readonly Option[],
    given: ReadonlyMap<string, readonly string[]>,
    environment: (name: string) => string | undefined = () => undefined,
  ) {
    this.#options = new Map(options.map((option) => [option.name, option]));
    this.#given = given;
    this.#environment = environment;
  }

  /** Tells whether the option stands on the command line. */
  has(name: string): boolean {
    this.#declared(name);
    return this.#given.has(name);
  }

  /** The value as text: given, else from the environment, else the default. */
  text(name: string): string | undefined {
    const option = this.#declared(name);
    const given = this.#given.get(name)?.at(-1);
    if (given !== undefined) return given;
    const variable = option.env && this.#environment(option.env);
    return variable || option.default;
  }

  /** Whether a boolean option is on. */
  flag(name: string): boolean {
    return this.text(name) === "true";
  }

  /** All values of a repeatable option, in order. */
  list(name: string): readonly string[] {
    this.#declared(name);
    return this.#given.get(name) ?? [];
  }

  /** The value of an `integer` option. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseInteger(text);
  }

  /** The value of a `size` option in bytes. */
  size(name: string): Int64 | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseSize(text);
  }

  #declared(name: string): Option {
    const option = this.#options.get(name);
    if (option === undefined) throw new TypeError(`No option --${name}`);
    return option;
  }
}

import type { Aliases, Args, Flags, Names, ParseOptions } from "./types.ts";

/**
 * Reads command line arguments into a record of flags.
 *
 * A flag that is not declared is `true`, or takes the next argument if that
 * does not start with a hyphen. Text that looks like a number becomes one,
 * unless the flag is declared as `string`. A boolean flag takes a following
 * `true` or `false` as its value.
 *
 * @param args The arguments, without the program's name.
 * @param options Which flags there are and how to read them.
 * @returns The flags by name, and the rest under `_`.
 *
 * @example A boolean, a value, a list
 * ```ts
 * import { parseArgs } from "@std/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const flags = parseArgs(["--tty", "--env=A=1", "--env", "B=2", "sh"], {
 *   boolean: ["tty"],
 *   string: ["env", "_"],
 *   collect: ["env"],
 * });
 * assertEquals(flags.tty, true);
 * assertEquals(flags.env, ["A=1", "B=2"]);
 * assertEquals(flags._, ["sh"]);
 * ```
 */
export function parseArgs<
  DD extends boolean | undefined = undefined,
  const B extends boolean | Names = undefined,
  const S extends Names = undefined,
  const C extends Names = undefined,
  const N extends Names = undefined,
  D extends Record<string, unknown> | undefined = undefined,
  const A extends Aliases | undefined = undefined,
>(
  args: string[],
  options: ParseOptions<B, S, C, N, D, A, DD> = {},
): Args<Flags<B, S, C, N, D, A>, DD> {
  return new Parser(options).parse(args) as Args<Flags<B, S, C, N, D, A>, DD>;
}

const FLAG =
  /^-(?:(?<double>-)(?<negated>no-)?)?(?<key>.+?)(?:=(?<value>.+))?$/s;
const NUMBER_AT_END = /-?\d+(\.\d*)?(e-?\d+)?$/;

/** The value of a negatable flag given as `--no-flag`. */
const NEGATED = false;
/** The value of a boolean flag that is not given. */
const UNSET = false;

type FlagValue = string | number | boolean;

class Parser {
  readonly #options: ParseOptions;
  readonly #aliases: Map<string, Set<string>>;
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #lists: Set<string>;
  readonly #negatables: Set<string>;
  readonly #flags: Record<string, unknown> & { _: FlagValue[] } = { _: [] };
  #args: string[] = [];
  #at = 0;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#aliases = groupAliases(options.alias ?? {});
    this.#booleans = this.#names(options.boolean);
    this.#strings = this.#names(options.string);
    this.#lists = this.#names(options.collect);
    this.#negatables = this.#names(options.negatable);
  }

  parse(args: readonly string[]): Record<string, unknown> {
    const end = args.indexOf("--");
    const rest = end < 0 ? [] : args.slice(end + 1);
    this.#args = end < 0 ? [...args] : args.slice(0, end);

    for (; this.#at < this.#args.length; this.#at++) {
      const arg = this.#args[this.#at] ?? "";
      const groups = FLAG.exec(arg)?.groups;

      if (groups?.["double"]) this.#long(arg, groups);
      else if (groups) this.#short(arg);
      else if (this.#positional(arg)) break;
    }

    this.#fillIn();
    if (this.#options["--"]) this.#flags["--"] = rest;
    else this.#flags._.push(...rest);

    return this.#flags;
  }

  /** Names of one kind with all their aliases. */
  #names(given: boolean | Names | readonly string[]): Set<string> {
    const names = new Set<string>();
    if (typeof given === "boolean" || given === undefined) return names;

    for (const name of typeof given === "string" ? [given] : given) {
      if (name === "") continue;
      names.add(name);
      this.#aliases.get(name)?.forEach((alias) => names.add(alias));
    }
    return names;
  }

  /** Keeps a non-flag; true if parsing stops here. */
  #positional(arg: string): boolean {
    if (this.#options.unknown?.(arg) !== false) {
      this.#flags._.push(this.#convert("_", arg));
    }
    if (this.#options.stopEarly !== true) return false;

    this.#flags._.push(...this.#args.slice(this.#at + 1));
    return true;
  }

  #long(arg: string, groups: Record<string, string | undefined>): void {
    let key = groups["key"] ?? "";
    const value = groups["value"];
    const negated = groups["negated"] !== undefined;

    if (value !== undefined) {
      this.#set(key, this.#booleans.has(key) ? value !== "false" : value, arg);
      return;
    }
    if (negated && this.#negatables.has(key)) {
      this.#set(key, NEGATED, arg, { replace: true });
      return;
    }
    if (negated) key = `no-${key}`;

    const next = this.#args[this.#at + 1];
    const takesNext = next !== undefined && next !== "" &&
      !next.startsWith("-") && this.#options.boolean !== true;
    this.#setFromNext(key, arg, takesNext);
  }

  /** Reads `-abc`, `-n5`, `-n=5` and `-n 5`. */
  #short(arg: string): void {
    const letters = arg.slice(1, -1);

    for (let j = 0; j < letters.length; j++) {
      const letter = letters[j] ?? "";
      const rest = arg.slice(j + 2);

      if (rest === "-") {
        this.#set(letter, rest, arg);
        continue;
      }
      if (/[A-Za-z]/.test(letter) && /=./s.test(rest)) {
        this.#set(letter, rest.slice(rest.indexOf("=") + 1), arg);
        return;
      }
      if (
        (/[A-Za-z]/.test(letter) && NUMBER_AT_END.test(rest)) ||
        /\W/.test(letters[j + 1] ?? "")
      ) {
        this.#set(letter, rest, arg);
        return;
      }
      this.#set(letter, this.#strings.has(letter) ? "" : true, arg);
    }

    const key = arg.slice(-1);
    if (key === "-") return;
    const next = this.#args[this.#at + 1];
    const takesNext = next !== undefined && next !== "" &&
      !/^--?[^-]/.test(next);
    this.#setFromNext(key, arg, takesNext);
  }

  /** Sets a flag to the next argument, if it may take that, else to `true`. */
  #setFromNext(key: string, arg: string, takesNext: boolean): void {
    const next = this.#args[this.#at + 1] ?? "";

    if (takesNext && !this.#booleans.has(key)) {
      this.#at++;
      this.#set(key, next, arg);
    } else if (next === "true" || next === "false") {
      this.#at++;
      this.#set(key, next === "true", arg);
    } else {
      this.#set(key, this.#strings.has(key) ? "" : true, arg);
    }
  }

  #set(
    key: string,
    value: FlagValue,
    arg: string,
    how: { replace: boolean } = { replace: false },
  ): void {
    if (!this.#isDeclared(key, arg)) {
      if (this.#options.unknown?.(arg, key, value) === false) return;
    }

    const converted = typeof value === "string"
      ? this.#convert(key, value)
      : value;
    const collect = this.#lists.has(key) && !how.replace;
    for (const name of [key, ...(this.#aliases.get(key) ?? [])]) {
      setNested(this.#flags, name, converted, { collect });
    }
  }

  #isDeclared(key: string, arg: string): boolean {
    return this.#booleans.has(key) || this.#strings.has(key) ||
      this.#aliases.has(key) ||
      (this.#options.boolean === true && /^--[^=]+$/.test(arg));
  }

  #convert(key: string, text: string): string | number {
    return !this.#strings.has(key) && isNumber(text) ? Number(text) : text;
  }

  /** Gives flags that were not set their defaults. */
  #fillIn(): void {
    for (const [key, value] of Object.entries(this.#options.default ?? {})) {
      if (hasNested(this.#flags, key)) continue;
      for (const name of [key, ...(this.#aliases.get(key) ?? [])]) {
        setNested(this.#flags, name, value, { collect: false });
      }
    }
    for (const key of this.#lists) {
      const declared = this.#booleans.has(key) || this.#strings.has(key);
      if (!declared || hasNested(this.#flags, key)) continue;
      setNested(this.#flags, key, [], { collect: false });
    }
    for (const key of this.#booleans) {
      if (hasNested(this.#flags, key)) continue;
      setNested(this.#flags, key, UNSET, { collect: false });
    }
  }
}

function isNumber(text: string): boolean {
  return /\S/.test(text) && Number.isFinite(Number(text));
}

/** Each name of a flag with all the other names of it. */
function groupAliases(given: Aliases): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();

  for (const [key, value] of Object.entries(given)) {
    const all = [key, ...(typeof value === "string" ? [value] : value)];
    for (const name of all) {
      groups.set(name, new Set(all.filter((other) => other !== name)));
    }
  }
  return groups;
}

/** Goes to the record that holds the last part of a dotted name. */
function holderOf(
  flags: Record<string, unknown>,
  keys: readonly string[],
): Record<string, unknown> {
  let holder = flags;

  for (const key of keys.slice(0, -1)) {
    // Own properties only: "--constructor.prototype.x" must reach nothing else.
    if (!Object.hasOwn(holder, key)) define(holder, key, {});
    const next = holder[key];
    if (typeof next !== "object" || next === null) define(holder, key, {});
    holder = holder[key] as Record<string, unknown>;
  }
  return holder;
}

function setNested(
  flags: Record<string, unknown>,
  name: string,
  value: unknown,
  how: { collect: boolean },
): void {
  const keys = name.split(".");
  const holder = holderOf(flags, keys);
  const key = keys.at(-1) ?? name;
  const old = Object.hasOwn(holder, key) ? holder[key] : undefined;

  if (!how.collect) define(holder, key, value);
  else if (Array.isArray(old)) old.push(value);
  else define(holder, key, old ? [old, value] : [value]);
}

/** Sets an own property, also when it is called `__proto__`. */
function define(
  holder: Record<string, unknown>,
  key: string,
  value: unknown,
): void {
  Object.defineProperty(holder, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function hasNested(flags: Record<string, unknown>, name: string): boolean {
  const keys = name.split(".");

  return Object.hasOwn(holderOf(flags, keys), keys.at(-1) ?? name);
}

/**
 * Arguments to options. Own code instead of `parseArgs` of `@std/cli`, which
 * takes `--` anywhere as the end of options (also behind the program that
 * `exec` runs), turns `--flag` without a value into an empty one, and cannot
 * take a value that begins with a hyphen, such as `--memory-swap -1`.
 *
 * @module
 */
import { nearestName } from "../config/names/nearest.ts";
import { UsageError } from "../errors.ts";
import type { Option } from "./command.ts";
import { checkValue } from "./values.ts";

/** Arguments, split into options and the rest. */
export interface ParsedArgs {
  /** Texts by the option's name, in order; `true` or `false` for booleans. */
  readonly given: Map<string, string[]>;
  /** What is left. */
  readonly rest: readonly string[];
}

/** How {@linkcode parseArgs} reads. */
export interface ParseArgsOptions {
  /** Ends the options at the first argument that is none. */
  readonly stopEarly: boolean;
  /** Name of the command for error messages; empty for global options. */
  readonly command: string;
  /** What long names with one dash mean where that is not the same; those of the first versions unless given. */
  readonly singleDash?: Readonly<Record<string, string>>;
}

const TRUE = ["true", "1"];
const FALSE = ["false", "0"];

/**
 * In the first versions `-root` was the directory of container.json; since
 * 2015 `--root` is the directory of all states. The dashes tell them apart.
 */
const SINGLE_DASH: Readonly<Record<string, string>> = { root: "data-path" };

class Parser {
  readonly given = new Map<string, string[]>();
  readonly #longs = new Map<string, Option>();
  readonly #shorts = new Map<string, Option>();
  readonly #how: ParseArgsOptions;
  readonly #args: readonly string[];
  at = 0;

  constructor(
    args: readonly string[],
    options: readonly Option[],
    how: ParseArgsOptions,
  ) {
    this.#args = args;
    this.#how = how;
    for (const option of options) {
      this.#longs.set(option.name, option);
      for (const alias of option.aliases ?? []) this.#longs.set(alias, option);
      if (option.short) this.#shorts.set(option.short, option);
    }
  }

  /** Reads the option at the current place and moves behind it. */
  read(arg: string): void {
    const isDouble = arg.startsWith("--");
    const body = arg.slice(isDouble ? 2 : 1);
    const equals = body.indexOf("=");
    const written = equals < 0 ? body : body.slice(0, equals);
    const value = equals < 0 ? undefined : body.slice(equals + 1);
    const { singleDash = SINGLE_DASH } = this.#how;
    const name = isDouble ? written : singleDash[written] ?? written;
    const option = this.#longs.get(name);
    if (option && (isDouble || written.length > 1)) {
      this.#add(option, `${isDouble ? "--" : "-"}${written}`, value);
    } else if (isDouble) {
      throw this.#unknown(`--${written}`);
    } else {
      this.#readShort(body, arg);
    }
  }

  /** Reads `-t`, `-td`, `-u daemon`, `-udaemon` and `-u=daemon`. */
  #readShort(body: string, arg: string): void {
    for (let i = 0; i < body.length; i++) {
      const letter = body.charAt(i);
      const option = this.#shorts.get(letter);
      if (!option) throw this.#unknown(body.length > 1 ? arg : `-${letter}`);
      const rest = body.slice(i + 1);
      const hasValue = rest.startsWith("=") ||
        (option.type !== "boolean" && rest !== "");
      this.#add(
        option,
        `-${letter}`,
        hasValue ? rest.replace(/^=/, "") : undefined,
      );
      if (hasValue) return;
    }
  }

  #add(option: Option, written: string, value: string | undefined): void {
    if (option.refused) throw new UsageError(`${written}: ${option.refused}`);
    const text = option.type === "boolean"
      ? this.#boolean(written, value)
      : value ?? (option.optionalValue ? "" : this.#next(option, written));
    if (value !== undefined || !option.optionalValue) checkValue(option, text);
    const texts = this.given.get(option.name);
    if (texts && option.repeatable) texts.push(text);
    else this.given.set(option.name, [text]);
  }

  #boolean(written: string, value: string | undefined): string {
    if (value === undefined || TRUE.includes(value)) return "true";
    if (FALSE.includes(value)) return "false";
    throw new UsageError(
      `${written} cannot be ${JSON.stringify(value)}: it is true or false`,
    );
  }

  #next(option: Option, written: string): string {
    const next = this.#args[this.at + 1];
    const wanted = `${written} needs a value: ${written} ${
      option.metavar ?? "VALUE"
    }`;
    if (next === undefined) throw new UsageError(wanted);
    const name = /^--?([^=]+)/.exec(next)?.[1];
    const isOption = next === "--" || (name !== undefined &&
      (this.#longs.has(name) || (name.length === 1 && this.#shorts.has(name))));
    if (isOption) {
      throw new UsageError(
        `${wanted} (${written}=${next} if ${next} is meant to be the value)`,
      );
    }
    this.at++;
    return next;
  }

  #unknown(written: string): UsageError {
    const names = [...this.#longs]
      .filter(([, { hidden, refused }]) => !hidden && !refused)
      .map(([name]) => name);
    const near = nearestName(written.replace(/^-+/, "").slice(0, 64), names);
    const hint = near === undefined ? "" : `; did you mean --${near}?`;
    const help = this.#how.command === ""
      ? "nsinit --help"
      : `nsinit help ${this.#how.command}`;
    return new UsageError(
      `Unknown option ${written.slice(0, 200)}${hint} (${help} lists them)`,
    );
  }
}

/**
 * Splits arguments into options and the rest.
 *
 * Pure. Takes `--name value`, `--name=value`, `-n value`, and long names with
 * one dash, as the first versions did; `--` ends the options.
 *
 * @param args The arguments.
 * @param options The declarations.
 * @param how Where options end, and whose they are.
 * @returns Checked values by name, and the rest.
 * @throws {UsageError} `UsageInvalid` for unknown options, missing or wrong values.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseArgs } from "./parse_args.ts";
 *
 * const options = [{ name: "id", type: "text", doc: "which" }] as const;
 * const how = { stopEarly: true, command: "exec" };
 * assertEquals(parseArgs(["--id=a", "ls", "--id"], options, how).rest, ["ls", "--id"]);
 * ```
 */
export function parseArgs(
  args: readonly string[],
  options: readonly Option[],
  how: ParseArgsOptions,
): ParsedArgs {
  const parser = new Parser(args, options, how);
  const rest: string[] = [];
  for (; parser.at < args.length; parser.at++) {
    const arg = args[parser.at] ?? "";
    if (arg === "--") {
      rest.push(...args.slice(parser.at + 1));
      break;
    }
    if (arg.startsWith("-") && arg !== "-") {
      parser.read(arg);
    } else if (how.stopEarly) {
      rest.push(...args.slice(parser.at));
      break;
    } else {
      rest.push(arg);
    }
  }
  return { given: parser.given, rest };
}

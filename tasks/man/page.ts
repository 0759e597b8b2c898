/**
 * The manual page, from the declarations of the commands.
 *
 * @module
 */
import type { Command, Option } from "../../lib/cli/command.ts";
import { GLOBAL_OPTIONS } from "../../lib/cli/globals.ts";
import { VERSION } from "../../lib/cli/version.ts";
import {
  bold,
  entry,
  heading,
  italic,
  type Lines,
  literal,
  paragraph,
} from "./roff.ts";

const DESCRIPTION = [
  "nsinit runs programs in containers: processes with namespaces, cgroups, " +
  "capabilities and a root file system of their own. A container is " +
  "described by a container.json, of any dialect that libcontainer had, or " +
  "by a built-in template and flags. There is no daemon.",
  "A container belongs to a directory: the one that the command is run in, " +
  "unless --data-path or --id says otherwise. The first exec in a directory " +
  "starts the container, further ones join it.",
  "Options take their value as --name VALUE or --name=VALUE, and long names " +
  "may have a single dash, as in the first versions. Global options may " +
  "stand before and after the command.",
];

const EXIT_STATUS: readonly (readonly [string, string])[] = [
  ["0", "The command succeeded."],
  [
    "N",
    "Of exec: the status of the program; 128 + N when signal N killed it.",
  ],
  ["2", "The command was used wrongly."],
  ["125", "nsinit failed: the configuration, the host or the kernel."],
  ["126", "The program cannot be executed."],
  ["127", "The program was not found."],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["NO_COLOR", "No colours, when it is set and not empty."],
  ["XDG_RUNTIME_DIR", "Holds the states of containers of ordinary users."],
];

const FILES: readonly (readonly [string, string])[] = [
  ["container.json", "The configuration, in the container's directory."],
  [
    "state.json",
    "In the container's directory while it runs; .nspid or pid where the " +
    "configuration is of a dialect whose nsinit wrote those.",
  ],
  ["/run/nsinit/ID/state.json", "The state of a container."],
];

function isVisible({ hidden, refused }: Option): boolean {
  return !hidden && !refused;
}

/** E.g. `-t, --tty` and `--config FILE`. */
function term(option: Option): string {
  const { name, short, aliases = [], type, metavar = "VALUE" } = option;
  const names = [
    ...(short === undefined ? [] : [`-${short}`]),
    ...[name, ...aliases].map((long) => `--${long}`),
  ].map(bold).join(", ");
  if (type === "boolean") return names;
  return option.optionalValue
    ? `${names}[=${italic(metavar)}]`
    : `${names} ${italic(metavar)}`;
}

/** Renders options, by their groups. */
export function optionLines(options: readonly Option[]): Lines {
  const groups = Map.groupBy(options.filter(isVisible), ({ group }) => group);
  return [...groups].flatMap(([group, members]) => [
    ...(group === undefined ? [] : [".PP", bold(`${group}:`)]),
    ...members.flatMap((option) => {
      const more = option.repeatable ? "; may be repeated" : "";
      return entry(term(option), `${option.doc}${more}.`);
    }),
  ]);
}

/** Options that a command shares with one before it are named there alone, when there are many. */
const MANY = 8;

/** Splits options into those of this command, and those of the first one. */
function sharedOptions(
  { options }: Command,
  first: Command,
): [own: Option[], shared: Option[]] {
  const isShared = (option: Option): boolean => first.options.includes(option);
  const shared = options.filter(isVisible).filter(isShared);
  if (shared.length < MANY) return [[...options], []];
  return [options.filter((option) => !isShared(option)), shared];
}

/** Renders a command; what it has in common with the first one is named there. */
export function commandLines(command: Command, first: Command): Lines {
  const { name, aliases = [], summary, usage, details = [] } = command;
  const [own, shared] = command === first
    ? [command.options, []]
    : sharedOptions(command, first);
  return [
    heading("SS", `${name} ${usage}`),
    ...paragraph(`${summary}.`).slice(1),
    ...details.flatMap(paragraph),
    ...(aliases.length === 0
      ? []
      : paragraph(`Also called ${aliases.join(", ")}.`)),
    ...optionLines(own),
    ...(shared.length === 0 ? [] : paragraph(
      `As of ${first.name}: ${
        shared.map(({ name }) => `--${name}`).join(", ")
      }.`,
    )),
  ];
}

function variables(commands: readonly Command[]): Lines {
  const all = [
    ...GLOBAL_OPTIONS,
    ...commands.flatMap(({ options }) => options),
  ];
  const own = all.flatMap(({ env, name }): [string, string][] =>
    env === undefined
      ? []
      : [[env, `The value of --${name} when it is not given.`]]
  );
  return [...own, ...ENVIRONMENT]
    .flatMap(([name, doc]) => entry(bold(name), doc));
}

function examples(commands: readonly Command[]): Lines {
  return commands.flatMap(({ examples }) => examples).flatMap((
    { doc, line },
  ) => [
    ...paragraph(`${doc.charAt(0).toUpperCase()}${doc.slice(1)}:`),
    ...literal([line]),
  ]);
}

/**
 * Renders the manual page.
 *
 * Pure.
 *
 * @param commands All commands, in order.
 * @returns The page for man(1).
 */
export function renderManPage(commands: readonly Command[]): string {
  const list = (pairs: typeof FILES): Lines =>
    pairs.flatMap(([name, doc]) => entry(bold(name), doc));
  const lines: Lines = [
    '.\\" Made from the declarations of the commands by: deno task gen',
    `.TH NSINIT 1 "" "nsinit ${VERSION}" "User Commands"`,
    heading("SH", "NAME"),
    "nsinit \\- run programs in containers described by a container.json",
    heading("SH", "SYNOPSIS"),
    `${bold("nsinit")} [${italic("global options")}] ` +
    `${italic("COMMAND")} [${italic("options")}] [${italic("arguments")}]`,
    heading("SH", "DESCRIPTION"),
    ...DESCRIPTION.flatMap(paragraph).slice(1),
    heading("SH", "COMMANDS"),
    ...commands.flatMap((command) =>
      commandLines(command, commands[0] ?? command)
    ),
    heading("SH", "GLOBAL OPTIONS"),
    ...optionLines(GLOBAL_OPTIONS),
    heading("SH", "EXIT STATUS"),
    ...list(EXIT_STATUS),
    heading("SH", "ENVIRONMENT"),
    ...variables(commands),
    heading("SH", "FILES"),
    ...list(FILES),
    heading("SH", "EXAMPLES"),
    ...examples(commands).slice(1),
    heading("SH", "SEE ALSO"),
    "namespaces(7), cgroups(7), capabilities(7), seccomp(2)",
  ];
  return `${lines.join("\n")}\n`;
}

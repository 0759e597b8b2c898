/**
 * The manual page of `nsinit-oci`, from the declarations of its commands.
 *
 * @module
 */
import { VERSION } from "../../lib/cli/version.ts";
import { asCommand } from "../../lib/oci/as_command.ts";
import type { OciCommand } from "../../lib/oci/command.ts";
import { OCI_GLOBAL_OPTIONS } from "../../lib/oci/globals.ts";
import { commandLines, optionLines } from "./page.ts";
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
  "nsinit-oci makes and runs containers of OCI bundles: a directory with a " +
  "config.json and a root file system. It has the commands, options, " +
  "messages and exit statuses of the runtimes that podman, buildah, " +
  "containerd, CRI-O and others call, and is given to them in the place of " +
  "those. nsinit oci is the same program.",
  "Global options stand before the command. Options take their value as " +
  "--name VALUE or --name=VALUE.",
];

const EXIT_STATUS: readonly (readonly [string, string])[] = [
  ["0", "The command succeeded."],
  [
    "N",
    "Of run, restore and exec that do not detach: the status of the " +
    "program; 128 + N when signal N killed it.",
  ],
  ["1", "The command failed, or was used wrongly."],
  ["3", "There is no such command."],
  ["255", "exec failed before its program ran."],
];

const FILES: readonly (readonly [string, string])[] = [
  ["config.json", "The configuration, in the bundle."],
  [
    "/run/nsinit-oci/ID/state.json",
    "The state of a container; elsewhere with --root.",
  ],
];

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["The life of a container", "nsinit-oci create --bundle /srv/bundle demo"],
  ["", "nsinit-oci start demo"],
  ["", "nsinit-oci kill demo TERM"],
  ["", "nsinit-oci delete demo"],
  [
    "By podman",
    "podman --runtime /usr/local/bin/nsinit-oci run --rm alpine true",
  ],
];

function examples(): Lines {
  return EXAMPLES.flatMap(([doc, line]) => [
    ...(doc === "" ? [] : paragraph(`${doc}:`)),
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
export function renderOciManPage(commands: readonly OciCommand[]): string {
  const list = (pairs: typeof FILES): Lines =>
    pairs.flatMap(([name, doc]) => entry(bold(name), doc));
  const declared = commands.map(asCommand);
  const lines: Lines = [
    '.\\" Made from the declarations of the commands by: deno task gen',
    `.TH NSINIT-OCI 1 "" "nsinit ${VERSION}" "User Commands"`,
    heading("SH", "NAME"),
    "nsinit\\-oci \\- run containers of OCI bundles, for container engines",
    heading("SH", "SYNOPSIS"),
    `${bold("nsinit-oci")} [${italic("global options")}] ` +
    `${italic("COMMAND")} [${italic("options")}] [${italic("arguments")}]`,
    heading("SH", "DESCRIPTION"),
    ...DESCRIPTION.flatMap(paragraph).slice(1),
    heading("SH", "COMMANDS"),
    ...declared.flatMap((command) => commandLines(command, command)),
    heading("SH", "GLOBAL OPTIONS"),
    ...optionLines(OCI_GLOBAL_OPTIONS),
    heading("SH", "EXIT STATUS"),
    ...list(EXIT_STATUS),
    heading("SH", "FILES"),
    ...list(FILES),
    heading("SH", "EXAMPLES"),
    ...examples().slice(1),
    heading("SH", "SEE ALSO"),
    "nsinit(1), podman(1), containerd(8), criu(8)",
  ];
  return `${lines.join("\n")}\n`;
}

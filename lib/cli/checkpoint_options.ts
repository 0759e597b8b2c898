/**
 * Options that `checkpoint` and `restore` have in common.
 *
 * @module
 */
import type { DumpChoices } from "../container/images.ts";
import { UsageError } from "../errors.ts";
import type { Option } from "./command.ts";
import type { Values } from "./values.ts";

/** What of a container is taken along, and where the log goes. */
export const CHOICE_OPTIONS: readonly Option[] = [
  {
    name: "work-path",
    type: "text",
    metavar: "DIR",
    doc: "directory of CRIU's log (default that of the images)",
  },
  {
    name: "tcp-established",
    type: "boolean",
    doc: "keep TCP connections that are open",
  },
  {
    name: "ext-unix-sk",
    type: "boolean",
    doc: "allow datagram sockets that are connected to programs outside",
  },
  {
    name: "shell-job",
    type: "boolean",
    doc: "allow a session or terminal that belongs to programs outside",
  },
  {
    name: "file-locks",
    type: "boolean",
    doc: "keep file locks that are held",
  },
];

/**
 * Reads the choices.
 *
 * @param values The options.
 * @returns Those that are made.
 */
export function choicesOf(values: Values): DumpChoices {
  return {
    ...(values.flag("tcp-established") && { tcpEstablished: true }),
    ...(values.flag("ext-unix-sk") && { externalUnixSockets: true }),
    ...(values.flag("shell-job") && { shellJob: true }),
    ...(values.flag("file-locks") && { fileLocks: true }),
  };
}

/**
 * Splits `ADDRESS:PORT`; an IPv6 address may stand in brackets.
 *
 * @param text The option's value.
 * @returns Both; undefined where it is not given.
 * @throws {UsageError} `UsageInvalid` if it is none.
 */
export function pageServerOf(
  text: string | undefined,
): { address: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const cut = text.lastIndexOf(":");
  const address = text.slice(0, Math.max(cut, 0)).replace(/^\[(.*)\]$/, "$1");
  const port = Number(text.slice(cut + 1));
  if (
    address !== "" && /^\d+$/.test(text.slice(cut + 1)) && port > 0 &&
    port < 65536
  ) return { address, port };
  throw new UsageError(
    `--page-server cannot be ${
      JSON.stringify(text)
    }: it is ADDRESS:PORT, e.g. 10.0.0.1:9876`,
  );
}

/**
 * The logs of the machine: that of syslog, and systemd's journal.
 *
 * @module
 */
import { sendDatagram } from "../../ffi/datagram.ts";

/** Kinds of logs. */
export type SystemLogKind = "syslog" | "journald";

/** A log of the machine. */
export interface SystemLog {
  /** Which. */
  readonly kind: SystemLogKind;
  /** Who logs. */
  readonly id: string;
}

/** Where each takes datagrams. */
const SOCKETS: Readonly<Record<SystemLogKind, string>> = {
  syslog: "/dev/log",
  journald: "/run/systemd/journal/socket",
};

/** Severities of syslog(3). */
const SEVERITIES: Readonly<Record<string, number>> = {
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
};

/** Messages of a user's program, syslog(3). */
const LOG_USER = 8;

/** An integer of the machine's byte order, which the journal's socket is read in. */
const LENGTH_BYTES = 8;

/**
 * Writes a message as syslog takes it, RFC 3164. Pure but for the time zone.
 *
 * @param id Who logs.
 * @param level How serious it is.
 * @param message What happened.
 * @param time When.
 * @returns The datagram.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { syslogLine } from "./system_log.ts";
 *
 * const time = new Date(2026, 0, 2, 3, 4, 5);
 * assertEquals(syslogLine("me", "error", "no", time), "<11>Jan  2 03:04:05 me: no");
 * ```
 */
export function syslogLine(
  id: string,
  level: string,
  message: string,
  time: Date,
): string {
  const priority = LOG_USER | (SEVERITIES[level] ?? 6);
  const [, month = ""] = time.toDateString().split(" ");
  const day = String(time.getDate()).padStart(2);
  const [clock = ""] = time.toTimeString().split(" ");
  return `<${priority}>${month} ${day} ${clock} ${id}: ${message}`;
}

/** A field of the journal: with its length where it has more than one line. */
function journalField(name: string, value: string): Uint8Array[] {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(value);
  if (!value.includes("\n")) {
    return [encoder.encode(`${name}=`), bytes, encoder.encode("\n")];
  }
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  return [encoder.encode(`${name}\n`), length, bytes, encoder.encode("\n")];
}

/**
 * Writes a message in the native form of systemd's journal. Pure.
 *
 * @param id Who logs.
 * @param level How serious it is.
 * @param message What happened.
 * @returns The datagram.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { journalEntry } from "./system_log.ts";
 *
 * const entry = new TextDecoder().decode(journalEntry("me", "error", "no"));
 * assertEquals(entry, "PRIORITY=3\nMESSAGE=no\nSYSLOG_IDENTIFIER=me\nID=me\n");
 * ```
 */
export function journalEntry(
  id: string,
  level: string,
  message: string,
): Uint8Array<ArrayBuffer> {
  const pieces = [
    ...journalField("PRIORITY", String(SEVERITIES[level] ?? 6)),
    ...journalField("MESSAGE", message),
    ...journalField("SYSLOG_IDENTIFIER", id),
    // The field that crun's readers look for.
    ...journalField("ID", id),
  ];
  const entry = new Uint8Array(
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    entry.set(piece, at);
    at += piece.length;
  }
  return entry;
}

/**
 * Makes sure that there is such a log on this machine.
 *
 * @param log Which.
 * @throws {Error} When nobody takes it here.
 */
export function checkSystemLog({ kind }: SystemLog): void {
  const path = SOCKETS[kind];
  try {
    Deno.statSync(path);
  } catch (cause) {
    throw new Error(
      `Cannot log to ${kind}: there is no ${path} here; name a file by --log`,
      { cause },
    );
  }
}

/**
 * Logs a message.
 *
 * @param log Where, and who.
 * @param level How serious it is.
 * @param message What happened.
 * @throws {KernelError} `SystemError` if nobody takes it.
 */
export function writeSystemLog(
  { kind, id }: SystemLog,
  level: string,
  message: string,
): void {
  const datagram = kind === "syslog"
    ? syslogLine(id, level, message, new Date())
    : journalEntry(id, level, message);
  sendDatagram(SOCKETS[kind], datagram);
}

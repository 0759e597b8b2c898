/**
 * The streams of a process.
 *
 * @module
 */
import {
  type Attachment,
  attachStdio,
  hasTerminal,
} from "../container/attach.ts";

/** The streams are the caller's, terminals too: who drives a runtime has decided that. */
const CALLERS: Attachment = {
  stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
  relay: { stdin: -1, stdout: -1, stderr: -1 },
};

/**
 * Settles the streams of a process.
 *
 * @param how Whether it has a terminal of its own, and whether nobody stays with it.
 * @returns What it gets, and what is relayed.
 */
export function attachFor(
  how: { readonly tty: boolean; readonly detach: boolean },
): Attachment {
  if (how.detach) return CALLERS;
  // Whoever reads the output of a terminal from a pipe gets the lines as they were written.
  const plain = how.tty && !hasTerminal("stdout");
  return { ...attachStdio(how), ...plain && { plainNewlines: true } };
}

/**
 * Standard streams and the terminal.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { type ChildOp, type Op, type ParentOp, SLOTS } from "./ops.ts";
import type { ProcessSpec } from "./types.ts";

/** What the streams add to a Plan. */
export interface TerminalPart {
  /** Parent: takes the caller's descriptors. */
  readonly parent: readonly ParentOp[];
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** Child: opens the terminal, when the root's devpts is there. */
  readonly open: readonly ChildOp[];
  /** Child: covers `/dev/console` with it. */
  readonly console: readonly ChildOp[];
  /** Child: fills descriptors 0 to 2. */
  readonly streams: readonly ChildOp[];
  /** Child, as leader of its session: makes descriptor 0 the controlling terminal. */
  readonly control: readonly ChildOp[];
}

function openOp({ terminalSize }: ProcessSpec): Op<"tty.open"> {
  return {
    op: "tty.open",
    rows: terminalSize?.rows ?? 0,
    columns: terminalSize?.columns ?? 0,
    uid: 0,
    gid: 0,
    mode: 0o600,
  };
}

/**
 * Plans standard streams and terminal. Pure.
 *
 * @param process The process.
 * @returns The operations.
 * @throws {UsageError} `UsageInvalid` for descriptors beyond the three.
 *
 * @example A pipe for stdout, the caller's own stdin and stderr
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planTerminal } from "./terminal.ts";
 *
 * const part = planTerminal({
 *   args: ["ls"],
 *   env: [],
 *   user: "",
 *   cwd: "",
 *   tty: false,
 *   stdio: { stdin: "inherit", stdout: { fd: 12 }, stderr: "inherit" },
 * });
 * assertEquals(part.streams, [
 *   { op: "stdio.set", flags: 0, stdin: -1, stdout: 1, stderr: -1 },
 * ]);
 * ```
 */
export function planTerminal(process: ProcessSpec): TerminalPart {
  if ((process.extraFiles ?? []).length > 0) {
    throw new UsageError(
      "Cannot pass descriptors beyond stdin, stdout and stderr: only these three are supported",
    );
  }
  return process.tty ? ownTerminal(process) : givenStreams(process);
}

function ownTerminal(process: ProcessSpec): TerminalPart {
  const none = { stdin: -1, stdout: -1, stderr: -1 };
  return {
    parent: [],
    slots: [],
    open: [openOp(process)],
    console: [{ op: "tty.console", path: "/dev/console" }],
    streams: [{ op: "stdio.set", flags: 1, ...none }],
    control: [{ op: "tty.control" }],
  };
}

function givenStreams({ stdio }: ProcessSpec): TerminalPart {
  const given = (["stdin", "stdout", "stderr"] as const).flatMap((name) => {
    const source = stdio[name];
    if (source === "inherit") return [];
    return [{ name, slot: SLOTS[name], fd: source.fd }];
  });
  const slotOf = (name: "stdin" | "stdout" | "stderr"): number =>
    given.some((stream) => stream.name === name) ? SLOTS[name] : -1;
  return {
    parent: given.map(({ name, slot, fd }) => ({
      op: "fd.use",
      slot,
      fd,
      note: name,
    })),
    slots: given.map(({ slot }) => slot),
    open: [],
    console: [],
    control: [],
    streams: [{
      op: "stdio.set",
      flags: 0,
      stdin: slotOf("stdin"),
      stdout: slotOf("stdout"),
      stderr: slotOf("stderr"),
    }],
  };
}

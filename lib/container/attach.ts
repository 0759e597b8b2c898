/**
 * How the caller's stdin, stdout and stderr reach the program inside, and the
 * hand-over of the attached command to the monitor.
 *
 * A terminal is never given to the container itself: what runs inside could
 * push input into it (TIOCSTI, CVE-2016-10124). It gets a pty of its own, or
 * pipes that the monitor relays. Files, pipes and sockets are passed on.
 *
 * @module
 */
import {
  closeFd,
  isTerminal,
  makePipe,
  openNull,
  windowSize,
} from "../../ffi/native.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { type Op, type Plan, SLOTS, type UndoOp } from "../plan/ops.ts";

/** Descriptor given to the container for one of its stdio, or `inherit`. */
export type StdioEnd = "inherit" | {
  readonly fd: number;
  /** Whether it stays the caller's: it is not closed after the start. */
  readonly isBorrowed?: boolean;
};

/** Both sides of the caller's stdio. */
export interface Attachment {
  /** What the container gets. */
  readonly stdio: {
    readonly stdin: StdioEnd;
    readonly stdout: StdioEnd;
    readonly stderr: StdioEnd;
  };
  /** Our ends of relay pipes; -1 where there is none. */
  readonly relay: {
    readonly stdin: number;
    readonly stdout: number;
    readonly stderr: number;
  };
  /** Size of the caller's terminal, for a pty. */
  readonly terminalSize?: { readonly rows: number; readonly columns: number };
  /** Whether this command stays: it also shows what came out before a start failed. */
  readonly stays?: boolean;
  /** Whether what comes out of a pty goes to no terminal, which would need carriage returns. */
  readonly plainNewlines?: boolean;
}

const NO_RELAY = { stdin: -1, stdout: -1, stderr: -1 } as const;
const INHERIT = {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
} as const;

/** A terminal is replaced by the null device, nobody being left to relay it. */
function detachedEnd(fd: number): StdioEnd {
  return isTerminal(fd) ? { fd: openNull() } : "inherit";
}

function relayFrom(fd: number): { inner: StdioEnd; outer: number } {
  if (!isTerminal(fd)) return { inner: "inherit", outer: -1 };
  const [read, write] = makePipe();
  return fd === 0
    ? { inner: { fd: read }, outer: write }
    : { inner: { fd: write }, outer: read };
}

/**
 * Opens what takes the place of a stream that is not there.
 *
 * @returns A descriptor of the null device, owned by the caller.
 */
export function openNothing(): number {
  return openNull();
}

/**
 * Whether a stream of the caller is a terminal.
 *
 * @param stream Which one.
 * @returns False for a file, a pipe, or one that is closed.
 */
export function hasTerminal(stream: "stdin" | "stdout" | "stderr"): boolean {
  return isTerminal(["stdin", "stdout", "stderr"].indexOf(stream));
}

/**
 * Prepares stdio for a program.
 *
 * @param options `tty`: the program gets a pty; `detach`: nobody stays to relay.
 * @returns What to give to the container and what to relay.
 * @throws {KernelError} `SystemError` if pipes cannot be made.
 */
export function attachStdio(
  options: { readonly tty: boolean; readonly detach: boolean },
): Attachment {
  if (options.detach) {
    return {
      stdio: {
        stdin: detachedEnd(0),
        stdout: detachedEnd(1),
        stderr: detachedEnd(2),
      },
      relay: NO_RELAY,
    };
  }
  if (options.tty) {
    const size = windowSize(0) ?? windowSize(1);
    return {
      stdio: INHERIT,
      relay: NO_RELAY,
      stays: true,
      ...(size && { terminalSize: size }),
    };
  }
  const [stdin, stdout, stderr] = [0, 1, 2].map(relayFrom);
  return {
    stdio: {
      stdin: stdin?.inner ?? "inherit",
      stdout: stdout?.inner ?? "inherit",
      stderr: stderr?.inner ?? "inherit",
    },
    relay: {
      stdin: stdin?.outer ?? -1,
      stdout: stdout?.outer ?? -1,
      stderr: stderr?.outer ?? -1,
    },
    stays: true,
  };
}

/** Attachments whose inner ends are closed. */
const closed = new WeakSet<Attachment>();

/**
 * Closes the container's ends of pipes in this process, but for borrowed ones.
 * A second time does nothing.
 */
export function closeInnerEnds(attachment: Attachment): void {
  if (closed.has(attachment)) return;
  closed.add(attachment);
  for (const end of Object.values(attachment.stdio)) {
    if (end !== "inherit" && !end.isBorrowed) closeFd(end.fd);
  }
}

/** Closes our ends of the relay pipes. */
export function closeRelay(attachment: Attachment): void {
  for (const fd of Object.values(attachment.relay)) {
    if (fd >= 0) closeFd(fd);
  }
}

/** What the monitor needs besides the attachment. */
export interface MonitorRequest {
  /** Execution whose child is watched. */
  readonly run: PlanRun;
  /** The caller's side of stdio. */
  readonly attachment: Attachment;
  /** What to do at the end. */
  readonly undo: readonly UndoOp[];
  /** Printed when the clean-up fails. */
  readonly message: string;
  /** Printed when nothing failed but a poststop hook. */
  readonly warning?: string;
  /** Printed when the container has been checkpointed. */
  readonly notice?: string;
}

/**
 * Turns this process into the monitor of the program that runs; never returns.
 *
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function becomeMonitor(request: MonitorRequest): never {
  const { run, ...rest } = request;
  const master = run.take(SLOTS.master) ?? -1;
  const pidfd = run.takePidfd();
  run.close();
  return monitorProcess({ ...rest, pidfd, master });
}

/**
 * Turns this process into the monitor of a child; never returns.
 *
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function monitorProcess(request: WatchRequest): never {
  return new PlanRun(monitorPlan(request)).monitor();
}

/** What the monitor of a child needs. */
export type WatchRequest = Omit<MonitorRequest, "run"> & {
  /** Of the child. */
  readonly pidfd: number;
  /** Outer end of its terminal; -1 for none. */
  readonly master: number;
};

/** The Plan of the monitor of a child. */
export function monitorPlan(
  { pidfd, master, attachment, undo, message, warning, notice }: WatchRequest,
): Plan {
  const raw = master >= 0 && isTerminal(0);
  const op: Op<"monitor"> = {
    op: "monitor",
    flags: raw ? 3 : 0,
    pidfd,
    master,
    ...attachment.relay,
    message,
    ...warning === undefined ? {} : { warning },
    ...notice === undefined ? {} : { notice },
  };
  return { parent: [op], child: [], undo };
}

/**
 * Why CRIU failed: the line of its log that decides, and what to do about it.
 *
 * @module
 */

/** Errors that CRIU logs and gets over, or that only say that others came before. */
const HARMLESS: readonly RegExp[] = [
  /Can't setup RLIMIT_NOFILE for self/,
  /kdat cache/,
  /Address already assigned/,
  /Bad rule/,
  /exited, status=/,
  /Dumping FAILED/,
  /Restoring FAILED/,
  /Pre-dumping FAILED/,
  /Unable to dump data/,
  /killed by signal 9: Killed/,
];

/** What to do about a failure, by the words that CRIU has for it. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /consider using --tcp-established|Connected TCP socket/,
    "a connection is open: use --tcp-established",
  ],
  [
    /file locks are hold|file-locks/,
    "a file lock is held: use --file-locks",
  ],
  [
    /half of stream unix connection/,
    "a stream socket is connected to a program outside, which cannot be checkpointed: close it first",
  ],
  [
    /Unix socket \d+ without peer/,
    "a unix socket is connected to a program in another network namespace, which cannot be checkpointed: close it first, or let the container share that namespace",
  ],
  [
    /External socket is used|ext-unix-sk/,
    "a unix socket is connected to a program outside: use --ext-unix-sk",
  ],
  [
    /dangling tty|shell-job|session leader/i,
    "the session or the terminal belongs to a program outside: use --shell-job",
  ],
  [
    /Can't lookup mount=|Can't find mount/,
    "a file is open that is not in the container",
  ],
  [
    /Can't fork for|File exists/,
    "a process id is taken: where the container has no pid namespace of its own, its processes must have been reaped first",
  ],
  [
    /Tracking memory is not available|Dirty tracking/,
    "this kernel does not track changed memory (CONFIG_MEM_SOFT_DIRTY)",
  ],
  [
    /Unexpected rt vDSO|kernel features detection|kerndat/,
    "this CRIU is too old for this kernel: install a newer one",
  ],
  [
    /Can't get 1:16 opt/,
    "this CRIU is too old for this kernel: install 4.2 or later",
  ],
  [
    /Can't get rlimit .*not permitted/,
    "nsinit has not CAP_SYS_RESOURCE, which CRIU needs for processes of other users than root",
  ],
  [
    /Can't open file fd\/\d+ on restore/,
    "a standard stream is a file that root of the container may not open: use a pipe, or give the file to that user",
  ],
  [
    /whose \/proc doesn't belong to it/,
    "the container sees the host's /proc, by which CRIU cannot know its processes: give it a mount namespace of its own",
  ],
  [
    /page-pipe: splice|Lazy pages transfer/,
    "this CRIU cannot serve memory on this kernel: leave --lazy-pages out",
  ],
  [/iptables-restore|iptables/, "install iptables, or use nftables"],
];

/**
 * Tells whether an error of the log says nothing about the failure. Pure.
 *
 * @param line The error, without time and place.
 * @returns Whether it does not.
 */
export function isHarmless(line: string): boolean {
  return HARMLESS.some((pattern) => pattern.test(line));
}

/**
 * Finds the line of a log that tells why CRIU failed: the first error that it
 * does not get over. Pure.
 *
 * @param log Text of the log.
 * @returns The line without time and place; undefined when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decisiveLine } from "./failure.ts";
 *
 * const log = "(00.1) Error (criu/tty.c:12): tty: Found dangling tty\n(00.2) Error (criu/cr-dump.c:1): Dumping FAILED.\n";
 * assertEquals(decisiveLine(log), "tty: Found dangling tty");
 * ```
 */
export function decisiveLine(log: string): string | undefined {
  const errors = log.split("\n").flatMap((line) => {
    const [, text] = /Error \([^)]*\): ?(.*)$/.exec(line) ?? [];
    return text === undefined ? [] : [text.trim()];
  });
  const found = errors.find((text) => !isHarmless(text)) ?? errors[0];
  return found?.slice(0, 500);
}

/**
 * Tells what to do about a failure. Pure.
 *
 * @param line The decisive line.
 * @returns A clause; undefined where nothing is known.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { remedyFor } from "./failure.ts";
 *
 * assertEquals(remedyFor("Some file locks are hold by dumping tasks!"), "a file lock is held: use --file-locks");
 * ```
 */
export function remedyFor(line: string): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(line))?.[1];
}

/**
 * What a program asks of the kernel, told by strace.
 *
 * @module
 */
import { type RunOptions, runProgram } from "./nsinit.ts";

/** A system call, as one line of strace tells it. */
export interface Call {
  /** Thread that made it. */
  readonly thread: string;
  /** Its name. */
  readonly name: string;
  /** Its arguments, as far as strace prints them. */
  readonly text: string;
}

/** Calls of the engine for itself: memory, locks, threads, its event loop. */
const ENGINE: ReadonlySet<string> = new Set([
  "brk",
  "clock_gettime",
  "clock_nanosleep",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_wait",
  "exit",
  "futex",
  "getpid",
  "getrandom",
  "gettid",
  "madvise",
  "membarrier",
  "mmap",
  "mprotect",
  "mremap",
  "munmap",
  "poll",
  "restart_syscall",
  "rseq",
  "rt_sigreturn",
  "sched_getaffinity",
  "sched_getparam",
  "sched_getscheduler",
  "sched_yield",
  "set_robust_list",
  "sigaltstack",
  "timerfd_settime",
]);
/** The eight bytes by which one thread of the engine wakes another. */
const WAKING = /^(write|read)\(\d+, "\\1\\0\\0\\0\\0\\0\\0\\0", \d+/;

/**
 * Whether the engine makes a call for itself, as often as it pleases.
 *
 * @param call A call of a program that Deno runs.
 * @returns True for calls that are not counted.
 */
export function isOfEngine({ name, text }: Call): boolean {
  return ENGINE.has(name) || WAKING.test(text) ||
    text.includes("CLONE_THREAD") || text.includes("PR_SET_NAME") ||
    text.includes("tsc_freq_khz");
}

/**
 * Runs a program under strace to its end.
 *
 * @param command The program and its arguments.
 * @param trace What is traced, as `-e trace=` takes it; everything unless given.
 * @param options Where and how; it must succeed.
 * @returns Its calls and those of all that it starts, in order.
 */
export async function traceCalls(
  command: readonly string[],
  trace: string | undefined,
  options: RunOptions = {},
): Promise<Call[]> {
  const file = await Deno.makeTempFile({ prefix: "nsinit-trace-" });
  try {
    const filter = trace === undefined ? [] : ["-e", `trace=${trace}`];
    const strace = ["strace", "-f", "-qq", "-s", "200", "-o", file, ...filter];
    const { code, stderr } = await runProgram([...strace, ...command], {
      timeoutMs: 120_000,
      ...options,
      // Otherwise Deno asks the network now and then whether it is the newest.
      env: { ...options.env, DENO_NO_UPDATE_CHECK: "1" },
    });
    if (code !== 0) throw new Error(`${command.join(" ")}: ${code}\n${stderr}`);
    return parseTrace(await Deno.readTextFile(file));
  } finally {
    await Deno.remove(file);
  }
}

/** Each call once: those that another thread interrupts are told in two lines. */
function parseTrace(text: string): Call[] {
  const calls: Call[] = [];
  for (const line of text.split("\n")) {
    const [, thread, rest, name] = /^(\d+)\s+((\w+)\(.*)$/.exec(line) ?? [];
    if (thread && rest && name) calls.push({ thread, name, text: rest });
  }
  return calls;
}

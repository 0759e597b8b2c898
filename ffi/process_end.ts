/**
 * Waiting for the ends of processes through their pidfds.
 *
 * @module
 */
import { library } from "./library.ts";
import { type ExitStatus, exitStatusOf, unwrap } from "./native.ts";
import { poller, type WaitOptions, type Watch } from "./poller.ts";

const WNOHANG = 1;
const WNOWAIT = 0x0100_0000;
const EAGAIN = 11;
const ECHILD = 10;
const ENODATA = 61;
/** How long a process that has ended is given to be reaped by its own parent, in milliseconds. */
const REAP_MS = 1000;

/** What is known of a process: how it ended, or that it has not, or is another's and unknown. */
type Look = ExitStatus | "alive" | "foreign";

/**
 * Looks whether a process has ended; reaps it if it is a child.
 *
 * @param pidfd Its pidfd, borrowed.
 * @param reap `false` to leave a child that has ended to be reaped by another.
 * @returns Its status; `alive`; `foreign` for what is no child (any more).
 * @throws {KernelError} `SystemError` if the kernel refuses.
 *
 * @example
 * ```ts ignore
 * const found = collectEnd(pidfd);
 * if (found !== "alive" && found !== "foreign") console.log(found.code);
 * ```
 */
export function collectEnd(pidfd: number, reap = true): Look {
  const out = new Int32Array(2);
  const result = library().nsi_wait(
    pidfd,
    reap ? WNOHANG : WNOHANG | WNOWAIT,
    new Uint8Array(out.buffer),
  );
  if (result === -EAGAIN) return "alive";
  if (result === -ECHILD) return "foreign";
  unwrap(result, "wait for a process");
  return exitStatusOf(out);
}

/** Status of a foreign process that has ended; undefined where nobody can know; `early` before it is reaped. */
function foreignEnd(pidfd: number): ExitStatus | undefined | "early" {
  const out = new Int32Array(2);
  const result = library().nsi_pidfd_exit(pidfd, new Uint8Array(out.buffer));
  if (result === -EAGAIN) return "early";
  if (result === -ENODATA) return undefined;
  unwrap(result, "read a process's exit status");
  return exitStatusOf(out);
}

/** Options of {@linkcode watchEnd}. */
export interface EndOptions {
  /** `false`: the program may end meanwhile. */
  readonly ref?: boolean;
  /** `false`: a child is left to be reaped by another. */
  readonly reap?: boolean;
}

/** One process whose end is awaited. */
class EndWatch implements Watch {
  readonly #pidfd: number;
  readonly #callback: (status: ExitStatus | undefined) => void;
  readonly #reap: boolean;
  #isRef: boolean;
  #watch: Watch;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    pidfd: number,
    callback: (status: ExitStatus | undefined) => void,
    { ref: isRef = true, reap = true }: EndOptions,
  ) {
    this.#pidfd = pidfd;
    this.#callback = callback;
    this.#isRef = isRef;
    this.#reap = reap;
    this.#watch = poller.watch(pidfd, "read", () => this.#ended(), {
      ref: isRef,
    });
  }

  stop(): void {
    this.#watch.stop();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  ref(): void {
    this.#isRef = true;
    this.#watch.ref();
    if (this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  unref(): void {
    this.#isRef = false;
    this.#watch.unref();
    if (this.#timer !== undefined) Deno.unrefTimer(this.#timer);
  }

  #finish(status: ExitStatus | undefined): void {
    this.stop();
    this.#callback(status);
  }

  #ended(): void {
    const found = collectEnd(this.#pidfd, this.#reap);
    if (found === "alive") return;
    if (found !== "foreign") return this.#finish(found);
    const status = foreignEnd(this.#pidfd);
    if (status !== "early") return this.#finish(status);
    this.#awaitReaping();
  }

  /** It is a zombie: its status can be read when its parent has taken notice. */
  #awaitReaping(): void {
    this.#watch.stop();
    this.#watch = poller.watch(this.#pidfd, "end", () => {
      const status = foreignEnd(this.#pidfd);
      this.#finish(status === "early" ? undefined : status);
    }, { ref: this.#isRef });
    this.#timer = setTimeout(() => this.#finish(undefined), REAP_MS);
    if (!this.#isRef) Deno.unrefTimer(this.#timer);
  }
}

/**
 * Calls back once when a process has ended, having reaped a child unless told
 * not to.
 *
 * The status of a process that is another's child is known from Linux 6.15 on,
 * if its parent reaps it within a second; else it is undefined.
 *
 * @param pidfd Its pidfd, borrowed; open until the call back or {@linkcode Watch.stop}.
 * @param callback Called with the status; never before this returns.
 * @param options Whether it keeps the program running, and reaps.
 * @returns The watch.
 * @throws {KernelError} `SystemError` if the descriptor cannot be waited for.
 *
 * @example
 * ```ts ignore
 * const watch = watchEnd(pidfd, (status) => console.log(status?.code));
 * watch.unref();
 * ```
 */
export function watchEnd(
  pidfd: number,
  callback: (status: ExitStatus | undefined) => void,
  options: EndOptions = {},
): Watch {
  return new EndWatch(pidfd, callback, options);
}

/**
 * Waits for the end of a process, reaping a child.
 *
 * @param pidfd Its pidfd, borrowed; open until the promise settles.
 * @param options Signal that gives up; `ref: false` not to keep the program running.
 * @returns Its status; undefined for another's child whose status cannot be known.
 * @throws {KernelError} `SystemError` if the descriptor cannot be waited for.
 * @throws The signal's reason.
 *
 * @example
 * ```ts ignore
 * const status = await waitForEnd(pidfd, { signal: AbortSignal.timeout(1000) });
 * ```
 */
export function waitForEnd(
  pidfd: number,
  options: WaitOptions = {},
): Promise<ExitStatus | undefined> {
  const { signal, ref = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const giveUp = () => {
      watch.stop();
      reject(signal?.reason);
    };
    const watch = watchEnd(pidfd, (status) => {
      signal?.removeEventListener("abort", giveUp);
      resolve(status);
    }, { ref });
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}

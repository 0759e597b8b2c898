/**
 * Waiting for descriptors and for the ends of processes.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { closeFd, makePipe, openPidfd } from "../../ffi/native.ts";
import { library } from "../../ffi/library.ts";
import { Poller, poller } from "../../ffi/poller.ts";
import { collectEnd, waitForEnd } from "../../ffi/process_end.ts";
import { KernelError } from "../../lib/errors.ts";
import { makeSocketPair, openFile, spawnChild } from "../support/libc.ts";
import { delay, REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";

/** From Linux 6.15 on a pidfd keeps the exit status. */
const TELLS_STATUS = kernelAtLeast(6, 15);

function kernelAtLeast(major: number, minor: number): boolean {
  const [first = 0, second = 0] = Deno.osRelease().split(".").map(Number);
  return first > major || (first === major && second >= minor);
}

function until(condition: () => boolean): Promise<boolean> {
  return waitFor("the events", condition);
}

const ONE = new Uint8Array([1]);

function write(fd: number, bytes = ONE): void {
  assertEquals(
    Number(library().nsi_write(fd, bytes, BigInt(bytes.length))),
    bytes.length,
  );
}

function read(fd: number): number {
  return Number(library().nsi_read(fd, new Uint8Array(65536), 65536n));
}

/** A pipe that closes itself. */
class Pipe implements Disposable {
  readonly out: number;
  readonly in: number;

  constructor() {
    [this.out, this.in] = makePipe();
  }

  [Symbol.dispose](): void {
    poller.release(this.out);
    poller.release(this.in);
    for (const fd of [this.out, this.in]) library().nsi_close(fd);
  }
}

function threads(): number {
  const text = Deno.readTextFileSync("/proc/self/status");
  return Number(/^Threads:\s+(\d+)/m.exec(text)?.[1]);
}

/** A process of another parent: the child of a shell that goes on. */
class ForeignProcess implements AsyncDisposable {
  readonly #shell: Deno.ChildProcess;
  readonly pid: number;

  private constructor(shell: Deno.ChildProcess, pid: number) {
    this.#shell = shell;
    this.pid = pid;
  }

  /** Runs a script; its parent reaps it when told, or never. */
  static async start(
    script: string,
    options: { readonly reaps: boolean },
  ): Promise<ForeignProcess> {
    const after = options.reaps ? "read x; wait; read x" : "exec sleep 100";
    const program = `(${script}) & echo $!; ${after}`;
    const shell = new Deno.Command("/bin/bash", {
      args: ["-c", program],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = shell.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return new ForeignProcess(shell, Number(new TextDecoder().decode(value)));
  }

  /** Lets its parent reap it. */
  async letReap(): Promise<void> {
    const writer = this.#shell.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    writer.releaseLock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.kill("SIGKILL");
    await this.#shell.status;
    await this.#shell.stdin.abort();
  }
}

Deno.test("ready() tells data, room, and the end of the other side", async () => {
  using pipe = new Pipe();

  const early = poller.ready(pipe.out, "read");
  write(pipe.in);
  const data = await early;
  const room = await poller.ready(pipe.in, "write");
  read(pipe.out);
  const end = poller.ready(pipe.out, "end");
  closeFd(pipe.in);
  const ended = await end;

  assert(data.readable && !data.ended);
  assert(room.writable && !room.failed);
  assert(ended.ended && !ended.failed);
});

Deno.test("ready() tells a writer that nobody reads any more", async () => {
  using pipe = new Pipe();
  library().nsi_nonblock(pipe.in);
  while (
    Number(library().nsi_write(pipe.in, new Uint8Array(65536), 65536n)) > 0
  );

  const room = poller.ready(pipe.in, "write");
  closeFd(pipe.out);

  assert((await room).failed);
});

Deno.test("ready() gives up by its signal and leaves nothing under way", async () => {
  using pipe = new Pipe();
  const controller = new AbortController();
  const reason = new Error("enough");

  const wait = poller.ready(pipe.out, "read", { signal: controller.signal });
  controller.abort(reason);

  assertEquals(await wait.catch((error) => error), reason);
  assertEquals(
    await poller.ready(pipe.out, "read", { signal: controller.signal })
      .catch((error) => error),
    reason,
  );
  await poller.settled();
  assertEquals(poller.size, 0);
});

Deno.test("watch() calls back as long as there is data, and not after stop()", async () => {
  using pipe = new Pipe();
  write(pipe.in, new Uint8Array(3));
  let calls = 0;

  await new Promise<void>((resolve) => {
    const watch = poller.watch(pipe.out, "read", () => {
      calls++;
      library().nsi_read(pipe.out, new Uint8Array(1), 1n);
      if (calls < 3) return;
      watch.stop();
      watch.stop();
      resolve();
    });
  });
  write(pipe.in);
  await delay(20);

  assertEquals(calls, 3);
});

Deno.test("one descriptor is watched for several things at once", async () => {
  const [near, far] = makeSocketPair();
  const seen: string[] = [];
  const watches = (["read", "write"] as const).map((interest) => {
    const watch = poller.watch(near, interest, () => {
      seen.push(interest);
      watch.stop();
    });
    return watch;
  });

  write(far);
  await until(() => seen.length === 2);

  assertEquals(seen.sort(), ["read", "write"]);
  assertEquals(watches.length, 2);
  poller.close(near);
  poller.close(far);
});

Deno.test("watch() refuses what cannot be waited for", () => {
  const file = openFile("/etc/passwd", 0);

  const error = assertThrows(
    () => poller.watch(file, "read", () => {}),
    KernelError,
    "EPERM",
  );
  const closed = assertThrows(
    () => poller.watch(100_000, "read", () => {}),
    KernelError,
    "EBADF",
  );

  assertEquals([error.errno, closed.errno], [1, 9]);
  assertEquals(poller.size, 0);
  closeFd(file);
});

Deno.test("an event of a closed descriptor does not reach the next one of its number", async () => {
  const calls: string[] = [];
  for (let round = 0; round < 200; round++) {
    const [out, input] = makePipe();
    poller.watch(out, "read", () => calls.push("first"));
    write(input);
    // The wait on the other thread has the event by now, or not.
    if (round % 2 === 0) threads();
    poller.close(out);
    const [other, otherInput] = makePipe();
    assertEquals(other, out);
    const watch = poller.watch(other, "read", () => calls.push("second"));
    await delay(0);
    watch.stop();
    for (const fd of [input, other, otherInput]) closeFd(fd);
  }
  await poller.settled();
  assertEquals(calls, []);
});

Deno.test("watch() delivers each pressure event", async () => {
  const fd = openFile("/proc/pressure/cpu");
  // Some task waits for a CPU for at least a microsecond in two seconds, the
  // shortest time that does not take CAP_SYS_RESOURCE.
  write(fd, new TextEncoder().encode("some 1 2000000\0"));
  const threadsBusy = Array.from(
    { length: 4 },
    () =>
      new Deno.Command("/bin/sh", {
        args: ["-c", "i=0; while [ $i -lt 10000000 ]; do i=$((i+1)); done"],
      }).spawn(),
  );
  let events = 0;

  await new Promise<void>((resolve) => {
    const watch = poller.watch(fd, "priority", ({ priority }) => {
      assert(priority);
      if (++events < 2) return;
      watch.stop();
      resolve();
    });
  });

  for (const busy of threadsBusy) {
    busy.kill("SIGKILL");
    await busy.status;
  }
  poller.close(fd);
});

Deno.test("an error of a callback is reported and stops no other", async () => {
  using pipe = new Pipe();
  const reported: unknown[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  globalThis.addEventListener("error", listener);
  const failure = new Error("of the callback");
  let calls = 0;
  const first = poller.watch(pipe.out, "read", () => {
    first.stop();
    throw failure;
  });
  const second = poller.watch(pipe.out, "read", () => {
    calls++;
    second.stop();
  });

  write(pipe.in);
  await until(() => calls === 1);

  globalThis.removeEventListener("error", listener);
  assertEquals(reported, [failure]);
});

Deno.test("unref'ed watches are delivered without a call under way", async () => {
  using pipe = new Pipe();
  let calls = 0;

  const watch = poller.watch(pipe.out, "read", () => {
    calls++;
    read(pipe.out);
  }, { ref: false });
  await poller.settled();
  write(pipe.in);
  await until(() => calls === 1);
  // To and fro between both ways of waiting.
  watch.ref();
  write(pipe.in);
  await until(() => calls === 2);
  watch.unref();
  await poller.settled();
  write(pipe.in);
  await until(() => calls === 3);
  watch.stop();

  assertEquals(poller.size, 0);
});

/** Runs a program on the poller; how it ended, and after how long in milliseconds. */
async function runWithPoller(
  text: string,
): Promise<{ code: number; stdout: string; took: number }> {
  const started = performance.now();
  const { code, stdout, stderr } = await runProgram([
    Deno.execPath(),
    "eval",
    `import { poller } from "${REPOSITORY}/ffi/poller.ts";
     import { watchEnd } from "${REPOSITORY}/ffi/process_end.ts";
     import { makePipe, openPidfd } from "${REPOSITORY}/ffi/native.ts";
     const [out] = makePipe();
     ${text}`,
  ], { timeoutMs: 20_000 });
  assertEquals(stderr, "");
  return { code, stdout, took: performance.now() - started };
}

Deno.test("the program ends while only unref'ed watches are left", async () => {
  const { code, stdout } = await runWithPoller(`
    const watch = poller.watch(out, "read", () => {});
    setTimeout(() => { watch.unref(); console.log("unref"); }, 50);
    watchEnd(openPidfd(1), () => {}, { ref: false });
  `);

  assertEquals([code, stdout], [0, "unref\n"]);
});

Deno.test("the program goes on while something is watched", async () => {
  const { code, took } = await runWithPoller(`
    const watch = poller.watch(out, "read", () => {}, { ref: false });
    watch.ref();
    poller.ready(out, "read", { signal: AbortSignal.timeout(700) })
      .catch(() => watch.stop());
  `);

  assertEquals(code, 0);
  assert(took >= 700, `${took}`);
});

Deno.test("waitForEnd() reaps children and tells how they ended", async () => {
  const exited = spawnChild("exit 7");
  const killed = spawnChild("kill -9 $$");

  assertEquals(await waitForEnd(exited.pidfd), {
    code: 7,
    signal: undefined,
  });
  assertEquals(await waitForEnd(killed.pidfd), { code: 137, signal: 9 });
  assertEquals(collectEnd(exited.pidfd), "foreign");
  closeFd(exited.pidfd);
  closeFd(killed.pidfd);
});

Deno.test("waitForEnd() tells the end of a process of another parent with its status", async () => {
  await using foreign = await ForeignProcess.start("sleep 0.3; exit 9", {
    reaps: true,
  });
  const pidfd = openPidfd(foreign.pid) ?? -1;
  assertEquals(collectEnd(pidfd), "foreign");

  const waiting = waitForEnd(pidfd);
  await foreign.letReap();

  assertEquals(
    await waiting,
    TELLS_STATUS ? { code: 9, signal: undefined } : undefined,
  );
  closeFd(pidfd);
});

Deno.test("waitForEnd() tells the end of a process that nobody reaps", async () => {
  await using foreign = await ForeignProcess.start("sleep 0.3; exit 9", {
    reaps: false,
  });
  const pidfd = openPidfd(foreign.pid) ?? -1;

  assertEquals(await waitForEnd(pidfd), undefined);

  closeFd(pidfd);
});

Deno.test("waitForEnd() gives up by its signal", async () => {
  const pidfd = openPidfd(Deno.ppid) ?? -1;

  await assertRejects(
    () => waitForEnd(pidfd, { signal: AbortSignal.timeout(20) }),
    DOMException,
    "timeout",
  );

  await poller.settled();
  assertEquals(poller.size, 0);
  closeFd(pidfd);
});

Deno.test("a thousand waits take one thread and do not hold up the event loop", async () => {
  using warm = new Pipe();
  write(warm.in);
  await poller.ready(warm.out, "read");
  const before = threads();
  const pipes = Array.from({ length: 1000 }, () => new Pipe());
  let ready = 0;
  const waits = pipes.map(({ out }) =>
    poller.ready(out, "read").then(() => ready++)
  );

  await delay(100);
  const added = threads() - before;
  let lag = 0;
  for (let round = 0; round < 50; round++) {
    const asked = performance.now();
    await delay(1);
    lag = Math.max(lag, performance.now() - asked);
  }
  for (const pipe of pipes) write(pipe.in);
  const started = performance.now();
  await Promise.all(waits);
  const took = performance.now() - started;
  for (const pipe of pipes) pipe[Symbol.dispose]();

  assertEquals(ready, 1000);
  assert(added <= 2, `${added} threads`);
  // A busy machine may hold up one of them for long; a blocked loop would for ever.
  assert(lag < 250, `${lag} ms`);
  assert(took < 2000, `${took} ms`);
});

Deno.test("a poller of its own waits on its own set", async () => {
  using pipe = new Pipe();
  const other = new Poller();

  const waiting = other.ready(pipe.out, "read");
  write(pipe.in);

  assert((await waiting).readable);
  assertEquals([other.size, poller.size], [0, 0]);
});

/**
 * Processes as values: starting, ends, signals, descriptors.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { makePipe } from "../../ffi/native.ts";
import { poller } from "../../ffi/poller.ts";
import {
  closeAll,
  pendingBytes,
  readSome,
  writeSome,
} from "../../ffi/descriptors.ts";
import {
  Process,
  type ProcessOptions,
  StateError,
  UsageError,
} from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { openFile, openPty } from "../support/libc.ts";
import { delay, REPOSITORY, runProgram } from "../support/nsinit.ts";
import {
  describe,
  openDescriptors,
  type RunOptions,
  TestContainer,
  textOf,
} from "../support/processes.ts";

const test = containerTests("process");
const BOTH = { stdout: "piped", stderr: "piped" } as const;
const decoder = new TextDecoder();

/** A container whose first process sleeps. */
async function running(workspace: Workspace): Promise<TestContainer> {
  const container = await TestContainer.create(workspace);
  await container.start({ args: ["sleep", "1000"] });
  return container;
}

/** First and joined processes alike. */
async function inBoth(
  workspace: Workspace,
  check: (run: (what: RunOptions) => Promise<Process>) => Promise<void>,
): Promise<void> {
  await using first = await TestContainer.create(workspace);
  await check((what) => first.start(what));
  await using other = await running(workspace);
  await check((what) => other.start(what));
}

async function outputOf(process: Process): Promise<string> {
  return decoder.decode((await process.output()).stdout);
}

test("output() collects both streams and the status of a program that fails", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({
      args: "echo out; echo err >&2; exit 7",
      ...BOTH,
    });

    const { stdout, stderr, ...status } = await process.output();

    assertEquals(status, { success: false, code: 7, signal: null });
    assertEquals(decoder.decode(stdout), "out\n");
    assertEquals(decoder.decode(stderr), "err\n");
  }));

test("a process killed by a signal tells which", (workspace) =>
  inBoth(workspace, async (run) => {
    const cases = [
      ["SIGKILL", "SIGKILL", 137],
      [9, "SIGKILL", 137],
    ] as const;
    for (const [signal, name, code] of cases) {
      const process = await run({ args: ["sleep", "100"] });
      process.kill(signal);
      assertEquals(await process.status, {
        success: false,
        code,
        signal: name,
      });
    }
  }));

test("signals are taken by name and by number, SIGTERM when none is given", async (workspace) => {
  await using container = await running(workspace);
  const ends = [];
  for (const signal of [undefined, "TERM", "SIGUSR1", 34, "SIGRTMIN+1"]) {
    const process = await container.start({ args: ["sleep", "100"] });
    process.kill(signal);
    ends.push(await process.wait());
  }

  assertEquals(ends.map(({ code, signal }) => [code, signal]), [
    [143, "SIGTERM"],
    [143, "SIGTERM"],
    [138, "SIGUSR1"],
    [162, "SIGRTMIN"],
    [163, "SIGRTMIN+1"],
  ]);
});

test("a process that was not started has neither pid nor status nor streams", () => {
  const process = describe({ args: ["true"], stdout: "piped", tty: false });

  const uses: (() => unknown)[] = [
    () => process.pid,
    () => process.status,
    () => process.kill(),
    () => process.stdout,
    () => process.terminal,
    () => process.resize({ columns: 1, rows: 1 }),
    () => process.ref(),
    () => process.unref(),
  ];
  for (const use of uses) {
    assertEquals(assertThrows(use, StateError).code, "ProcessNotExecuted");
  }
  return Promise.resolve();
});

test("a process that has ended cannot be signalled, nor started again", async (workspace) => {
  await using container = await running(workspace);
  const process = await container.start({ args: ["true"] });
  await process.status;

  const gone = assertThrows(() => process.kill("SIGTERM"), StateError);
  const again = await assertRejects(
    () => container.start(process),
    UsageError,
  );

  assertEquals(gone.code, "ProcessNotExecuted");
  assert(again.message.includes("started before"), again.message);
  assertThrows(() => process.kill("SIGNOTHING"), UsageError, "no such signal");
});

test("a process whose start failed can be started again", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const before = openDescriptors();
  const process = describe({ args: ["missing"], stdin: "piped", ...BOTH });

  for (let round = 0; round < 3; round++) {
    const error = await container.start(process).catch((reason) => reason);
    assertEquals(error.code, "ProgramNotFound");
  }

  assertEquals(openDescriptors(), before);
});

test("streams that are not piped are not there", async (workspace) => {
  await using container = await running(workspace);
  const process = await container.start({ args: ["true"] });
  const terminal = await container.start({ args: ["true"], tty: true });

  for (const name of ["stdin", "stdout", "stderr"] as const) {
    assertThrows(() => process[name], UsageError, `${name}: "piped"`);
    assertThrows(() => terminal[name], UsageError, "see terminal");
  }
  assertThrows(() => process.terminal, UsageError, "tty: true");
  await assertRejects(() => process.output(), UsageError);
  await terminal.status;
});

test("streams lead to the null device unless told otherwise", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({
      args:
        "for fd in 0 1; do echo $(readlink /proc/$$/fd/$fd) >&2; done; wc -c",
      stderr: "piped",
    });

    const { stderr } = await process.output();
    assertEquals(decoder.decode(stderr), "/dev/null\n/dev/null\n");
  }));

test("streams can be descriptors of the caller, which it keeps", (workspace) =>
  inBoth(workspace, async (run) => {
    const path = await Deno.makeTempFile({ dir: workspace.dir });
    await Deno.writeTextFile(path, "from a file\n");
    const file = openFile(path, 0);
    const [read, write] = makePipe();

    const process = await run({
      args: "cat; echo to stderr >&2",
      stdin: file,
      stdout: write,
      stderr: write,
    });
    await process.status;

    assertEquals(pendingBytes(read), "from a file\nto stderr\n".length);
    closeAll([file, read, write]);
  }));

test("extra files arrive as 3 and 4 with nothing else open, and can be written", (workspace) =>
  inBoth(workspace, async (run) => {
    const pipes = [makePipe(), makePipe()];
    const writers = pipes.map(([, write]) => write);
    const process = await run({
      args: "ls /proc/self/fd; echo three >&3; echo four! >&4",
      stdout: "piped",
      extraFiles: writers,
    });

    const text = await outputOf(process);

    // One of them is the directory that ls reads.
    assertEquals(text.trim().split("\n"), ["0", "1", "2", "3", "4", "5"]);
    assertEquals(pipes.map(([read]) => pendingBytes(read)), [6, 6]);
    closeAll(pipes.flat());
  }));

test("extra files keep their order whatever their numbers", async (workspace) => {
  await using container = await running(workspace);
  const pipes = Array.from({ length: 20 }, () => makePipe());
  const order = pipes.map(([, write]) => write).reverse();

  const process = await container.start({
    args: 'for fd in 3 4 9; do head -c "$fd" /dev/zero >&"$fd"; done',
    extraFiles: order,
  });
  await process.status;

  const sizes = pipes.map(([read]) => pendingBytes(read)).reverse();
  assertEquals(sizes.slice(0, 8), [3, 4, 0, 0, 0, 0, 9, 0]);
  closeAll(pipes.flat());
});

test("a terminal does not go inside as an extra file", () => {
  const { master, peer } = openPty();

  const error = assertThrows(
    () => new Process({ args: ["sh"], extraFiles: [peer] }),
    UsageError,
  );

  assert(error.message.includes("push input"), error.message);
  poller.close(master);
  closeAll([peer]);
  return Promise.resolve();
});

test("a terminal that is passed as a stream is relayed, not handed inside", async (workspace) => {
  await using container = await running(workspace);
  const { master, peer } = openPty();
  const before = openDescriptors();

  const process = await container.start({
    args: "read line; echo got $line; test -t 0 || echo no terminal; exit 3",
    stdin: peer,
    stdout: peer,
    stderr: peer,
  });
  const typed = new TextEncoder().encode("hello\n");
  assertEquals(await writeAll(master, typed), typed.length);
  const { code } = await process.status;

  const shown = await readUntil(master, "no terminal\r\n");
  assertEquals(code, 3);
  assertEquals(shown, "hello\r\ngot hello\r\nno terminal\r\n");
  await delay(0);
  await poller.settled();
  assertEquals(openDescriptors(), before);
  poller.close(master);
  closeAll([peer]);
});

async function writeAll(fd: number, bytes: Uint8Array): Promise<number> {
  await poller.ready(fd, "write");
  return writeSome(fd, bytes);
}

/** A worker of the kernel passes on what is written to the other end of a pty. */
async function readUntil(fd: number, end: string): Promise<string> {
  const bytes = new Uint8Array(4096);
  let text = "";
  while (!text.endsWith(end)) {
    await poller.ready(fd, "read");
    const count = Math.max(readSome(fd, bytes), 0);
    text += decoder.decode(bytes.subarray(0, count));
  }
  return text;
}

test("options that cannot be are refused before anything is made", () => {
  const wrong: readonly (readonly [Partial<ProcessOptions>, string])[] = [
    [{ args: undefined as unknown as string[] }, "no args"],
    [{ args: ["a\0b"] }, "NUL"],
    [{ stdout: "pipe" as "piped" }, "stdout"],
    [{ stdin: -1 }, "stdin"],
    [{ stdin: 1.5 }, "stdin"],
    [{ tty: { columns: 80, rows: 70_000 } }, "80 x 70000"],
    [{ tty: true, stdout: "piped" }, "terminal and stdout"],
    [{ extraFiles: [-3] }, "extraFiles[0]"],
    [{ extraFiles: Array.from({ length: 200 }, () => 0) }, "at most 128"],
    [{ capabilities: ["CHOWNS" as "CHOWN"] }, '"CHOWN"'],
    [{ capabilities: "KILL" as unknown as [] }, "capabilities: found"],
    [{ rlimits: [{ type: 7, soft: 10, hard: 5 }] }, "rlimits[0]"],
    [{ rlimits: [{ type: 99, soft: 1, hard: 5 }] }, "rlimits[0]"],
    [{ user: 0 as unknown as string }, "no text"],
  ];
  for (const [options, part] of wrong) {
    const make = () => new Process({ args: ["true"], ...options });
    assertEquals(assertThrows(make, UsageError, part).code, "UsageInvalid");
  }
  return Promise.resolve();
});

test("what a process is given takes the place of the configuration's", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({
      args:
        "id; pwd; env | sort; ulimit -n; grep -E 'CapEff|NoNewPrivs' /proc/self/status",
      env: { A: "1", PATH: "/bin" },
      clearEnv: true,
      user: "daemon",
      cwd: "/etc",
      additionalGroups: ["audio", "1234"],
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 77, hard: 99 }],
      capabilities: { bounding: ["CAP_KILL"] },
      noNewPrivileges: true,
      stdout: "piped",
    });

    const lines = (await outputOf(process)).trim().split("\n");
    assert(/uid=1\(daemon\).*audio.*1234/.test(lines[0] ?? ""), lines[0]);
    assertEquals(lines[1], "/etc");
    assert(lines.includes("A=1") && lines.includes("PATH=/bin"), `${lines}`);
    assert(!lines.some((line) => line.startsWith("TERM=")), `${lines}`);
    assert(lines.includes("77"), `${lines}`);
    assert(lines.includes("CapEff:\t0000000000000000"), `${lines}`);
    assert(lines.includes("NoNewPrivs:\t1"), `${lines}`);
  }));

test("an aborted signal kills, and the status still comes", async (workspace) => {
  await using container = await running(workspace);
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController();
    const starting = container.start({
      args: ["sleep", "1000"],
      signal: controller.signal,
    });
    const reason = new Error(`round ${round}`);
    const timer = setTimeout(
      () => controller.abort(reason),
      Math.random() * 30,
    );

    const outcome = await starting.then(
      (process) => process.status,
      (error) => error,
    );

    clearTimeout(timer);
    if (outcome === reason) continue;
    assertEquals(outcome, { success: false, code: 137, signal: "SIGKILL" });
  }
});

test("a signal that was aborted before the start is its failure", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const reason = new Error("not wanted");

  const error = await container.start({
    args: ["true"],
    signal: AbortSignal.abort(reason),
  }).catch((failure) => failure);

  assertEquals(error, reason);
  assertEquals(await container.container.status(), "created");
});

test("aborting the first process's signal ends the container", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "sleep 1000 & sleep 1000",
    signal: AbortSignal.timeout(100),
  });

  assertEquals((await process.status).signal, "SIGKILL");
});

test("disposing of a process kills it", async (workspace) => {
  await using container = await running(workspace);
  let status;
  {
    await using process = await container.start({
      args: ["sleep", "1000"],
      stdin: "piped",
      ...BOTH,
    });
    status = process.status;
  }

  assertEquals((await status).signal, "SIGKILL");
});

test("two hundred processes at once, each with its output", async (workspace) => {
  await using container = await running(workspace);
  const before = openDescriptors();

  const texts = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const process = await container.start({
        args: `echo ${index}; echo ${index} >&2; exit ${index % 256}`,
        ...BOTH,
      });
      const { code, stdout, stderr } = await process.output();
      return `${code} ${decoder.decode(stdout)}${decoder.decode(stderr)}`;
    }),
  );

  const wanted = texts.map((_, index) => `${index} ${index}\n${index}\n`);
  assertEquals(texts, wanted);
  await delay(50);
  assertEquals(openDescriptors(), before);
});

test("piped streams that nobody touches leave no descriptor behind", async (workspace) => {
  await using container = await running(workspace);
  const before = openDescriptors();

  for (let round = 0; round < 20; round++) {
    const process = await container.start({
      args: "echo unread; echo unread >&2",
      stdin: "piped",
      ...BOTH,
    });
    await process.status;
  }

  assertEquals(openDescriptors(), before);
});

test("the program ends while only unref'ed processes run, and their container lives on", async (workspace) => {
  await using container = await running(workspace);
  const { id } = container.container;

  const { code, stdout, stderr } = await runProgram([
    Deno.execPath(),
    "eval",
    `import { Factory } from "${REPOSITORY}/mod.ts";
     const container = await new Factory("${workspace.stateRoot}").load("${id}");
     const process = await container.start({
       args: ["sh", "-c", "echo hello; sleep 1000"], stdout: "piped" });
     const reader = process.stdout.getReader();
     console.log(new TextDecoder().decode((await reader.read()).value).trim());
     reader.read();
     process.unref();
     setTimeout(() => console.log("last"), 100);`,
  ], { timeoutMs: 20_000 });

  assertEquals([code, stdout, stderr], [0, "hello\nlast\n", ""]);
  assertEquals(await container.container.status(), "running");
});

test("the program goes on while a process runs", async (workspace) => {
  await using container = await running(workspace);
  const { id } = container.container;

  const { code, stdout } = await runProgram([
    Deno.execPath(),
    "eval",
    `import { Factory } from "${REPOSITORY}/mod.ts";
     const container = await new Factory("${workspace.stateRoot}").load("${id}");
     const process = await container.start({ args: ["sleep", "0.5"] });
     process.unref();
     process.ref();
     process.status.then(({ code }) => console.log("ended", code));`,
  ], { timeoutMs: 20_000 });

  assertEquals([code, stdout], [0, "ended 0\n"]);
});

test("inherited streams of the caller that are no terminals are used as they are", async (workspace) => {
  await using container = await running(workspace);
  const { id } = container.container;

  const { stdout, stderr } = await runProgram([
    Deno.execPath(),
    "eval",
    `import { Factory } from "${REPOSITORY}/mod.ts";
     const container = await new Factory("${workspace.stateRoot}").load("${id}");
     const process = await container.start({
       args: ["sh", "-c", "cat; echo err >&2"],
       stdin: "inherit", stdout: "inherit", stderr: "inherit" });
     await process.status;`,
  ], { timeoutMs: 20_000, stdin: "typed" });

  assertEquals([stdout, stderr], ["typed", "err\n"]);
});

test("output of a process that lives on in the background ends with the background", async (workspace) => {
  await using container = await running(workspace);
  const process = await container.start({
    args: "(sleep 0.3; echo late) & echo early",
    stdout: "piped",
  });

  const { code } = await process.status;

  assertEquals(code, 0);
  assertEquals(await textOf(process.stdout), "early\nlate\n");
});

test("a process has the attributes that it is started with", (workspace) =>
  inBoth(workspace, async (run) => {
    const script = "umask; cat /proc/self/oom_score_adj; uname -m; " +
      "sed -n 's/Cpus_allowed_list:.//p' /proc/self/status";
    const process = await run({
      args: ["sh", "-c", script],
      umask: 0o077,
      oomScoreAdj: 300,
      cpuAffinity: { final: "0" },
      personality: { domain: "LINUX32" },
      scheduler: { policy: "SCHED_BATCH", nice: 5 },
      ...BOTH,
    });
    const [mask, score, machine, cpus] = (await outputOf(process)).split("\n");
    assertEquals([mask, score, cpus], ["0077", "300", "0"]);
    if (Deno.build.arch === "x86_64") assertEquals(machine, "i686");
  }));

test("attributes out of range are refused before anything is started", () => {
  for (
    const [options, text] of [
      [{ umask: 0o10000 }, "umask"],
      [{ oomScoreAdj: 1001 }, "-1000 to 1000"],
      [{ cpuAffinity: { final: "x" } }, "cpuAffinity.final"],
    ] as const
  ) {
    assertThrows(
      () => new Process({ args: ["true"], ...options }),
      UsageError,
      text,
    );
  }
});

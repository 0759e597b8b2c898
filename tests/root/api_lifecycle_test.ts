/**
 * The rules of a container's life through the library, each error code
 * provoked for real.
 *
 * @module
 */
import { has } from "../support/capability.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { closeFd, lockDirectory } from "../../ffi/native.ts";
import {
  type Config,
  ConfigError,
  type Container,
  type ErrorCode,
  Factory,
  KernelError,
  NsinitError,
  Process,
  ProgramError,
} from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { delay, REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";

const test = containerTests("apilife");
const SLEEP = { args: ["/bin/sleep", "100"] };

function factoryOf(workspace: Workspace): Factory {
  return new Factory(workspace.stateRoot);
}

async function create(
  workspace: Workspace,
  changes: Record<string, unknown> = {},
): Promise<Container> {
  const config = await readConfig(workspace, changes);
  return await factoryOf(workspace).create(workspace.newName(), config);
}

async function assertCode(
  code: ErrorCode,
  attempt: () => unknown,
): Promise<NsinitError> {
  const error = await assertRejects(async () => await attempt());
  assertInstanceOf(error, NsinitError, String(error));
  assertEquals(error.code, code, error.message);
  return error;
}

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

/** Fails when a promise has not settled in time. */
async function deadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`not done after ${ms} ms`)),
    ms,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isDead(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    // The file of a process that is just going.
    return String(error).includes("ESRCH");
  }
}

test("a container is created, runs, stops, runs again and is destroyed", async (workspace) => {
  const container = await create(workspace);
  assertEquals(await container.status(), "created");
  assertEquals((await container.state()).initProcessPid, 0);

  for (const code of [0, 7]) {
    const args = ["/bin/sh", "-c", `read line; exit ${code}`];
    const process = await container.start({ args, stdin: "piped" });
    assertEquals(await container.status(), "running");
    assertEquals(await container.processes(), [process.pid]);
    await process.stdin.close();
    assertEquals((await process.status).code, code);
    assertEquals((await container.wait()).code, code);
    const exit = await waitFor(
      "the record",
      async () => (await container.state()).exit,
    );
    assertEquals(exit, { code });
    assertEquals(await container.status(), "stopped");
  }

  await container.destroy();
  await container.destroy();
  await assertCode("ContainerNotExists", () => container.status());
});

test("state() tells first process, cgroups, namespaces and configuration", async (workspace) => {
  await using container = await create(workspace, {
    namespaces: ["NEWNS", "NEWPID", "NEWUTS", "NEWNET"].map((type) => ({
      type,
    })),
  });
  const process = await container.start(SLEEP);

  const state = await container.state();

  assertEquals(state.id, container.id);
  assertEquals(state.status, "running");
  assertEquals(state.initProcessPid, process.pid);
  const stat = await Deno.readTextFile(`/proc/${process.pid}/stat`);
  assertEquals(
    state.initProcessStart,
    stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19],
  );
  const paths = Object.values(state.cgroupPaths);
  assert(paths.length > 0);
  for (const path of paths) {
    const pids = await Deno.readTextFile(`${path}/cgroup.procs`);
    assertEquals(pids, `${process.pid}\n`);
  }
  // Shared ones are named too: their file leads to the host's.
  assertEquals(
    await Deno.readLink(state.namespacePaths["NEWIPC"] ?? ""),
    await Deno.readLink("/proc/self/ns/ipc"),
  );
  assert(
    await Deno.readLink(state.namespacePaths["NEWNET"] ?? "") !==
      await Deno.readLink("/proc/self/ns/net"),
  );
  assertEquals(state.config, container.config);
});

test("config is a copy that cannot be changed", async (workspace) => {
  const config = await readConfig(workspace) as Config & { hostname: string };
  await using container = await factoryOf(workspace).create(
    workspace.newName(),
    config,
  );
  config.hostname = "changed";

  assertEquals(container.config.hostname, "testing");
  assertThrows(
    () => (container.config.mounts as unknown[]).push({}),
    TypeError,
  );
});

test("start() joins while the first process lives", async (workspace) => {
  await using container = await create(workspace);
  const first = await container.start(SLEEP);
  const joined = await container.start({
    args: ["/bin/sh", "-c", "readlink /proc/self/ns/pid; exit 3"],
    stdout: "piped",
  });

  const { code, stdout } = await joined.output();

  assertEquals(code, 3);
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    await Deno.readLink(`/proc/${first.pid}/ns/pid`),
  );
  assertEquals(await container.status(), "running");
});

test("of concurrent first starts one is the first and the others join", async (workspace) => {
  await using container = await create(workspace);
  const other = await factoryOf(workspace).load(container.id);

  const processes = await Promise.all(
    Array.from(
      { length: 12 },
      (_, index) => (index % 2 ? other : container).start(SLEEP),
    ),
  );

  const pids = processes.map(({ pid }) => pid).sort((a, b) => a - b);
  assertEquals(await container.processes(), pids);
  const namespaces = new Set(
    pids.map((pid) => Deno.readLinkSync(`/proc/${pid}/ns/pid`)),
  );
  assertEquals(namespaces.size, 1);
});

test("the death of the first process ends all others, and their streams", async (workspace) => {
  await using container = await create(workspace, {
    namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWNET"].map((type) => ({
      type,
    })),
  });
  const first = await container.start(SLEEP);
  const joined = await container.start({
    args: ["/bin/sh", "-c", "echo here; exec sleep 100"],
    stdout: "piped",
  });

  first.kill("SIGKILL");

  assertEquals((await first.status).signal, "SIGKILL");
  assertEquals((await joined.status).signal, "SIGKILL");
  assertEquals(await new Response(joined.stdout).text(), "here\n");
});

test("the exit is reported before the cgroups are removed, which destroy() awaits", async (workspace) => {
  const container = await create(workspace);
  const process = await container.start(SLEEP);
  const groups = Object.values((await container.state()).cgroupPaths);
  process.kill("SIGKILL");
  await process.status;
  await container.destroy();
  for (const group of groups) {
    await assertRejects(() => Deno.lstat(group), Deno.errors.NotFound);
  }
});

test("those who wait for a lock take no threads from others", async (workspace) => {
  await using container = await create(workspace);
  const dir = `${workspace.stateRoot}/${container.id}`;
  const lock = lockDirectory(dir);
  assert(typeof lock === "number");
  let isHeld = true;
  const starts = Array.from(
    { length: 100 },
    () => container.start(SLEEP).then(() => assert(!isHeld)),
  );
  try {
    // More of them than the pool has threads would hold these up for ever.
    const reads = Array.from(
      { length: 40 },
      () => Deno.readTextFile(`${dir}/state.json`),
    );
    const first = await Promise.race([Promise.all(reads), delay(5000)]);
    assert(first !== undefined, "files cannot be read");
    assertEquals(await container.status(), "created");
  } finally {
    isHeld = false;
    closeFd(lock);
  }
  const failures = (await Promise.allSettled(starts))
    .filter(({ status }) => status === "rejected");
  assertEquals(failures, []);
});

test("await using kills and destroys", async (workspace) => {
  let pid: number;
  let id: string;
  {
    await using container = await create(workspace);
    id = container.id;
    pid = (await container.start(SLEEP)).pid;
  }
  assert(isDead(pid));
  await assertCode("ContainerNotExists", () => factoryOf(workspace).load(id));
});

test("IdInUse: create() on an id that is taken, created or running", async (workspace) => {
  await using container = await create(workspace);
  const factory = factoryOf(workspace);
  await assertCode(
    "IdInUse",
    () => factory.create(container.id, container.config),
  );
  await container.start(SLEEP);
  await assertCode(
    "IdInUse",
    () => factory.create(container.id, container.config),
  );
  const results = await Promise.allSettled(
    Array.from(
      { length: 8 },
      () => factory.create(`${container.id}x`, container.config),
    ),
  );
  assertEquals(
    results.filter(({ status }) => status === "fulfilled").length,
    1,
  );
  await (await factory.load(`${container.id}x`)).destroy();
});

test("InvalidIdFormat: ids that are none", async (workspace) => {
  const config = await readConfig(workspace);
  for (
    const id of ["", ".", "..", "a/b", "a b", "ä", "a".repeat(1025), "a\0"]
  ) {
    await assertCode(
      "InvalidIdFormat",
      () => factoryOf(workspace).create(id, config),
    );
    await assertCode("InvalidIdFormat", () => factoryOf(workspace).load(id));
  }
});

test("ContainerNotExists: load(), and what is done with a destroyed container", async (workspace) => {
  const container = await create(workspace);
  await container.destroy();
  for (
    const attempt of [
      () => factoryOf(workspace).load(container.id),
      () => container.state(),
      () => container.processes(),
      () => container.start(SLEEP),
      () => container.wait(),
      () => container.signal("SIGTERM"),
      () => container.pause(),
      () => container.resume(),
      () => container.stats(),
      () => container.set({ memory: 1 << 26 }),
    ]
  ) await assertCode("ContainerNotExists", attempt);
});

test("a handle does not act on a later container of its id", async (workspace) => {
  const old = await create(workspace);
  await old.destroy();
  await using container = await factoryOf(workspace).create(
    old.id,
    await readConfig(workspace),
  );
  const process = await container.start(SLEEP);

  await assertCode("ContainerNotExists", () => old.status());
  await assertCode("ContainerNotExists", () => old.start(SLEEP));
  await assertCode("ContainerNotExists", () => old.signal(9));
  await old.destroy({ force: true });

  assertEquals(await container.processes(), [process.pid]);
});

test("ContainerNotRunning: what needs a first process, before it and after", async (workspace) => {
  await using container = await create(workspace);
  const attempts = [
    () => container.processes(),
    () => container.signal("SIGTERM"),
    () => container.pause(),
    () => container.resume(),
    () => container.stats(),
  ];
  for (const attempt of [...attempts, () => container.wait()]) {
    await assertCode("ContainerNotRunning", attempt);
  }
  const process = await container.start({ args: ["/bin/true"] });
  await process.status;
  await waitFor("the end", async () => await container.status() === "stopped");
  for (const attempt of attempts) {
    await assertCode("ContainerNotRunning", attempt);
  }
});

test("ContainerPaused and ContainerNotPaused", async (workspace) => {
  await using container = await create(workspace);
  const process = await container.start(SLEEP);
  await assertCode("ContainerNotPaused", () => container.resume());
  await container.pause();
  assertEquals(await container.status(), "paused");

  await assertCode("ContainerPaused", () => container.start(SLEEP));

  assertEquals(await container.processes(), [process.pid]);
  await container.resume();
  assertEquals(await container.status(), "running");
});

test("ContainerNotStopped: destroy() of one that runs or is paused, unless forced", async (workspace) => {
  const container = await create(workspace);
  const process = await container.start(SLEEP);
  await assertCode("ContainerNotStopped", () => container.destroy());
  await container.pause();
  await assertCode("ContainerNotStopped", () => container.destroy());
  assertEquals(await container.status(), "paused");

  await container.destroy({ force: true });

  assertEquals((await process.status).signal, "SIGKILL");
});

test("ProcessNotExecuted: a process before its start", async () => {
  const process = new Process(SLEEP);
  await assertCode("ProcessNotExecuted", () => process.status);
  await assertCode("ProcessNotExecuted", () => process.wait());
  assertThrows(() => process.pid, NsinitError, "started");
  assertThrows(() => process.kill(), NsinitError, "started");
});

test("ConfigInvalid: create() tells everything that is wrong, and reserves nothing", async (workspace) => {
  const config = await readConfig(workspace);
  const wrong = {
    ...config,
    hostname: "two words",
    networks: [],
    namespaces: [{ type: "NEWPID" as const }],
  };
  const error = await assertCode(
    "ConfigInvalid",
    () => factoryOf(workspace).create("wrong", wrong),
  );
  assertInstanceOf(error, ConfigError);
  assert(error.problems.length > 1, error.message);
  await assertCode(
    "ConfigInvalid",
    () =>
      factoryOf(workspace).create("wrong", {
        ...config,
        rootfs: `${workspace.dir}/missing`,
      }),
  );
  await assertCode(
    "ContainerNotExists",
    () => factoryOf(workspace).load("wrong"),
  );
});

test("ConfigInvalid: a user that the container does not have", async (workspace) => {
  await using container = await create(workspace);
  await assertCode(
    "ConfigInvalid",
    () => container.start({ args: ["/bin/true"], user: "nobody-of-that-name" }),
  );
  assertEquals(await container.status(), "created");
});

test("SystemError: a step that the kernel refuses leaves the container as it was", async (workspace) => {
  await using container = await create(workspace, {
    namespaces: [
      ...["NEWNS", "NEWPID", "NEWNET"].map((type) => ({ type })),
      { type: "NEWIPC", path: "/proc/self/ns/net" },
    ],
    hostname: "",
  });
  const error = await assertCode("SystemError", () => container.start(SLEEP));
  assertInstanceOf(error, KernelError);
  assertEquals(error.operation, "ns.open");
  assertEquals(await container.status(), "created");
});

test("ProgramNotFound and ProgramNotExecutable, in the first process and in a joined one", async (workspace) => {
  await using container = await create(workspace);
  for (const status of ["created", "running"]) {
    if (status === "running") await container.start(SLEEP);
    const missing = await assertCode(
      "ProgramNotFound",
      () => container.start({ args: ["no-such-program"] }),
    );
    assertInstanceOf(missing, ProgramError);
    await assertCode(
      "ProgramNotExecutable",
      () => container.start({ args: ["/etc/passwd"] }),
    );
    assertEquals(await container.status(), status);
  }
});

test(
  "HostUnsupported: a label on a machine without SELinux",
  async (workspace) => {
    await using container = await create(workspace);
    await assertCode(
      "HostUnsupported",
      () =>
        container.start({ ...SLEEP, processLabel: "system_u:system_r:t:s0" }),
    );
    assertEquals(await container.status(), "created");
  },
  { needs: ["no-selinux"] },
);

test("UsageInvalid: wrong options, an unknown signal, a process started twice", async (workspace) => {
  await using container = await create(workspace);
  await assertCode("UsageInvalid", () => container.start({ args: [] }));
  assertEquals(await container.status(), "created");
  const process = await container.start(SLEEP);
  await assertCode("UsageInvalid", () => container.start(process));
  await assertCode("UsageInvalid", () => container.signal("SIGNOTHING"));
  await assertCode("UsageInvalid", () => container.signal(0));
  assertThrows(() => new Factory(""), NsinitError, "name a directory");
});

test("signal() reaches the first process", async (workspace) => {
  await using container = await create(workspace);
  const process = await container.start({
    args: [
      "/bin/sh",
      "-c",
      "trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done",
    ],
    stdout: "piped",
  });
  const reader = process.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  await container.signal("SIGUSR1");
  assertEquals((await process.status).code, 5);
});

test("a container that nsinit exec started is loaded, waited for and destroyed", async (workspace) => {
  const made = await workspace.container({ parent_death_signal: 0 });
  const end = `/${workspace.newName()}`;
  const script = `until [ -e ${end} ]; do sleep 0.1; done; exit 4`;
  assertEquals((await made.detach(["/bin/sh", "-c", script])).code, 0);
  const container = await factoryOf(workspace).load(await made.id());
  assertEquals(await container.status(), "running");
  const joined = await container.start({ args: ["/bin/true"] });
  assertEquals((await joined.status).code, 0);
  await Deno.writeTextFile(workspace.rootfs + end, "");

  const { code } = await container.wait();

  await Deno.remove(workspace.rootfs + end);
  // Its parent is the host's init: the kernel tells when that has reaped it in time.
  assert([4, -1].includes(code), `code ${code}`);
  await container.destroy();
});

test("nsinit list, state, kill and delete know the library's containers", async (workspace) => {
  const container = await create(workspace);
  const list = async (): Promise<
    { id: string; status: string; pid: number }[]
  > =>
    JSON.parse((await workspace.nsinit(["list", "--format", "json"])).stdout);
  assertEquals((await list()).map(({ status, pid }) => [status, pid]), [[
    "created",
    0,
  ]]);
  assertEquals(await factoryOf(workspace).list(), await list() as unknown);
  const kill = ["kill", "--signal", "KILL", container.id];
  const early = await workspace.nsinit(kill);
  assertEquals(early.code, 125);
  assert(early.stderr.includes("not been started"), early.stderr);

  const process = await container.start(SLEEP);
  assertEquals((await list()).map(({ status, pid }) => [status, pid]), [[
    "running",
    process.pid,
  ]]);
  assertEquals((await workspace.nsinit(["delete", container.id])).code, 125);
  const joined = await workspace.nsinit([
    "exec",
    "--id",
    container.id,
    "hostname",
  ], { cwd: workspace.dir });
  assertEquals([joined.code, joined.stdout], [0, "testing\n"]);
  assertEquals((await workspace.nsinit(kill)).code, 0);
  assertEquals((await process.status).signal, "SIGKILL");
  await waitFor("the record", async () => (await container.state()).exit);

  assertEquals((await list()).map(({ status, pid }) => [status, pid]), [[
    "stopped",
    0,
  ]]);
  const state = JSON.parse(
    (await workspace.nsinit(["state", container.id])).stdout,
  );
  assertEquals(state.exit, { code: 137, signal: 9 });
  assertEquals((await workspace.nsinit(["delete", container.id])).code, 0);
  assertEquals(await list(), []);
});

test("nsinit exec starts a created container from its recorded configuration", async (workspace) => {
  const container = await create(workspace, { hostname: "reserved" });
  const before = namesIn(workspace.dir);

  const result = await workspace.nsinit(
    ["exec", "--id", container.id, "/bin/sh", "-c", "hostname; exit 6"],
    { cwd: workspace.dir },
  );

  assertEquals([result.code, result.stdout], [6, "reserved\n"], result.stderr);
  // From then on it is as any of exec's: it went with its program, and has no marker.
  await assertCode("ContainerNotExists", () => container.status());
  const after = namesIn(workspace.dir);
  assertEquals(after, before);
});

test("a failed nsinit exec leaves a created container as it was", async (workspace) => {
  await using container = await create(workspace);
  const result = await workspace.nsinit(
    ["exec", "--id", container.id, "no-such-program"],
    { cwd: workspace.dir },
  );
  assertEquals(result.code, 127, result.stderr);
  assertEquals(await container.status(), "created");
});

/** Runs a script of this test's own in another program; `factory` and `id` are there. */
function otherProgram(
  workspace: Workspace,
  id: string,
  script: string,
): ReturnType<typeof runProgram> {
  const code = `
    import { Factory } from "file://${REPOSITORY}/mod.ts";
    const factory = new Factory(${JSON.stringify(workspace.stateRoot)});
    const id = ${JSON.stringify(id)};
    ${script}`;
  return runProgram(
    [Deno.execPath(), "run", "-A", "--no-check", "--no-lock", "--ext=ts", "-"],
    { stdin: code, cwd: REPOSITORY },
  );
}

test("another program loads, joins, limits, pauses, waits for and destroys a container", async (workspace) => {
  const container = await create(workspace);
  const process = await container.start(SLEEP);

  const { code, stdout, stderr } = await otherProgram(
    workspace,
    container.id,
    `
    const container = await factory.load(id);
    const before = await container.status();
    const joined = await container.start({ args: ["hostname"], stdout: "piped" });
    const name = new TextDecoder().decode((await joined.output()).stdout).trim();
    await container.pause();
    const paused = await container.status();
    await container.resume();
    await container.set({ cpuShares: 512 });
    const waited = container.wait();
    await container.signal("SIGKILL");
    const status = await waited;
    console.log(JSON.stringify([before, name, paused, container.config.cgroups.cpuShares, status]));
    await container.destroy();`,
  );

  assertEquals(code, 0, stderr);
  assertEquals(JSON.parse(stdout), [
    "running",
    "testing",
    "paused",
    512,
    { success: false, code: 137, signal: "SIGKILL" },
  ]);
  assertEquals((await process.status).signal, "SIGKILL");
  await assertCode("ContainerNotExists", () => container.status());
});

test("those who list containers do not disturb those who create some", async (workspace) => {
  const script = `
    const end = Date.now() + 2500;
    let rounds = 0;
    for (; Date.now() < end; rounds++) await factory.list();
    console.log(rounds);`;
  const factory = factoryOf(workspace);
  const config = await readConfig(workspace);
  let isDone = false;
  const lister = otherProgram(workspace, "", script)
    .finally(() => isDone = true);
  // Names that differ each time: the directory of each is new.
  const createAndDestroy = async (): Promise<number> => {
    let count = 0;
    for (; !isDone; count++) {
      await (await factory.create(workspace.newName(), config)).destroy();
    }
    return count;
  };

  const counts = await Promise.all(Array.from({ length: 4 }, createAndDestroy));

  const { code, stdout, stderr } = await lister;
  assertEquals(code, 0, stderr);
  assert(Number(stdout) > 10 && Math.min(...counts) > 10, `${counts}`);
});

test("a created container outlives its program, and another one starts it", async (workspace) => {
  const config = await readConfig(workspace);
  const id = workspace.newName();
  await Deno.writeTextFile(
    `${workspace.dir}/config.json`,
    JSON.stringify(config),
  );
  const { code, stderr } = await otherProgram(
    workspace,
    id,
    `await factory.create(id, JSON.parse(await Deno.readTextFile("${workspace.dir}/config.json")));`,
  );
  assertEquals(code, 0, stderr);

  await using container = await factoryOf(workspace).load(id);
  assertEquals(await container.status(), "created");
  const process = await container.start({
    args: ["hostname"],
    stdout: "piped",
  });
  assertEquals(
    new TextDecoder().decode((await process.output()).stdout),
    "testing\n",
  );
});

test("start, destroy and create at once: each succeeds or says why, and nothing is left", async (workspace) => {
  const factory = factoryOf(workspace);
  const config = await readConfig(workspace);
  const id = workspace.newName();
  const expected = ["IdInUse", "ContainerNotExists", "ContainerNotRunning"];
  for (let round = 0; round < 30; round++) {
    const container = await factory.create(id, config);
    const starts = (): Promise<unknown>[] =>
      Array.from({ length: 4 }, () => container.start(SLEEP));
    const results = await deadline(
      Promise.allSettled([
        ...starts(),
        container.destroy({ force: true }),
        factory.create(id, config),
        ...starts(),
      ]),
      20_000,
    );
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      assertInstanceOf(result.reason, NsinitError, String(result.reason));
      assert(expected.includes(result.reason.code), result.reason.message);
    }
    for (const { id } of await factory.list()) {
      await (await factory.load(id)).destroy({ force: true });
    }
    assertEquals(await factory.list(), []);
  }
});

test("a start beside the end of the first process joins that, or is the first anew", async (workspace) => {
  await using container = await create(workspace);
  const rounds = has("full") ? 400 : 64;
  for (let round = 0; round < rounds; round++) {
    const first = await container.start({ args: ["/bin/true"] });
    // Anywhere from before its end to after the removal of what it made.
    if (round % 4 > 0) await delay(round % 16 / 2);
    const second = await container.start({ args: ["/bin/true"] });
    assertEquals((await first.status).code, 0);
    const { code, signal } = await second.status;
    // A joined one is killed with the first.
    assert(code === 0 || signal === "SIGKILL", `status ${code}, ${signal}`);
  }
});

/**
 * Containers that are prepared before they are asked for: as any other once they
 * run, and gone with who made them.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type Config,
  type Container,
  type ErrorCode,
  Factory,
  hostRootConfig,
  NsinitError,
  type ProcessOptions,
  type WarmPool,
} from "../../mod.ts";
import { loadState } from "../../lib/container/inspect.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { has } from "../support/capability.ts";
import { findCgroups } from "../support/host_state.ts";
import { readConfig } from "../support/in_process.ts";
import { nsinit, REPOSITORY, Running, waitFor } from "../support/nsinit.ts";
import {
  capabilitiesOf,
  isAlive,
  readKernelFile,
  statusOf,
} from "../support/process_status.ts";
import { openDescriptors } from "../support/processes.ts";

const test = containerTests("warm");
const SLEEP = { args: ["/bin/sleep", "100"] };
const CYCLES = 200;
/** What a process that waits may have in memory, in kB. */
const WAITING_KB = 256;
const SIGKILL = "SIGKILL";
const HAS_GROUPS = has("cgroup-v1") || has("cgroup-v2");

async function configOf(
  workspace: Workspace,
  changes: Record<string, unknown> = {},
): Promise<Config> {
  const { cgroups, ...config } = await readConfig(workspace, changes);
  return { ...config, ...(cgroups && { cgroups: { ...cgroups, name: "" } }) };
}

async function warm(
  workspace: Workspace,
  size: number,
  config: Config | ((id: string) => Config),
): Promise<WarmPool> {
  const factory = new Factory(workspace.stateRoot);
  return await factory.warm(size, config, { prefix: workspace.newName() });
}

async function outputOf(
  container: Container,
  process: ProcessOptions,
): Promise<string> {
  const started = await container.start({
    stdout: "piped",
    stderr: "piped",
    ...process,
  });
  const { stdout, stderr } = await started.output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

async function assertCode(
  code: ErrorCode,
  attempt: () => Promise<unknown>,
): Promise<void> {
  const error = await assertRejects(attempt);
  assertInstanceOf(error, NsinitError, String(error));
  assertEquals(error.code, code, error.message);
}

/** The process that waits in a container. */
async function waitingPid(
  workspace: Workspace,
  { id }: Pick<Container, "id">,
): Promise<number> {
  const state = await loadState(workspace.stateRoot, id);
  assertEquals(state.phase, "prepared");
  return state.pid;
}

/** What the descriptors of a process are open on. */
function linksOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)]
    .map(({ name }) => Deno.readLinkSync(`/proc/${pid}/fd/${name}`)).sort();
}

async function listIds(workspace: Workspace): Promise<string[]> {
  return (await new Factory(workspace.stateRoot).list()).map(({ id }) => id);
}

test("a pool hands out containers that are created, and keeps its size", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(
    workspace,
    2,
    (id) => ({ ...config, hostname: id.slice(-16) }),
  );
  assertEquals([pool.size, pool.ready], [2, 2]);

  const container = await pool.take();
  assertEquals(await container.status(), "created");
  await assertCode("ContainerNotRunning", () => container.processes());
  const listed = await new Factory(workspace.stateRoot).list();
  assertEquals(listed.map(({ status, pid }) => [status, pid]).slice(0, 2), [
    ["created", 0],
    ["created", 0],
  ]);
  const name = await outputOf(container, { args: ["hostname"] });
  assertEquals(name.trim(), container.id.slice(-16));
  await waitFor("another container", () => pool.ready === 2);

  // From then on it is as any other.
  await waitFor(
    "its end to be recorded",
    async () => await container.status() === "stopped",
  );
  const again = await outputOf(container, { args: ["echo", "again"] });
  assertEquals(again, "again\n");
  await container.destroy({ force: true });
  assertEquals((await listIds(workspace)).length, 2);
});

test("what waits has nothing of the host, and cannot be looked into", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const pid = await waitingPid(workspace, container);

  const links = linksOf(pid);
  assertEquals(links.slice(0, 3), ["/", "/", "/"]);
  assertEquals(links.length, 4);
  assertStringIncludes(links[3] ?? "", "socket:");
  assertEquals(await Deno.readLink(`/proc/${pid}/cwd`), "/");
  // Its descriptors 0 to 2 are the container's own root.
  const root = await Deno.stat(`/proc/${pid}/root`);
  const first = await Deno.stat(`/proc/${pid}/fd/0`);
  assertEquals([first.dev, first.ino], [root.dev, root.ino]);
  assertEquals(readKernelFile(`/proc/${pid}/environ`), "");
  // Files of what is not dumpable belong to root, whoever it is.
  const rss = Number.parseInt(statusOf(pid)["VmRSS"] ?? "", 10);
  assert(rss < WAITING_KB, `${rss} kB`);
});

/** What a program can see of how it was started. */
const LOOK = [
  "cat /proc/self/status | grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Sig[BIC]|NSpid|Umask|Cpus_allowed)'",
  "cat /proc/self/limits",
  "cat /proc/self/oom_score_adj",
  // Without a pipe, whose ends the shell would have open for a moment.
  "ls /proc/$$/fd",
  "cut -d' ' -f2- /proc/self/mountinfo | sed 's/^[0-9]* [0-9:]* //' | cut -d' ' -f2-4",
  "env | grep -v NAME",
  "id; pwd; umask; cat /proc/self/attr/current 2>/dev/null",
  "ls -l /dev | awk '{print $1, $3, $4, $NF}'",
].join("; ");

for (
  const [name, changes, process] of [
    ["by default", {}, {}],
    ["as another user", { oom_score_adj: 50 }, {
      user: "daemon",
      cwd: "/tmp",
      env: { A: "1" },
      rlimits: [{ type: 7, soft: 100, hard: 200 }],
      capabilities: ["CHOWN"],
      umask: 0o077,
    }],
    ["with no_new_privs", {}, { noNewPrivileges: true }],
  ] as const
) {
  test(`a process in a sandbox that waited is as any other: ${name}`, async (workspace) => {
    const config = await configOf(workspace, changes);
    const options = {
      ...process,
      args: ["/bin/sh", "-c", LOOK],
    } as ProcessOptions;
    await using pool = await warm(workspace, 1, config);
    await using taken = await pool.take();
    await using made = await new Factory(workspace.stateRoot)
      .create(workspace.newName(), config);

    const [one, other] = [
      await outputOf(taken, options),
      await outputOf(made, options),
    ];

    assertEquals(one, other);
    assertStringIncludes(one, "CapEff");
  });
}

test("a terminal is made in a sandbox that waited", async (workspace) => {
  const config = await configOf(workspace);
  for (const readonlyfs of [false, true]) {
    await using pool = await warm(workspace, 1, { ...config, readonlyfs });
    await using container = await pool.take();
    const process = await container.start({
      args: ["/bin/sh", "-c", "stty size; test -c /dev/console && tty"],
      tty: { columns: 90, rows: 30 },
    });
    const { stdout } = await process.output();
    assertEquals(
      new TextDecoder().decode(stdout).split(/\s+/).filter(Boolean),
      ["30", "90", "/dev/pts/0"],
    );
  }
});

test("streams, extra files and joins of a container of a pool", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const cat = await container.start({
    args: ["/bin/sh", "-c", "cat <&3 >&2; cat"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    extraFiles: [0],
  });
  const joined = await outputOf(container, {
    args: ["/bin/sh", "-c", "ls -d /proc/[0-9]*"],
  });
  assertStringIncludes(joined, "/proc/1\n");
  const writer = cat.stdin.getWriter();
  await writer.write(new TextEncoder().encode("hello"));
  await writer.close();
  const { stdout, success } = await cat.output();
  assertEquals([new TextDecoder().decode(stdout), success], ["hello", true]);
});

test("limits, pause, events and statistics of a container of a pool", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const events: string[] = [];
  const following = (async () => {
    // A machine that is short of memory would be told of as well.
    const options = { pressure: false } as const;
    for await (const { type } of container.events(options)) events.push(type);
  })();
  if (HAS_GROUPS) {
    // They hold in the sandbox at once.
    await container.set({ pidsLimit: 77 });
  }
  const process = await container.start(SLEEP);
  const { cgroupPaths } = await container.state();
  if (HAS_GROUPS) {
    assertEquals(
      readKernelFile(`${cgroupPaths["pids"]}/pids.max`).trim(),
      "77",
    );
  }
  assertEquals(await container.processes(), [process.pid]);
  if (
    cgroupPaths["freezer"] !== undefined || cgroupPaths["unified"] !== undefined
  ) {
    await container.pause();
    assertEquals(await container.status(), "paused");
    await container.resume();
  }
  assert(await container.stats());
  await container.signal("SIGKILL");
  assertEquals((await container.wait()).signal, "SIGKILL");
  await following;
  assertEquals(events, ["start", "exit"]);
});

test("hooks run with the sandbox, with the process, and at the end", async (workspace) => {
  const log = `${await workspace.newDirectory()}/log`;
  const hook = (word: string) => [{
    path: "/bin/sh",
    args: ["sh", "-c", `cat >/dev/null; echo ${word} >> ${log}`],
  }];
  const config = await configOf(workspace);
  const hooks = {
    prestart: hook("prestart"),
    poststart: hook("poststart"),
    poststop: hook("poststop"),
  };
  await using pool = await warm(workspace, 1, { ...config, hooks });
  const lines = (): string[] => Deno.readTextFileSync(log).trim().split("\n");
  assertEquals(lines(), ["prestart"]);
  const container = await pool.take();
  assertEquals(
    (await (await container.start({ args: ["true"] })).status).code,
    0,
  );
  await container.destroy({ force: true });
  await pool.close();
  assertEquals(
    lines().filter((line) => line !== "prestart"),
    ["poststart", "poststop", "poststop"].slice(
      0,
      lines().filter((line) => line !== "prestart").length,
    ),
  );
  assert(lines().includes("poststop"));
});

test("a failed start leaves the container as it was created, to be started again", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  await assertCode(
    "ProgramNotFound",
    () => container.start({ args: ["/none"] }),
  );
  assertEquals(await container.status(), "created");
  await assertCode(
    "ConfigInvalid",
    () => container.start({ args: ["true"], user: "nobody-here" }),
  );
  assertEquals(await outputOf(container, { args: ["echo", "well"] }), "well\n");
});

test("what does not fit the sandbox gets another one", async (workspace) => {
  const { cgroups } = await configOf(workspace);
  const config = {
    ...hostRootConfig(),
    parentDeathSignal: 0,
    ...(cgroups && { cgroups }),
  };
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const waited = await waitingPid(workspace, container);
  const process = await container.start({
    args: ["sh", "-c", "id -u; pwd"],
    user: "1000",
    stdout: "piped",
  });
  const { stdout } = await process.output();
  assertEquals(new TextDecoder().decode(stdout), "1000\n/home/user\n");
  assert(process.pid !== waited);
});

test("a sandbox that somebody killed is replaced", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 2, config);
  const before = await listIds(workspace);
  const [lost = ""] = before;
  Deno.kill(await waitingPid(workspace, { id: lost }), SIGKILL);
  await waitFor("the loss to be seen", () => pool.ready === 1);
  await waitFor(
    "its removal",
    async () => !(await listIds(workspace)).includes(lost),
  );

  // One that was taken is made anew when it is started.
  await using container = await pool.take();
  const waited = await waitingPid(workspace, container);
  Deno.kill(waited, SIGKILL);
  await waitFor("its end", () => !isAlive(waited));
  assertEquals(await outputOf(container, { args: ["echo", "on"] }), "on\n");
  await waitFor("another one", () => pool.ready === 2);
});

test("to other programs a container of a pool is one that was created", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const waited = await waitingPid(workspace, container);
  const run = await nsinit([
    ...["--root", workspace.stateRoot, "exec"],
    ...["--id", container.id, "/bin/echo", "taken"],
  ]);
  assertEquals([run.code, run.stdout], [0, "taken\n"], run.stderr);
  await waitFor("the end of what waited", () => !isAlive(waited));
});

test("many take at once, and each gets its own", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 3, config);
  const ids = await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    await using container = await pool.take();
    const text = await outputOf(container, { args: ["echo", String(index)] });
    assertEquals(text, `${index}\n`);
    return container.id;
  }));
  assertEquals(new Set(ids).size, 20);
  await waitFor("the pool to be full", () => pool.ready === 3);
});

test(`${CYCLES} containers of a pool leave nothing`, async (workspace) => {
  const config = await configOf(workspace);
  {
    // What is opened once for all.
    await using pool = await warm(workspace, 1, config);
    await using container = await pool.take();
    await outputOf(container, { args: ["true"] });
  }
  const before = openDescriptors();
  {
    await using pool = await warm(workspace, 4, config);
    for (let turn = 0; turn < CYCLES; turn++) {
      await using container = await pool.take();
      // Some are never started, some are killed.
      if (turn % 10 === 0) continue;
      const process = await container.start(
        turn % 7 === 0 ? SLEEP : { args: ["true"] },
      );
      if (turn % 7 !== 0) assertEquals((await process.status).code, 0);
    }
  }
  assertEquals(await listIds(workspace), []);
  assertEquals(findCgroups([workspace.tag]), []);
  await waitFor(
    "descriptors to be closed",
    () => openDescriptors().length <= before.length,
  );
});

test("a pool refuses what it cannot do, and leaves nothing of it", async (workspace) => {
  const config = await configOf(workspace);
  const factory = new Factory(workspace.stateRoot);
  for (const size of [0, -1, 1.5, 2000, NaN]) {
    await assertCode("UsageInvalid", () => factory.warm(size, config));
  }
  await assertCode(
    "InvalidIdFormat",
    () => factory.warm(1, config, { prefix: "a/b" }),
  );
  await assertCode(
    "ConfigInvalid",
    () => factory.warm(1, { ...config, rootfs: "/none" }),
  );
  await assertCode("ConfigInvalid", () =>
    factory.warm(1, {
      ...config,
      namespaces: [{ type: "NEWNS" }, {
        type: "NEWPID",
        path: "/proc/1/ns/pid",
      }],
      networks: [],
      hostname: "",
    }));
  await assertCode(
    "SystemError",
    () => factory.warm(3, { ...config, sysctl: { "kernel.shmmni": "many" } }),
  );
  assertEquals(await listIds(workspace), []);

  const pool = await warm(workspace, 1, config);
  const taken = await pool.take();
  const asked = pool.take();
  const refused = assertCode("UsageInvalid", () => asked);
  await pool.close();
  await refused;
  await assertCode("UsageInvalid", () => pool.take());
  await pool.close();
  assertEquals(await outputOf(taken, { args: ["echo", "mine"] }), "mine\n");
  await taken.destroy({ force: true });
});

test("kill -9 of the owner ends what waits, and list sweeps it away", async (workspace) => {
  const config = await configOf(workspace);
  const path = `${workspace.dir}/${workspace.newName()}.ts`;
  await Deno.writeTextFile(
    path,
    `import { Factory } from "file://${REPOSITORY}/mod.ts";
const factory = new Factory(${JSON.stringify(workspace.stateRoot)});
const pool = await factory.warm(3, ${JSON.stringify(config)}, { prefix: ${
      JSON.stringify(workspace.tag)
    } });
const container = await pool.take();
console.log("ready");
setInterval(() => {}, 1000);
`,
  );
  const flags = ["-A", "--no-check", "--no-lock"];
  await using program = new Running(
    [Deno.execPath(), "run", ...flags, path],
    { cwd: REPOSITORY },
  );
  await program.waitForOutput("ready\n");
  const ids = await listIds(workspace);
  assert(ids.length >= 3, String(ids));
  const pids = await Promise.all(
    ids.map((id) => loadState(workspace.stateRoot, id).then(({ pid }) => pid)),
  );

  program.signal(SIGKILL);
  await program.ended();

  await waitFor("the ends of what waited", () => !pids.some(isAlive));
  await waitFor(
    "all to be swept away",
    async () => (await listIds(workspace)).length === 0,
  );
  assertEquals(findCgroups([workspace.tag]), []);
});

test("what was only written down for a pool goes with its owner as well", async (workspace) => {
  const config = await configOf(workspace);
  const id = `${workspace.tag}-written`;
  const path = `${workspace.dir}/${workspace.newName()}.ts`;
  await Deno.writeTextFile(
    path,
    `import { createContainer } from "file://${REPOSITORY}/lib/container/create.ts";
const options = { forPool: true };
await createContainer(${JSON.stringify(workspace.stateRoot)}, ${
      JSON.stringify(id)
    }, ${JSON.stringify(config)}, options);
console.log("written");
await new Promise((resolve) => setTimeout(resolve, 1_000_000));
`,
  );
  const flags = ["-A", "--no-check", "--no-lock"];
  await using program = new Running(
    [Deno.execPath(), "run", ...flags, path],
    { cwd: REPOSITORY },
  );
  await program.waitForOutput("written\n");
  assertEquals(await listIds(workspace), [id]);
  program.signal(SIGKILL);
  await program.ended();
  assertEquals(await listIds(workspace), []);
});

test("what waits has all rights of its sandbox, what runs those of the configuration", async (workspace) => {
  const config = await configOf(workspace);
  await using pool = await warm(workspace, 1, config);
  await using container = await pool.take();
  const pid = await waitingPid(workspace, container);
  assert(capabilitiesOf(statusOf(pid)["CapEff"]).includes("SYS_ADMIN"));
  const process = await container.start(SLEEP);
  assertEquals(process.pid, pid);
  assert(!capabilitiesOf(statusOf(pid)["CapEff"]).includes("SYS_ADMIN"));
});

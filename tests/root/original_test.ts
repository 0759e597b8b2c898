/**
 * What the integration tests of the original libcontainer assert, through the
 * library, one test for each of its behaviours.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ConfigError,
  type Container,
  Factory,
  HostError,
  KernelError,
  type ProcessOptions,
  ProgramError,
} from "../../mod.ts";
import {
  BIND,
  type ConfigJson,
  containerTests,
  DEFAULT_CAPABILITIES,
  DEFAULT_NAMESPACES,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";
import {
  namespaceOf,
  processExists,
  statusOf,
} from "../support/process_status.ts";

const test = containerTests("original");
const decoder = new TextDecoder();

/** The configuration that the original's tests start from: NOFILE is 1025. */
const NOFILE = { type: 7, hard: 1025, soft: 1025 };

/** A mapping of ids of user namespaces. */
function mapping(size: number): ConfigJson {
  return { container_id: 0, host_id: 0, size };
}

async function create(
  workspace: Workspace,
  changes: ConfigJson = {},
): Promise<Container> {
  const config = await readConfig(workspace, { rlimits: [NOFILE], ...changes });
  const factory = new Factory(workspace.stateRoot);
  return await factory.create(workspace.newName(), config);
}

/** How a program ended, with its output as text. */
interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  container: Container,
  args: readonly string[] | string,
  options: Partial<ProcessOptions> = {},
): Promise<Result> {
  const process = await container.start({
    args: typeof args === "string" ? ["/bin/sh", "-c", args] : args,
    env: ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  });
  const { code, stdout, stderr } = await process.output();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Runs one program as the first process of a container of its own. */
async function runAlone(
  workspace: Workspace,
  args: readonly string[] | string,
  changes: ConfigJson = {},
  options: Partial<ProcessOptions> = {},
): Promise<Result> {
  await using container = await create(workspace, changes);
  return await run(container, args, options);
}

/** A container whose first process waits for the end of its input. */
class Waiting implements AsyncDisposable {
  private constructor(
    readonly container: Container,
    readonly first: Awaited<ReturnType<Container["start"]>>,
  ) {}

  static async start(
    workspace: Workspace,
    changes: ConfigJson = {},
    options: Partial<ProcessOptions> = {},
  ): Promise<Waiting> {
    const container = await create(workspace, changes);
    const first = await container.start({
      args: ["cat"],
      env: ["PATH=/bin"],
      stdin: "piped",
      stdout: "piped",
      ...options,
    });
    return new Waiting(container, first);
  }

  /** Ends its input, and so it. */
  async finish(): Promise<number> {
    await this.first.stdin.close();
    const { code } = await this.first.status;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.container[Symbol.asyncDispose]();
  }
}

function withUser(size: number): ConfigJson {
  return {
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    uid_mappings: [mapping(size)],
    gid_mappings: [mapping(size)],
  };
}

for (
  const [what, changes] of [
    ["", {}],
    [" in a user namespace", withUser(1000)],
  ] as const
) {
  test(`ps in a container lists itself as pid 1 of root and nothing else${what}`, async (workspace) => {
    const { code, stdout } = await runAlone(workspace, ["ps"], changes);
    assertEquals(code, 0);
    const lines = stdout.trim().split("\n").slice(1);
    assertEquals(lines.length, 1, stdout);
    assertMatch(lines[0] ?? "", /^\s*1 (root|0)\s.*ps$/);
  });
}

function ipcNamespaces(path?: string): ConfigJson {
  const others = DEFAULT_NAMESPACES.filter((type) => type !== "NEWIPC");
  return {
    namespaces: [
      ...newNamespaces(...others),
      ...(path === undefined ? [] : [{ type: "NEWIPC", path }]),
    ],
    // A message queue belongs to the ipc namespace, which is the host's here.
    mounts: SYSTEM_MOUNTS.filter(({ device }) => device !== "mqueue"),
  };
}

test("a private ipc namespace is another than the host's", async (workspace) => {
  const { code, stdout } = await runAlone(
    workspace,
    "readlink /proc/self/ns/ipc",
  );
  assertEquals(code, 0);
  assertNotEquals(stdout.trim(), namespaceOf("self", "ipc"));
});

test("without NEWIPC the ipc namespace is the host's", async (workspace) => {
  const { code, stdout } = await runAlone(
    workspace,
    "readlink /proc/self/ns/ipc",
    ipcNamespaces(),
  );
  assertEquals([code, stdout.trim()], [0, namespaceOf("self", "ipc")]);
});

test("NEWIPC with the path of the host's namespace joins it", async (workspace) => {
  const { code, stdout } = await runAlone(
    workspace,
    "readlink /proc/self/ns/ipc",
    ipcNamespaces(`/proc/${Deno.pid}/ns/ipc`),
  );
  assertEquals([code, stdout.trim()], [0, namespaceOf("self", "ipc")]);
});

test("NEWIPC with a path that does not exist fails the start", async (workspace) => {
  await using container = await create(
    workspace,
    ipcNamespaces("/proc/1/ns/none"),
  );
  const error = await assertRejects(
    () => container.start({ args: ["/bin/true"] }),
    KernelError,
  );
  assertEquals(error.errnoName, "ENOENT");
  assertStringIncludes(error.message, "/proc/1/ns/none");
});

test("the limit of open files holds for the first and for joined processes", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const joined = await run(waiting.container, "ulimit -n");
  assertEquals(joined.stdout.trim(), "1025");
  await waiting.finish();
  const first = await runAlone(workspace, "ulimit -n");
  assertEquals(first.stdout.trim(), "1025");
});

test("two processes of one container are both listed and share its pid namespace", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const second = await waiting.container.start({
    args: ["cat"],
    env: ["PATH=/bin"],
    stdin: "piped",
  });
  const pids = await waiting.container.processes();
  assert(pids.includes(waiting.first.pid) && pids.includes(second.pid));
  assertEquals(pids.length, 2);
  const link = namespaceOf(waiting.first.pid, "pid");
  assertEquals(namespaceOf(second.pid, "pid"), link);
  assertNotEquals(namespaceOf("self", "pid"), link);
  await second.stdin.close();
  assertEquals((await second.status).code, 0);
  assertEquals(await waiting.finish(), 0);
});

test("the environment of a process reaches the program, with HOME", async (workspace) => {
  const { stdout } = await runAlone(workspace, ["/usr/bin/env"], {}, {
    env: ["PATH=/bin", "FOO=BAR"],
  });
  const lines = stdout.trim().split("\n");
  assert(lines.includes("FOO=BAR"), stdout);
  assert(lines.includes("HOME=/root"), stdout);
});

test("capabilities of a process replace the container's", async (workspace) => {
  const script = "grep CapEff /proc/self/status";
  const NET_ADMIN = 1n << 12n;
  const without = await runAlone(workspace, script);
  const with12 = await runAlone(workspace, script, {}, {
    capabilities: [...DEFAULT_CAPABILITIES, "NET_ADMIN"] as NonNullable<
      ProcessOptions["capabilities"]
    >,
  });
  const mask = (text: string): bigint =>
    BigInt(`0x${text.replace("CapEff:", "").trim()}`);
  assertEquals(mask(without.stdout) & NET_ADMIN, 0n);
  assertEquals(mask(with12.stdout) & NET_ADMIN, NET_ADMIN);
});

test("additional groups by name appear in id", async (workspace) => {
  const rootfs = `${await workspace.newDirectory()}/rootfs`;
  const copy = await new Deno.Command("cp", {
    args: ["-a", workspace.rootfs, rootfs],
  }).output();
  assert(copy.success);
  await Deno.writeTextFile(
    `${rootfs}/etc/group`,
    "root:x:0:\naudio:x:29:\nplugdev:x:46:\n",
  );
  const { stdout } = await runAlone(workspace, ["id"], {
    rootfs,
    additional_groups: ["plugdev", "audio"],
  });
  assertMatch(stdout, /46\(plugdev\)/);
  assertMatch(stdout, /29\(audio\)/);
});

test("a container pauses, resumes, and its program still finishes", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const { container } = waiting;
  assertEquals(await container.status(), "running");
  await container.pause();
  assertEquals(await container.status(), "paused");
  await container.resume();
  assertEquals(await container.status(), "running");
  assertEquals(await waiting.finish(), 0);
});

test("cpu shares of 1 are refused", async (workspace) => {
  const config = await readConfig(workspace);
  const factory = new Factory(workspace.stateRoot);
  const cgroups = { name: "", parent: "", ...config.cgroups, cpuShares: 1 };
  const error = await assertRejects(
    () => factory.create(workspace.newName(), { ...config, cgroups }),
    ConfigError,
  );
  assertStringIncludes(error.message, "2 to 262144");
});

test("State has the path of a shared ipc namespace", async (workspace) => {
  await using waiting = await Waiting.start(workspace, ipcNamespaces());
  const state = await waiting.container.state();
  const path = state.namespacePaths["NEWIPC"];
  assertEquals(await Deno.readLink(path ?? ""), namespaceOf("self", "ipc"));
  assertEquals(state.initProcessPid, waiting.first.pid);
  await waiting.finish();
});

for (const kind of ["first", "joined"]) {
  test(`extra files arrive as descriptors 3 and 4 of a ${kind} process, nothing else is open`, async (workspace) => {
    const files = [0, 1].map(() =>
      Deno.makeTempFileSync({ dir: workspace.dir })
    );
    const libc = Deno.dlopen("libc.so.6", {
      open: { parameters: ["buffer", "i32"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
    const encoder = new TextEncoder();
    const fds = files.map((path) =>
      libc.symbols.open(encoder.encode(`${path}\0`), 0o2000002)
    );
    const script = "cd /proc/self/fd && echo *; echo one >&3; echo two >&4";
    const options = { extraFiles: fds };
    try {
      let result: Result;
      if (kind === "first") {
        result = await runAlone(workspace, script, {}, options);
      } else {
        await using waiting = await Waiting.start(workspace);
        result = await run(waiting.container, script, options);
        await waiting.finish();
      }
      assertEquals([result.code, result.stderr], [0, ""]);
      // The shell's own descriptor of its directory is not among the names.
      const open = result.stdout.trim().split(" ").filter((fd) => fd !== "5");
      assertEquals(open, ["0", "1", "2", "3", "4"]);
      assertEquals(
        files.map((path) => Deno.readTextFileSync(path)),
        ["one\n", "two\n"],
      );
    } finally {
      for (const fd of fds) libc.symbols.close(fd);
      libc.close();
    }
  });
}

test("commands around a bind mount run in order and are seen in the host's directory", async (workspace) => {
  const source = await workspace.newDirectory();
  await Deno.mkdir(`${workspace.rootfs}/bound`);
  const command = (text: string): ConfigJson => ({
    path: "/bin/sh",
    args: [
      "-c",
      `echo ${text} >>${source}/order; ls ${source} >>${source}/seen`,
    ],
    env: ["PATH=/bin:/usr/bin"],
    dir: "",
  });
  const { code } = await runAlone(workspace, "cat /bound/order", {
    mounts: [...SYSTEM_MOUNTS, {
      ...mount("bind", source, "/bound", BIND),
      premount_cmds: [command("before")],
      postmount_cmds: [command("after")],
    }],
  });
  assertEquals(code, 0);
  assertEquals(
    await Deno.readTextFile(`${source}/order`),
    "before\nafter\n",
  );
  await Deno.remove(`${workspace.rootfs}/bound`);
});

test("system properties are seen inside", async (workspace) => {
  const { stdout } = await runAlone(workspace, "cat /proc/sys/kernel/shmmni", {
    system_properties: { "kernel.shmmni": "8192" },
    readonly_paths: [],
  });
  assertEquals(stdout.trim(), "8192");
});

test("a seccomp rule denies chown", async (workspace) => {
  const names = ["chown", "fchown", "lchown", "fchownat"];
  const { code, stderr } = await runAlone(workspace, "chown 1:1 /tmp", {
    seccomp: {
      default_action: 4,
      architectures: [],
      syscalls: names.map((name) => ({ name, action: 2, args: [] })),
    },
  });
  assertNotEquals(code, 0);
  assertMatch(stderr, /not permitted/);
});

test("a joined ps sees cat and itself", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const { stdout } = await run(waiting.container, ["ps"]);
  const programs = stdout.trim().split("\n").slice(1).map((line) =>
    line.trim().split(/\s+/).at(-1)
  );
  assertEquals(programs, ["cat", "ps"]);
  await waiting.finish();
});

test("a join with a missing program fails, and the container lives on", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const error = await assertRejects(
    () =>
      waiting.container.start({
        args: ["no-such-program"],
        env: ["PATH=/bin"],
      }),
    ProgramError,
  );
  assertStringIncludes(error.message, "executable file not found");
  assertEquals(await waiting.container.status(), "running");
  assertEquals(await waiting.finish(), 0);
});

test("a joined process with a terminal writes to it, and it ends with the process", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const process = await waiting.container.start({
    args: ["/bin/sh", "-c", "tty; echo on-a-terminal"],
    env: ["PATH=/bin"],
    tty: true,
  });
  let text = "";
  for await (const chunk of process.terminal.readable) {
    text += decoder.decode(chunk);
  }
  assertEquals((await process.status).code, 0);
  assertMatch(text, /\/dev\/pts\/\d+/);
  assertStringIncludes(text, "on-a-terminal");
  await waiting.finish();
});

test("of duplicates in a joined environment the last counts", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const { stdout } = await run(waiting.container, ["/usr/bin/env"], {
    env: ["PATH=/bin", "DEBUG=true", "DEBUG=false"],
  });
  const lines = stdout.trim().split("\n");
  assert(
    lines.includes("DEBUG=false") && !lines.includes("DEBUG=true"),
    stdout,
  );
  assert(lines.includes("HOME=/root") && lines.includes("PATH=/bin"), stdout);
  await waiting.finish();
});

for (const [kind, flags] of [["read-only", 1], ["writable", 0]] as const) {
  test(`a ${kind} cgroup mount is so inside`, async (workspace) => {
    const { code, stdout } = await runAlone(
      workspace,
      "grep cgroup /proc/mounts",
      {
        mounts: [
          ...SYSTEM_MOUNTS,
          mount("cgroup", "cgroup", "/sys/fs/cgroup", 14 | flags),
        ],
      },
    );
    assertEquals(code, 0);
    const controllers = stdout.split("\n").filter((line) =>
      // Hierarchies without a group of the container are never writable.
      /^\S+ \/sys\/fs\/cgroup(\/\S*pids\S*)? cgroup2? /.test(line)
    );
    assert(controllers.length > 0, stdout);
    for (const line of controllers) {
      const options = (line.split(" ")[3] ?? "").split(",");
      assertEquals(options.includes("ro"), flags === 1, line);
    }
  });
}

test(
  "a checkpointed container is gone, and after Load and Restore echoes its input",
  async (workspace) => {
    const options = { criu: testCriu() };
    const factory = new Factory(workspace.stateRoot, options);
    const imagePath = `${workspace.dir}/${workspace.newName()}.images`;
    const config = await readConfig(workspace);
    const { id } = await factory.create(workspace.newName(), config);
    const container = await factory.load(id);
    const streams = { stdin: "piped", stdout: "piped" } as const;
    const first = await container.start({ args: ["/bin/cat"], ...streams });
    await container.checkpoint({ imagePath });
    assertEquals(await container.status(), "checkpointed");
    assert(!processExists(first.pid));

    const loaded = await new Factory(workspace.stateRoot, options).load(id);
    const process = await loaded.restore(streams);
    assertEquals(await loaded.status(), "running");
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("Hello!"));
    await writer.close();
    const { code, stdout } = await process.output();
    assertEquals([code, decoder.decode(stdout)], [0, "Hello!"]);
    await loaded.destroy();
    await Deno.remove(imagePath, { recursive: true });
  },
  { needs: ["criu"] },
);

test("oom_score_adj holds for the first and for joined processes", async (workspace) => {
  const changes = { oom_score_adj: 200 };
  await using waiting = await Waiting.start(workspace, changes);
  const path = `/proc/${waiting.first.pid}/oom_score_adj`;
  assertEquals((await Deno.readTextFile(path)).trim(), "200");
  const joined = await run(waiting.container, "cat /proc/self/oom_score_adj");
  assertEquals(joined.stdout.trim(), "200");
  await waiting.finish();
});

test("standard streams belong to the user: /dev/stderr can be written", async (workspace) => {
  const script = "echo out >/dev/stdout; echo err >/dev/stderr";
  await using waiting = await Waiting.start(workspace);
  for (const user of ["", "daemon", "1000:1000"]) {
    const first = await runAlone(workspace, script, {}, { user });
    assertEquals([first.stdout, first.stderr], ["out\n", "err\n"]);
    const joined = await run(waiting.container, script, { user });
    assertEquals([joined.stdout, joined.stderr], ["out\n", "err\n"]);
  }
  await waiting.finish();
});

test("without NEWPID the program has a pid of the host's", async (workspace) => {
  const others = DEFAULT_NAMESPACES.filter((type) => type !== "NEWPID");
  await using waiting = await Waiting.start(workspace, {
    namespaces: newNamespaces(...others),
  });
  assertEquals(
    namespaceOf(waiting.first.pid, "pid"),
    namespaceOf("self", "pid"),
  );
  const { stdout } = await run(waiting.container, "echo $$");
  assert(Number(stdout) > 1);
  await waiting.finish();
});

test("the first process of a container joins another's pid namespace", async (workspace) => {
  await using waiting = await Waiting.start(workspace);
  const others = DEFAULT_NAMESPACES.filter((type) => type !== "NEWPID");
  const path = `/proc/${waiting.first.pid}/ns/pid`;
  const { code, stdout } = await runAlone(workspace, ["ps"], {
    namespaces: [...newNamespaces(...others), { type: "NEWPID", path }],
  });
  assertEquals(code, 0);
  assertMatch(stdout, /\s1 root\s.*cat/);
  assertMatch(stdout, /ps\n$/);
  await waiting.finish();
});

test("the first process of a container joins another's network and user namespaces", async (workspace) => {
  await using waiting = await Waiting.start(workspace, withUser(1000));
  const { pid } = waiting.first;
  const script = "readlink /proc/self/ns/net; readlink /proc/self/ns/user";
  const { code, stdout, stderr } = await runAlone(workspace, script, {
    namespaces: [
      ...newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWPID"),
      { type: "NEWNET", path: `/proc/${pid}/ns/net` },
      { type: "NEWUSER", path: `/proc/${pid}/ns/user` },
    ],
    networks: [],
  });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split("\n"), [
    namespaceOf(pid, "net"),
    namespaceOf(pid, "user"),
  ]);
  await waiting.finish();
});

test("a process joins a container with a user namespace", async (workspace) => {
  await using waiting = await Waiting.start(workspace, withUser(1000));
  const { code, stdout } = await run(
    waiting.container,
    "id -u; readlink /proc/self/ns/user",
  );
  assertEquals(code, 0);
  assertEquals(
    stdout.trim().split("\n"),
    ["0", namespaceOf(waiting.first.pid, "user")],
  );
  await waiting.finish();
});

test("a seccomp rule denies only writes that meet its condition", async (workspace) => {
  // write(2) to descriptor 2 is denied, to descriptor 1 it is not.
  const { stdout, stderr } = await runAlone(
    workspace,
    "echo out; ls /none",
    {
      seccomp: {
        default_action: 4,
        architectures: [],
        syscalls: [{
          name: "write",
          action: 2,
          args: [{ index: 0, value: 2, value_two: 0, op: 4 }],
        }],
      },
    },
  );
  assertEquals([stdout, stderr], ["out\n", ""]);
});

test("a limit of tasks holds for the first and for joined processes", async (workspace) => {
  await using waiting = await Waiting.start(workspace, {
    cgroups: { pids_limit: 4 },
  });
  // Itself, the first process and the children of this shell.
  const { code, stderr } = await run(
    waiting.container,
    "for i in 1 2 3 4 5 6; do sleep 5 & done",
  );
  assertNotEquals(code, 0);
  assertMatch(stderr, /fork|Resource temporarily unavailable/);
});

test("limits hold in a user namespace", async (workspace) => {
  const { code, stdout } = await runAlone(
    workspace,
    "ulimit -n",
    withUser(1000),
  );
  assertEquals([code, stdout.trim()], [0, "1025"]);
});

test("the kernel memory limit of a file is taken, or refused by name", async (workspace) => {
  // Linux 6.12 gave this limit up on version 1, version 2 never had it.
  await using container = await create(workspace, {
    cgroups: { kernel_memory: 52428800 },
  });
  const outcome = await run(container, ["/bin/true"]).catch((error) => error);
  if (outcome instanceof HostError) {
    assertMatch(outcome.message, /kernel memory .*52428800|kernelMemory/);
  } else {
    assertEquals(outcome.code, 0);
  }
});

test("the first process's end leaves no process of the container", async (workspace) => {
  const others = DEFAULT_NAMESPACES.filter((type) => type !== "NEWPID");
  await using waiting = await Waiting.start(workspace, {
    namespaces: newNamespaces(...others),
  });
  const second = await waiting.container.start({
    args: ["sleep", "1000"],
    env: ["PATH=/bin"],
  });
  assertEquals(statusOf(second.pid)["Name"], "sleep");
  await waiting.finish();
  assertEquals((await second.status).signal, "SIGKILL");
  await waitFor(
    "the end of the container",
    async () => await waiting.container.status() === "stopped",
  );
});

/**
 * Hooks: where they run, in which order, what they get, and what their failures
 * do.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import type { Config, Hook, Hooks } from "../../lib/config/types.ts";
import { Factory } from "../../mod.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { KernelError } from "../../lib/errors.ts";
import { HOOK_KINDS } from "../../lib/config/sections/hooks.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { compileCaller } from "../support/payload.ts";
import { isAlive, namespaceOf } from "../support/process_status.ts";
import { waitFor } from "../support/nsinit.ts";

const test = containerTests("hooks");
const PATH = "PATH=/usr/bin:/bin";

/** A hook that is a shell script; in a container's root that is busybox. */
function script(text: string, more: Partial<Hook> = {}): Hook {
  return {
    path: "/bin/sh",
    args: ["sh", "-c", text],
    env: [PATH],
    ...more,
  };
}

interface Recorded {
  readonly dir: string;
  readonly read: (name: string) => Promise<string>;
}

/** A directory that hooks write to, on the host and, bound at /tmp, inside. */
async function records(workspace: Workspace): Promise<Recorded> {
  const dir = await workspace.newDirectory();
  await Deno.chmod(dir, 0o777);
  return { dir, read: (name) => Deno.readTextFile(`${dir}/${name}`) };
}

/** Runs a container with hooks, to its end. */
async function run(
  workspace: Workspace,
  hooks: Hooks,
  options: {
    readonly dir?: string;
    readonly args?: string;
    readonly changes?: Partial<Config>;
  } = {},
): Promise<string> {
  const config = await configOf(workspace, hooks, options);
  await using container = await InProcess.start(workspace, {
    config,
    args: options.args ?? "true",
  });
  return (await container.ended()).stdout;
}

async function configOf(
  workspace: Workspace,
  hooks: Hooks,
  options: {
    readonly dir?: string;
    readonly changes?: Partial<Config>;
  } = {},
): Promise<Config> {
  const config = { ...await readConfig(workspace), ...options.changes };
  const { dir } = options;
  return {
    ...config,
    hooks,
    mounts: dir === undefined ? config.mounts : [...config.mounts, {
      device: "bind",
      source: dir,
      destination: "/tmp",
      flags: 4096 | 16384,
      data: "",
      relabel: "",
    }],
  };
}

/** The error of a start that must fail. */
async function failure(
  workspace: Workspace,
  hooks: Hooks,
  options: { readonly dir?: string } = {},
): Promise<KernelError> {
  const error = await run(workspace, hooks, options).then(
    () => undefined,
    (reason) => reason,
  );
  assertInstanceOf(error, KernelError, String(error));
  return error;
}

/** The same script at every point; `%` becomes the point's name, `@` the directory where it runs. */
function everywhere(text: string, dir: string): Hooks {
  return Object.fromEntries(HOOK_KINDS.map((kind) => {
    const place = kind === "startContainer" ? "/tmp" : dir;
    const own = text.replaceAll("%", kind).replaceAll("@", place);
    return [kind, [script(own)]];
  }));
}

test("hooks run once each, in the order of the specification", async (workspace) => {
  const { dir, read } = await records(workspace);
  const hooks = everywhere("echo % 1 >> @/order", dir);
  const twice = Object.fromEntries(HOOK_KINDS.map((kind) => {
    const place = kind === "startContainer" ? "/tmp" : dir;
    return [kind, [
      ...hooks[kind] ?? [],
      script(`echo ${kind} 2 >> ${place}/order`),
    ]];
  }));

  await run(workspace, twice, {
    dir,
    args: "echo program >> /tmp/order",
  });

  const order = (await read("order")).trim().split("\n");
  const rest = order.filter((line) => line !== "program");
  assertEquals(order.length - rest.length, 1);
  assertEquals(
    rest,
    HOOK_KINDS.flatMap((kind) => [`${kind} 1`, `${kind} 2`]),
  );
  assert(order.indexOf("program") > order.indexOf("startContainer 2"));
  assert(order.indexOf("program") < order.indexOf("poststop 1"));
});

test("every hook gets the state of the container on its input", async (workspace) => {
  const { dir, read } = await records(workspace);
  const hooks = everywhere("cat > @/%", dir);
  const config = await configOf(workspace, hooks, { dir });
  const id = workspace.newName();
  const directory = await workspace.newDirectory();
  let pid = 0;
  {
    await using container = await InProcess.start(workspace, {
      id,
      directory,
      config: { ...config, labels: ['a="b"\n', "c"] },
      args: "true",
    });
    pid = container.pid;
    await container.ended();
  }

  const statuses = {
    prestart: ["creating", pid],
    createRuntime: ["creating", pid],
    createContainer: ["creating", 1],
    startContainer: ["created", 1],
    poststart: ["running", pid],
    poststop: ["stopped", undefined],
  };
  for (const kind of HOOK_KINDS) {
    const [status, itsPid] = statuses[kind];
    assertEquals(JSON.parse(await read(kind)), {
      ociVersion: "1.2.0",
      id,
      status,
      ...(itsPid === undefined ? {} : { pid: itsPid }),
      bundle: directory,
      annotations: { a: '"b"\n', c: "" },
    });
  }
});

test("hooks see the namespaces and the root of their point", async (workspace) => {
  const { dir, read } = await records(workspace);
  const names = ["pid", "net", "uts", "ipc"];
  const links = names.map((name) => `/proc/self/ns/${name}`).join(" ");
  const text = `for n in ${links}; do readlink $n; done > @/%; ` +
    `test -e /bin/busybox.of.the.test && echo inside >> @/%; ` +
    `test -e ${dir} && echo host >> @/%; true`;
  const marker = `${workspace.rootfs}/bin/busybox.of.the.test`;
  await Deno.writeTextFile(marker, "");
  try {
    const config = await configOf(workspace, everywhere(text, dir), { dir });
    await using container = await InProcess.start(workspace, {
      config,
      args: "sleep 100",
    });
    const own = names.map((name) => namespaceOf(container.pid, name));
    const host = names.map((name) => namespaceOf("self", name));
    const seen = async (kind: string): Promise<string[]> =>
      (await read(kind)).trim().split("\n");
    assertEquals(await seen("prestart"), [...host, "host"]);
    assertEquals(await seen("createRuntime"), [...host, "host"]);
    assertEquals(await seen("createContainer"), [...own, "host"]);
    assertEquals(await seen("startContainer"), [...own, "inside"]);
    assertEquals(await seen("poststart"), [...host, "host"]);
  } finally {
    await Deno.remove(marker);
  }
  const host = names.map((name) => namespaceOf("self", name));
  assertEquals(await read("poststop"), [...host, "host", ""].join("\n"));
});

test("what createContainer hooks mount on the root is in the container", async (workspace) => {
  const { rootfs } = workspace;
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "bound\n");
  const output = await run(workspace, {
    createContainer: [
      script(`mount --bind ${source} ${rootfs}/tmp && ls ${rootfs}/bin/sh`),
    ],
  }, { args: "cat /tmp/file; grep -c ' /tmp ' /proc/self/mountinfo" });

  assertEquals(output, "bound\n1\n");
  assertEquals(await Array.fromAsync(Deno.readDir(`${rootfs}/tmp`)), []);
});

test("a createContainer hook cannot be led into the image by ..", async (workspace) => {
  const { dir, read } = await records(workspace);
  await run(workspace, {
    createContainer: [script(`ls /usr/../.. > ${dir}/list`)],
  });
  const host = await Array.fromAsync(Deno.readDir("/"), ({ name }) => name);
  const seen = (await read("list")).trim().split("\n");
  assertEquals(seen.toSorted(), host.filter((n) => !n.startsWith(".")).sort());
});

test("hooks have their own environment, directory, mask, signals and descriptors", async (workspace) => {
  const { dir, read } = await records(workspace);
  const text = "env | grep -v '^\\(PWD\\|SHLVL\\|_\\|OLDPWD\\)=' > @/%.env; " +
    "pwd > @/%.pwd; umask > @/%.umask; ls /proc/self/fd > @/%.fd; " +
    "grep -E 'Sig(Blk|Ign)' /proc/self/status > @/%.sig; " +
    "cut -d' ' -f4-6 /proc/self/stat > @/%.leader; true";
  const hooks = everywhere(text, dir);
  const changed = Object.fromEntries(HOOK_KINDS.map((kind) => [
    kind,
    (hooks[kind] ?? []).map((hook) => ({
      ...hook,
      env: [PATH, "A=b c"],
      dir: "/etc",
    })),
  ]));
  const container = await workspace.container({
    hooks: Object.fromEntries(Object.entries(changed)),
    mounts: [
      ...(workspace.config()["mounts"] as unknown[]),
      {
        device: "bind",
        source: dir,
        destination: "/tmp",
        flags: 4096 | 16384,
        data: "",
        relabel: "",
      },
    ],
  });
  const caller = await compileCaller(await workspace.newDirectory());

  const { code, stderr } = await container.sh("true", {
    prefix: [caller, "-f", "-s", "-u", "--"],
  });

  assertEquals([code, stderr], [0, ""]);
  for (const kind of HOOK_KINDS) {
    assertEquals((await read(`${kind}.env`)).split("\n").sort(), [
      "",
      "A=b c",
      PATH,
    ], kind);
    assertEquals(await read(`${kind}.pwd`), "/etc\n", kind);
    assertEquals(await read(`${kind}.umask`), "0022\n", kind);
    // The fourth is that of the listing.
    assertEquals(await read(`${kind}.fd`), "0\n1\n2\n3\n", kind);
    assertEquals(
      await read(`${kind}.sig`),
      "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n",
      kind,
    );
    // Parent, group and session of the shell's child are all the shell.
    const leader = (await read(`${kind}.leader`)).trim().split(" ");
    assertEquals([leader.length, new Set(leader).size], [3, 1], kind);
  }
});

test("without a directory hooks run in the root, without an environment in none", async (workspace) => {
  const { dir, read } = await records(workspace);
  const text =
    `/bin/pwd > ${dir}/pwd; /usr/bin/tr '\\0' '\\n' < /proc/$$/environ > ${dir}/env`;
  const { env: _, ...hook } = script(text);
  await run(workspace, { prestart: [hook] });
  assertEquals([await read("pwd"), await read("env")], ["/\n", ""]);
});

test("a hook that reads nothing holds up nobody, however long the state is", async (workspace) => {
  const { dir, read } = await records(workspace);
  const config = await configOf(workspace, {
    prestart: [script("true"), script(`wc -c > ${dir}/length`)],
  });
  await using container = await InProcess.start(workspace, {
    config: { ...config, labels: [`long=${"x".repeat(300_000)}`] },
    args: "true",
  });
  await container.ended();
  assert(Number(await read("length")) > 300_000);
});

test("startContainer hooks have the rights of the program", async (workspace) => {
  const output = await run(workspace, {
    startContainer: [script(
      "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status",
    )],
  }, {
    args:
      "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status",
    changes: {
      capabilities: ["KILL"],
      process: { user: "daemon" },
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: [],
        syscalls: [],
      },
    },
  });
  const lines = output.trim().split("\n");
  assertEquals(lines.length, 10);
  assertEquals(lines.slice(0, 5), lines.slice(5));
  assertEquals(lines[4], "Seccomp:\t2");
});

for (const kind of HOOK_KINDS.slice(0, 5)) {
  test(`a ${kind} hook that fails makes the start fail, and nothing is left`, async (workspace) => {
    const { dir, read } = await records(workspace);
    const poststop = [script(`echo poststop >> ${dir}/log`)];
    const error = await failure(workspace, {
      [kind]: [script("exit 0"), script("exit 3")],
      poststop,
    });
    assertStringIncludes(
      error.message,
      `hooks.${kind}[1] "/bin/sh" failed: it ended with status 3`,
    );
    assertEquals(error.operation, "hook.run");
    assertEquals(await read("log"), "poststop\n");

    const missing = await failure(workspace, {
      [kind]: [{ path: "/no/such/hook" }],
    });
    assertStringIncludes(missing.message, `hooks.${kind}[0] "/no/such/hook"`);
    assertEquals(missing.errnoName, "ENOENT");

    const killed = await failure(workspace, {
      [kind]: [script("kill -9 $$")],
    });
    assertStringIncludes(killed.message, "it was ended by signal 9");
  });

  test(`a ${kind} hook that takes too long is killed with what it has started`, async (workspace) => {
    const { dir, read } = await records(workspace);
    const place = kind === "startContainer" ? "/tmp" : dir;
    const before = Date.now();
    const error = await failure(workspace, {
      [kind]: [
        script(`sleep 61 & echo $! > ${place}/pid; sleep 61`, { timeout: 0.3 }),
      ],
    }, { dir });
    assert(Date.now() - before < 20_000);
    assertStringIncludes(
      error.message,
      `hooks.${kind}[0] "/bin/sh" failed: it took longer than its timeout of 0.3 s and was killed`,
    );
    if (kind === "createContainer" || kind === "startContainer") return;
    const pid = Number(await read("pid"));
    await waitFor("the end of what the hook started", () => !isAlive(pid));
  });
}

test("a hook that ends in time is not hurt by its timeout", async (workspace) => {
  const { dir, read } = await records(workspace);
  const hooks = everywhere("sleep 0.05; echo % >> @/order", dir);
  const timed = Object.fromEntries(HOOK_KINDS.map((kind) => [
    kind,
    (hooks[kind] ?? []).map((hook) => ({ ...hook, timeout: 20 })),
  ]));
  await run(workspace, timed, { dir, args: "sleep 0.5" });
  assertEquals((await read("order")).trim().split("\n"), [...HOOK_KINDS]);
});

test("poststop hooks run when everything is gone, and all of them", async (workspace) => {
  const { dir, read } = await records(workspace);
  const id = workspace.newName();
  const config = await configOf(workspace, {
    poststop: [
      script("exit 1"),
      script(
        `find /sys/fs/cgroup -name '*${id}*' > ${dir}/groups; ls ${workspace.stateRoot}/${id} > ${dir}/state`,
      ),
    ],
  });
  const told: string[] = [];
  const listener = (event: Event): void => {
    if (event instanceof CustomEvent) told.push(event.detail.message);
  };
  addEventListener("nsinit:warning", listener);
  try {
    await using container = await InProcess.start(workspace, {
      id,
      config: {
        ...config,
        cgroups: { parent: workspace.tag, ...config.cgroups, name: id },
      },
      args: "true",
    });
    await container.ended();
  } finally {
    removeEventListener("nsinit:warning", listener);
  }
  assertEquals([await read("groups"), await read("state")], ["", ""]);
  assertEquals(told, [
    'hooks.poststop[0] "/bin/sh" failed: it ended with status 1',
  ]);
});

test("a start that fails before any hook runs no poststop hook", async (workspace) => {
  const { dir } = await records(workspace);
  const config = await configOf(workspace, {
    poststop: [script(`echo no > ${dir}/log`)],
  });
  const error = await InProcess.start(workspace, {
    config: { ...config, hostname: "x".repeat(65) },
    args: "true",
  }).then(() => undefined, (reason) => reason);
  assert(error instanceof Error);
  const missing = {
    ...config,
    mounts: [...config.mounts, {
      device: "bind",
      source: "/no/such/source",
      destination: "/tmp",
      flags: 4096,
      data: "",
      relabel: "",
    }],
  } as const;
  await InProcess.start(workspace, { config: missing, args: "true" })
    .then(() => assert(false, "it started"), () => {});
  assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
});

test("the monitor of a command runs poststop hooks, and says when one fails", async (workspace) => {
  const { dir, read } = await records(workspace);
  const container = await workspace.container({
    hooks: {
      poststop: [script("exit 9"), script(`cat >> ${dir}/log`)],
    },
  });
  const { code, stderr } = await container.sh("exit 5");
  assertEquals(code, 5);
  assertStringIncludes(stderr, "A poststop hook of container");
  const state = JSON.parse(await read("log"));
  assertEquals([state.status, state.id, "pid" in state], [
    "stopped",
    await container.id(),
    false,
  ]);
});

test("poststop hooks run once when the owner was killed and another command cleans up", async (workspace) => {
  const { dir, read } = await records(workspace);
  const container = await workspace.container({
    hooks: { poststop: [script(`echo poststop >> ${dir}/log`)] },
  });
  const running = await container.hold();
  await container.waitForMonitor(running);
  running.signal("SIGKILL");
  await running.ended();

  const listed = await workspace.nsinit(["list"]);
  assertEquals(listed.code, 0);
  assertEquals(await read("log"), "poststop\n");
  await workspace.nsinit(["list"]);
  assertEquals(await read("log"), "poststop\n");
});

test("delete runs poststop hooks", async (workspace) => {
  const { dir, read } = await records(workspace);
  const config = await configOf(workspace, {
    poststop: [script(`echo poststop >> ${dir}/log`)],
  });
  await using container = await InProcess.start(workspace, {
    config,
    args: "sleep 100",
  });
  container.unlock();
  await deleteContainer(workspace.stateRoot, container.state.id, {
    force: true,
  });
  await container.ended();
  assertEquals(await read("log"), "poststop\n");
});

test("a signal during a hook takes the start back", async (workspace) => {
  const { dir, read } = await records(workspace);
  const container = await workspace.container({
    hooks: {
      prestart: [script(`echo $$ > ${dir}/pid; sleep 100`)],
      poststop: [script(`echo poststop >> ${dir}/log`)],
    },
  });
  const running = container.start(["/bin/true"]);
  await waitFor("the hook", () => Array.from(Deno.readDirSync(dir)).length > 0);
  running.signal("SIGTERM");
  const code = await running.ended();
  assert(code !== 0);
  const pid = Number(await read("pid"));
  assert(!isAlive(pid));
  assert(await container.isGone());
  assertEquals(await read("log"), "poststop\n");
});

test("hooks run around a container with a user namespace of its own", async (workspace) => {
  const { dir, read } = await records(workspace);
  const config = await configOf(
    workspace,
    everywhere("echo % >> @/order", dir),
    { dir },
  );
  const mapping = [{ containerId: 0, hostId: 0, size: 65536 }];
  await using container = await InProcess.start(workspace, {
    config: {
      ...config,
      namespaces: [...config.namespaces, { type: "NEWUSER" }],
      uidMappings: mapping,
      gidMappings: mapping,
    },
    args: "true",
  });
  await container.ended();
  await container[Symbol.asyncDispose]();
  assertEquals((await read("order")).trim().split("\n"), [...HOOK_KINDS]);
});

test("a kept container has its poststop hooks run after each run, and not at its end", async (workspace) => {
  const { dir, read } = await records(workspace);
  const config = await configOf(workspace, {
    prestart: [script(`echo prestart >> ${dir}/log`)],
    poststop: [script(`echo poststop >> ${dir}/log`)],
  });
  const factory = new Factory(workspace.stateRoot);
  const container = await factory.create(workspace.newName(), config);
  for (let round = 0; round < 2; round++) {
    const process = await container.start({ args: ["/bin/true"] });
    assertEquals((await process.status).code, 0);
    await waitFor(
      "its end",
      async () => await container.status() === "stopped",
    );
    await waitFor(
      "its hooks",
      async () => (await read("log")).split("poststop").length === round + 2,
    );
  }
  await container.destroy();
  assertEquals(await read("log"), "prestart\npoststop\n".repeat(2));
});

/**
 * Containers in scopes of systemd, where it runs; and what is said where it
 * does not.
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
import { Factory } from "../../lib/api/factory.ts";
import type { Resources } from "../../lib/config/types.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { freezerState } from "../../lib/container/freezer.ts";
import { loadState } from "../../lib/container/inspect.ts";
import { listContainers } from "../../lib/container/list.ts";
import { planStart } from "../../lib/container/start.ts";
import { updateContainer } from "../../lib/container/update.ts";
import { HostError, KernelError } from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";
import {
  containerTests,
  device,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import {
  attachToFiles,
  InProcess,
  type InProcessRequest,
  processRequest,
  readConfig,
} from "../support/in_process.ts";
import { testCriu } from "../support/criu.ts";
import { mustRun, nsinit, nsinitCommand, waitFor } from "../support/nsinit.ts";

const test = containerTests("systemd");
const IS_V2 = probeHost().cgroup.mode === "v2";
/** Newer kernels have the memory and cpuset controllers of version 1 no more. */
const HAS_V1_MEMORY = probeHost().cgroup.hierarchies.some((each) =>
  each.version === 1 && each.controllers.includes("memory")
);
const MIB = 1048576;
const UNIT_MS = 10_000;

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

/** A test of the driver itself. */
function driverTest(
  name: string,
  body: (workspace: Workspace) => Promise<void>,
): void {
  test(name, body, { needs: ["systemd"] });
}

/** A property of a unit, as systemctl prints it. */
async function property(unit: string, name: string): Promise<string> {
  return (await mustRun(["systemctl", "show", "-P", name, unit])).trim();
}

async function waitUntilGone(unit: string): Promise<void> {
  await waitFor(
    `the end of ${unit}`,
    async () => await property(unit, "LoadState") === "not-found",
    UNIT_MS,
  );
}

const SLEEP: InProcessRequest["args"] = ["/bin/sleep", "1000"];
/** What is detached holds no pipe that somebody waits at. */
const QUIET = ["sh", "-c", 'exec "$@" < /dev/null > /dev/null 2>&1', "sh"];

async function start(
  workspace: Workspace,
  cgroups: Record<string, unknown> = {},
  request: Partial<InProcessRequest> = {},
): Promise<InProcess> {
  const config = await readConfig(workspace, { cgroups });
  return await InProcess.start(workspace, {
    config,
    args: SLEEP,
    cgroupDriver: "systemd",
    ...request,
  });
}

function unitOf(container: InProcess): string {
  const unit = container.state.resources.scope?.unit;
  assert(unit !== undefined, "no unit is recorded");
  return unit;
}

test(
  "a container that systemd is to hold is refused where it does not run",
  async (workspace) => {
    const error = await start(workspace).then(
      () => undefined,
      (reason) => reason,
    );
    assertInstanceOf(error, HostError);
    assertStringIncludes(error.message, "systemd is not running");
    const factory = new Factory(workspace.stateRoot, {
      cgroupDriver: "systemd",
    });
    const config = await readConfig(workspace);
    const container = await factory.create(workspace.newName(), config);
    await assertRejects(
      () => container.start({ args: ["/bin/true"] }),
      HostError,
      "systemd is not running",
    );
    assertEquals(await container.status(), "created");
    await container.destroy();
    const container2 = await workspace.container();
    const { code, stderr } = await nsinit(
      [
        "--root",
        workspace.stateRoot,
        "--systemd-cgroup",
        "exec",
        "--data-path",
        container2.dir,
        "/bin/true",
      ],
    );
    assertEquals(code, 125);
    assertStringIncludes(stderr, "systemd is not running");
  },
  { needs: ["no-systemd"] },
);

driverTest(
  "the first process is in a scope of systemd, with its limits in both",
  async (workspace) => {
    await using container = await start(workspace, {
      memory: 64 * MIB,
      memory_swap: 96 * MIB,
      memory_reservation: 32 * MIB,
      cpu_shares: 512,
      cpu_quota: 30_000,
      cpu_period: 60_000,
      pids_limit: 77,
      cpuset_cpus: "0",
      cpuset_mems: "0",
    });
    const unit = unitOf(container);
    const { name, parent } = container.state.config.cgroups ?? {};
    assertEquals(unit, `${parent}-${name}.scope`);
    assertEquals(await property(unit, "ActiveState"), "active");
    assertEquals(await property(unit, "Slice"), "system.slice");
    assertEquals(await property(unit, "Delegate"), "yes");
    assertEquals(await property(unit, "TasksMax"), "77");
    const own = await Deno.readTextFile(`/proc/${container.pid}/cgroup`);
    assertStringIncludes(own, `/system.slice/${unit}\n`);
    if (!IS_V2) {
      const [limit, file] = HAS_V1_MEMORY
        ? ["MemoryLimit", "memory.limit_in_bytes"]
        : ["MemoryMax", "memory.max"];
      assertEquals(await property(unit, limit), `${64 * MIB}`);
      assertEquals(container.read("memory", file), `${64 * MIB}`);
      assertEquals(container.read("cpu", "cpu.shares"), "512");
      assertEquals(container.read("cpuset", "cpuset.cpus"), "0");
      return;
    }
    for (
      const [name, value, file, text] of [
        ["MemoryMax", 64 * MIB, "memory.max", 64 * MIB],
        ["MemorySwapMax", 32 * MIB, "memory.swap.max", 32 * MIB],
        ["MemoryLow", 32 * MIB, "memory.low", 32 * MIB],
        ["CPUWeight", 59, "cpu.weight", 59],
        ["CPUQuotaPerSecUSec", "500ms", "cpu.max", "30000 60000"],
        ["TasksMax", 77, "pids.max", 77],
        ["AllowedCPUs", 0, "cpuset.cpus", 0],
      ] as const
    ) {
      assertEquals(await property(unit, name), `${value}`);
      assertEquals(container.read("", file), `${text}`);
    }
  },
);

driverTest(
  "a reload of systemd changes neither limits nor device rules",
  async (workspace) => {
    const script =
      "mknod /dev/zero2 c 1 5; while :; do dd if=/dev/zero2 of=/dev/null bs=1 count=1 2>/dev/null && echo open; sleep 0.1; done";
    const config = await readConfig(workspace, {
      capabilities: ["MKNOD"],
      cgroups: {
        memory: 64 * MIB,
        cpu_quota: 30_000,
        cpu_period: 60_000,
        pids_limit: 55,
        allowed_devices: [
          { ...device("", -1, -1), permissions: "m" },
          { ...device("", 1, 3), permissions: "rw" },
        ],
        ...(IS_V2 ? { unified: { "memory.high": `${48 * MIB}` } } : {}),
      },
    });
    await using container = await start(workspace, {}, {
      config,
      args: script,
    });
    const files = IS_V2
      ? ["memory.max", "memory.high", "cpu.max", "pids.max"]
      : [
        HAS_V1_MEMORY ? "memory.limit_in_bytes" : "memory.max",
        "cpu.cfs_quota_us",
        "pids.max",
      ];
    const texts = (): string[] =>
      files.map((file) => container.read(file.split(".")[0] ?? "", file));
    const before = texts();
    await mustRun(["systemctl", "daemon-reload"]);
    // Any change of the unit makes systemd write all that it knows again.
    await mustRun([
      "systemctl",
      "set-property",
      "--runtime",
      unitOf(container),
      "Description=again",
    ]).catch(() => "");
    assertEquals(texts(), before);
    assertEquals(container.stdout, "");
  },
);

driverTest("a further process joins the scope", async (workspace) => {
  const factory = new Factory(workspace.stateRoot, { cgroupDriver: "systemd" });
  const config = await readConfig(workspace);
  await using container = await factory.create(workspace.newName(), config);
  const first = await container.start({ args: ["/bin/sleep", "1000"] });
  const group = (await Deno.readTextFile(`/proc/${first.pid}/cgroup`))
    .split("\n").find((line) => /^0::|name=systemd/.test(line));
  const other = await factory.load(container.id);
  const second = await other.start({ args: ["/bin/sleep", "1000"] });
  const text = await Deno.readTextFile(`/proc/${second.pid}/cgroup`);
  assertStringIncludes(text, `${group}\n`);
  assertStringIncludes(text, ".scope");
  assertEquals((await container.processes()).length, 2);
  second.kill("SIGKILL");
  await second.status;
});

driverTest("limits change in systemd and in the kernel", async (workspace) => {
  await using container = await start(workspace, {
    memory: 64 * MIB,
    cpu_shares: 512,
  });
  container.unlock();
  const { id } = container.state;
  const unit = unitOf(container);
  try {
    const change: Resources = {
      memory: 32 * MIB,
      cpuShares: 1024,
      cpuQuota: 20_000,
      pidsLimit: 44,
    };
    await updateContainer(workspace.stateRoot, id, change);
    assertEquals(await property(unit, "TasksMax"), "44");
    assertEquals(container.read("pids", "pids.max"), "44");
    if (IS_V2) {
      assertEquals(await property(unit, "MemoryMax"), `${32 * MIB}`);
      assertEquals(await property(unit, "CPUWeight"), "100");
      assertEquals(container.read("", "cpu.max"), "20000 100000");
    }
    const fault = { list: "parent", index: 3, errno: 5 } as const;
    await assertRejects(
      () =>
        updateContainer(
          workspace.stateRoot,
          id,
          { ...change, memory: 48 * MIB, pidsLimit: 33 },
          { fault },
        ),
      KernelError,
    );
    assertEquals(await property(unit, "TasksMax"), "44");
    assertEquals(container.read("pids", "pids.max"), "44");
    await mustRun(["systemctl", "daemon-reload"]);
    assertEquals(container.read("pids", "pids.max"), "44");
    await updateContainer(workspace.stateRoot, id, { freezer: "FROZEN" });
    assertEquals(freezerState(container.state), "frozen");
    await updateContainer(workspace.stateRoot, id, { freezer: "THAWED" });
  } finally {
    await deleteContainer(workspace.stateRoot, id, { force: true });
  }
  await waitUntilGone(unit);
});

driverTest(
  "a container in a scope pauses, resumes, and its program still finishes",
  async (workspace) => {
    const factory = new Factory(workspace.stateRoot, {
      cgroupDriver: "systemd",
    });
    const config = await readConfig(workspace);
    await using container = await factory.create(workspace.newName(), config);
    const process = await container.start({
      args: ["/bin/cat"],
      stdin: "piped",
    });
    await container.pause();
    assertEquals(await container.status(), "paused");
    await container.resume();
    assertEquals(await container.status(), "running");
    await process.stdin.close();
    assertEquals((await process.status).code, 0);
  },
);

driverTest(
  "a container that ends takes its scope with it, and its name is free",
  async (workspace) => {
    const id = workspace.newName();
    for (let round = 0; round < 3; round++) {
      await using container = await start(workspace, {}, {
        id,
        args: ["/bin/true"],
      });
      assertEquals((await container.ended()).code, 0);
      const unit = unitOf(container);
      await container[Symbol.asyncDispose]();
      if (round === 2) await waitUntilGone(unit);
    }
  },
);

driverTest(
  "a container that is killed takes its scope with it",
  async (workspace) => {
    const container = await start(workspace, {}, {
      args: "sleep 1000 & setsid sleep 1000 & sleep 1000",
    });
    const unit = unitOf(container);
    await container[Symbol.asyncDispose]();
    await waitUntilGone(unit);
    for (const { path } of container.state.resources.cgroups) {
      assert(!await isDirectory(path), `${path} is left`);
    }
  },
);

driverTest(
  "systemctl stop ends a container, and its owner notices",
  async (workspace) => {
    const factory = new Factory(workspace.stateRoot, {
      cgroupDriver: "systemd",
    });
    const config = await readConfig(workspace);
    await using container = await factory.create(workspace.newName(), config);
    const script =
      "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
    const process = await container.start({
      args: ["/bin/sh", "-c", script],
      stdout: "piped",
    });
    const reader = process.stdout.getReader();
    await reader.read();
    const { name, parent } = container.config.cgroups ?? {};
    const unit = `${parent}-${name}.scope`;
    await mustRun(["systemctl", "stop", unit]);
    assertEquals((await process.status).code, 7);
    await reader.cancel();
    assertEquals(await container.status(), "stopped");
    await waitUntilGone(unit);
    const list = await listContainers(workspace.stateRoot);
    assertEquals(list.filter(({ id }) => id === container.id).length, 1);
  },
);

driverTest(
  "a scope lies in the slice that is named, in slices of slices",
  async (workspace) => {
    const top = workspace.tag.replaceAll(/[^a-z0-9]/g, "");
    const slice = `${top}-a-b.slice`;
    const id = workspace.newName();
    const config = await readConfig(workspace);
    await using container = await start(workspace, {}, {
      id,
      config: {
        ...config,
        cgroups: {
          allowAllDevices: true,
          parent: "",
          name: `${slice}:pod:${id}+x`,
        },
      },
    });
    const unit = unitOf(container);
    assertEquals(unit, `pod-${id}\\x2bx.scope`);
    const own = await Deno.readTextFile(`/proc/${container.pid}/cgroup`);
    const path = `/${top}.slice/${top}-a.slice/${slice}/${unit}`;
    assertStringIncludes(own, path);
    await container[Symbol.asyncDispose]();
    await waitUntilGone(unit);
    for (const each of [slice, `${top}-a.slice`, `${top}.slice`]) {
      await mustRun(["systemctl", "stop", each]);
    }
  },
);

driverTest(
  "a cgroup namespace shows the scope as its root",
  async (workspace) => {
    const config = await readConfig(workspace);
    await using container = await start(workspace, {}, {
      config: {
        ...config,
        namespaces: [...config.namespaces, { type: "NEWCGROUP" }],
      },
      args: "cat /proc/self/cgroup",
    });
    const { stdout } = await container.ended();
    const line = stdout.split("\n").find((text) => /^0::|systemd/.test(text));
    assert(line?.endsWith(":/"), stdout);
  },
);

driverTest(
  "two containers of one name get two scopes, one after its id",
  async (workspace) => {
    const config = await readConfig(workspace, { cgroups: { name: "same" } });
    const factory = new Factory(workspace.stateRoot, {
      cgroupDriver: "systemd",
    });
    await using one = await factory.create(workspace.newName(), config);
    await using two = await factory.create(workspace.newName(), config);
    await one.start({ args: ["/bin/sleep", "1000"] });
    const second = await two.start({ args: ["/bin/sleep", "1000"] });
    const text = await Deno.readTextFile(`/proc/${second.pid}/cgroup`);
    assertStringIncludes(text, `-same-${two.id}.scope`);
  },
);

driverTest(
  "whatever step fails, neither scope nor group is left",
  async (workspace) => {
    const config = await readConfig(workspace, {
      cgroups: { memory: 64 * MIB, pids_limit: 20 },
    });
    const request = {
      id: workspace.newName(),
      config,
      process: processRequest(["/bin/true"]),
      attachment: attachToFiles(await workspace.newDirectory()),
      cgroupDriver: "systemd",
    } as const;
    const { plan, resources } = await planStart(
      request,
      `${workspace.stateRoot}/none`,
      probeHost(),
    );
    const from = plan.parent.findIndex(({ op }) => op === "spawn");
    const to = plan.parent.findIndex(({ op }) => op === "state.save");
    const unit = resources.scope?.unit ?? "";
    for (let index = from; index <= to; index++) {
      const fault = { list: "parent", index, errno: 122 } as const;
      const error = await start(workspace, {}, {
        id: request.id,
        config,
        args: ["/bin/true"],
        fault,
      }).then(() => undefined, (reason) => reason);
      assertInstanceOf(error, KernelError);
      assertEquals(error.errnoName, "EDQUOT");
      await waitUntilGone(unit);
      for (const { path } of resources.cgroups) {
        assert(!await isDirectory(path), `${path} is left after step ${index}`);
      }
    }
  },
);

driverTest("nsinit exec makes a scope and removes it", async (workspace) => {
  const container = await workspace.container();
  const line = [
    "--root",
    workspace.stateRoot,
    "--systemd-cgroup",
    "exec",
    "--data-path",
    container.dir,
    "/bin/cat",
    "/proc/self/cgroup",
  ];
  const { code, stdout, stderr } = await nsinit(line);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, ".scope");
});

test(
  "a checkpointed container of systemd comes back in a scope, here and elsewhere",
  async (workspace) => {
    // What is mounted shows groups that are not there until systemd has made them.
    const groups = { device: "cgroup", source: "cgroup", flags: 15 };
    const container = await workspace.container({
      mounts: [
        ...SYSTEM_MOUNTS,
        { ...groups, destination: "/sys/fs/cgroup" },
      ],
    });
    const id = workspace.newName();
    const run = (...args: string[]): Promise<string> =>
      mustRun([
        ...nsinitCommand(),
        "--root",
        workspace.stateRoot,
        "--criu",
        testCriu(),
        ...args,
      ], { cwd: container.dir, prefix: QUIET });
    const place = async (id: string): Promise<readonly string[]> => {
      const { resources } = await loadState(workspace.stateRoot, id);
      const unit = resources.scope?.unit ?? "";
      const [group] = resources.cgroups.filter(({ path }) =>
        path.endsWith(`/${unit}`)
      );
      const limit = await Deno.readTextFile(`${group?.path}/memory.max`);
      return [await property(unit, "ActiveState"), limit.trim(), unit];
    };

    await run(
      "--systemd-cgroup",
      "exec",
      "-d",
      "--memory-limit=64m",
      "--id",
      id,
      // What CRIU brings back from within a sleep wakes up.
      ...["/bin/sh", "-c", "while :; do sleep 1; done"],
    );
    const [, , unit = ""] = await place(id);
    const images = await workspace.newDirectory();
    await run("checkpoint", "--image-path", `${images}/a`, id);
    await waitUntilGone(unit);
    await run("restore", "--detach", "--image-path", `${images}/a`, "--id", id);
    assertEquals(await place(id), ["active", `${64 * MIB}`, unit]);

    await run("checkpoint", "--image-path", `${images}/b`, id);
    await run("delete", id);
    const other = workspace.newName();
    await run(
      ...["--systemd-cgroup", "restore", "--detach"],
      ...["--image-path", `${images}/b`, "--id", other],
    );
    const [state, limit, otherUnit = ""] = await place(other);
    assertEquals([state, limit], ["active", `${64 * MIB}`]);
    await run("delete", "--force", other);
    await waitUntilGone(otherUnit);
  },
  { needs: ["systemd", "criu", "cgroup-v2"] },
);

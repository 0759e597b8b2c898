/** How containers end: by signals, by the death of their owner, many at once. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
} from "@std/assert";
import { startTimeOf } from "../../lib/container/liveness.ts";
import { has } from "../support/capability.ts";
import {
  containerTests,
  mount,
  SYSTEM_MOUNTS,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { cgroupMounts, findCgroups } from "../support/host_state.ts";
import { TestNetwork } from "../support/network.ts";
import { delay, Running, waitFor } from "../support/nsinit.ts";
import { isAlive } from "../support/process_status.ts";

const test = containerTests("ends");
const IS_FULL = has("full");

for (
  const [signal, number] of [
    ["SIGTERM", 15],
    ["SIGINT", 2],
    ["SIGHUP", 1],
    ["SIGUSR1", 10],
    ["SIGUSR2", 12],
    ["SIGQUIT", 3],
  ] as const
) {
  test(`${signal} is forwarded to the first process`, async (workspace) => {
    const container = await workspace.container();
    await using running = container.start([
      "/bin/sh",
      "-c",
      `trap 'echo got; exit 3' ${number}; echo ready; while :; do sleep 0.05; done`,
    ]);
    await running.waitForOutput("ready");
    running.signal(signal);
    const { code, stdout } = await running.result(5000);
    assertEquals([code, stdout], [3, "ready\ngot\n"]);
  });
}

test("a signal is forwarded to a joined process, not to the first", async (workspace) => {
  const container = await workspace.container();
  await using first = await container.hold();
  await using joined = container.start([
    "/bin/sh",
    "-c",
    "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done",
  ]);
  await joined.waitForOutput("ready");
  joined.signal("SIGTERM");
  assertEquals((await joined.result(5000)).code, 4);
  assert(!first.hasEnded);
});

test("children that were left behind end with the first process", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await container.sh(
    "for i in 1 2 3; do setsid sleep 1000 >/dev/null 2>&1 </dev/null & done; echo done",
  );
  assertEquals([code, stdout], [0, "done\n"]);
});

test("the death of nsinit kills a container with a parent death signal", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const pid = await container.pid();
  running.signal("SIGKILL");
  await running.result();
  await waitFor("the container's end", () => !isAlive(pid));
  // The next command finishes what the owner could not.
  const list = await workspace.nsinit(["list", "--quiet"]);
  assertEquals([list.code, list.stdout], [0, ""]);
  assert(await container.isGone());
});

test("a container without a parent death signal survives nsinit, and is found", async (workspace) => {
  const container = await workspace.container({ parent_death_signal: 0 });
  await using running = container.start([
    "/bin/sh",
    "-c",
    "echo ready; exec sleep 1000",
  ]);
  await running.waitForOutput("ready");
  const pid = await container.pid();
  running.signal("SIGKILL");
  await running.ended();
  await delay(50);
  assert(isAlive(pid));
  assertEquals(await container.output("echo joined"), "joined\n");
  const id = await container.id();
  const list = JSON.parse(
    (await workspace.nsinit(["list", "--format=json"])).stdout,
  );
  assertEquals([list[0].id, list[0].status], [id, "running"]);
  assertEquals((await workspace.nsinit(["delete", "--force", id])).code, 0);
  assert(!isAlive(pid));
});

test("after nsinit was killed, exec in the same place starts anew", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  running.signal("SIGKILL");
  await running.result();
  assertEquals(await container.output("echo $$"), "1\n");
  assert(await container.isGone());
});

async function killAtRandom(
  container: TestContainer,
  afterMs: number,
  options: {
    readonly prefix?: readonly string[];
    readonly signal?: Deno.Signal;
  } = {},
): Promise<void> {
  const { prefix = [], signal = "SIGKILL" } = options;
  // A first process has no default actions: it must want to end.
  const script = "trap exit TERM INT HUP; while :; do sleep 0.01; done";
  const running = container.start(["/bin/sh", "-c", script], { prefix });
  await using _running = running;
  await delay(afterMs);
  running.signal(signal);
  // A container that lives on for an instant holds the pipes.
  await running.result();
}

test(
  "kill -9 at any instant of a start leaves nothing after the next exec",
  async (workspace) => {
    await using network = await TestNetwork.create({
      name: "bridge0",
      addresses: ["10.9.8.1/24"],
    });
    const container = await workspace.container({
      mounts: [...SYSTEM_MOUNTS, mount("tmpfs", "tmpfs", "/tmp", 14)],
      networks: [{
        type: "veth",
        name: "eth0",
        bridge: "bridge0",
        address: "10.9.8.7/24",
        gateway: "10.9.8.1",
        host_interface_name: "nsitest0",
        mtu: 1500,
      }],
      cgroups: { memory: 67108864 },
    });
    const { prefix } = network;
    const bare = await network.interfaces();
    assertEquals(await container.output("echo warm", { prefix }), "warm\n");
    const rounds = IS_FULL ? 100 : 20;
    for (let round = 0; round < rounds; round++) {
      const afterMs = 20 + 100 * Math.random();
      await killAtRandom(container, afterMs, { prefix });
      const { code, stdout, stderr } = await container.sh("echo works", {
        prefix,
      });
      const what = `round ${round}, killed after ${afterMs.toFixed(1)} ms`;
      assertEquals([what, code, stdout], [what, 0, "works\n"], stderr);
      assertEquals([what, await network.interfaces()], [what, bare]);
      assertEquals([what, findCgroups([workspace.tag])], [what, []]);
      assert(await container.isGone(), what);
      const files = (await Array.fromAsync(Deno.readDir(container.dir)))
        .map(({ name }) => name);
      assertEquals([what, files], [what, ["container.json"]]);
    }
  },
  { needs: ["ip"] },
);

test("kill -9 at any instant leaves nothing after list", async (workspace) => {
  for (let round = 0; round < 10; round++) {
    const container = await workspace.container();
    const afterMs = 20 + 60 * Math.random();
    await killAtRandom(container, afterMs);
    const list = await workspace.nsinit(["list", "--quiet"]);
    assertEquals([list.code, list.stdout, list.stderr], [0, "", ""]);
    assertEquals(findCgroups([workspace.tag]), [], `${afterMs} ms`);
  }
});

test("a signal at any instant of a start leaves nothing after the next exec", async (workspace) => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    for (let round = 0; round < 4; round++) {
      const container = await workspace.container();
      const afterMs = 20 + 100 * Math.random();
      await killAtRandom(container, afterMs, { signal });
      const what = `${signal} after ${afterMs.toFixed(1)} ms`;
      assertEquals([what, await container.output("echo $$")], [what, "1\n"]);
      assertEquals([what, findCgroups([workspace.tag])], [what, []]);
    }
  }
});

/** A state as if a container of that id ran as some foreign process. */
async function fakeState(
  container: TestContainer,
  pid: number,
  changes: Record<string, unknown>,
): Promise<void> {
  const dir = await container.stateDir();
  await Deno.mkdir(dir, { mode: 0o700, recursive: true });
  const text = await Deno.readTextFile(`${container.dir}/model.json`);
  const state = {
    ...JSON.parse(text),
    pid,
    startTime: startTimeOf(pid),
    ...changes,
  };
  await Deno.writeTextFile(`${dir}/state.json`, JSON.stringify(state), {
    mode: 0o600,
  });
}

/** Keeps the state of a real run as a model. */
async function recordState(container: TestContainer): Promise<void> {
  await using running = await container.hold();
  await container.pid();
  await Deno.copyFile(
    `${await container.stateDir()}/state.json`,
    `${container.dir}/model.json`,
  );
  await running.closeStdin();
  await running.result();
}

const STALE: readonly [string, Record<string, unknown>][] = [
  ["another start time", { startTime: "1" }],
  ["another boot", { bootId: "00000000-0000-0000-0000-000000000000" }],
  ["a start that never ended", { phase: "creating" }],
  ["no process", { pid: 0, phase: "creating" }],
];

for (const [what, changes] of STALE) {
  test(`a recycled pid is never signalled: ${what}`, async (workspace) => {
    const container = await workspace.container();
    await recordState(container);
    await using foreign = new Running(["cat"]);
    for (const command of [["exec"], ["kill"], ["delete", "--force"]]) {
      await fakeState(container, foreign.pid, changes);
      const id = await container.id();
      const result = command[0] === "exec"
        ? await container.sh("echo $$")
        : await workspace.nsinit([...command, id]);
      if (command[0] === "exec") assertEquals(result.stdout, "1\n");
      if (command[0] === "kill") {
        assertEquals(result.code, 125);
        assertStringIncludes(result.stderr, "not running");
      }
      assert(!foreign.hasEnded, command.join(" "));
      assert(isAlive(foreign.pid));
    }
    assert(await container.isGone());
  });
}

test("a damaged state is told, and delete --force removes it", async (workspace) => {
  const container = await workspace.container();
  const dir = await container.stateDir();
  for (const text of ["", "{", "null", '{"version": 99}', "[]"]) {
    await Deno.mkdir(dir, { mode: 0o700 });
    await Deno.writeTextFile(`${dir}/state.json`, text, { mode: 0o600 });
    const { code, stderr } = await container.sh("true");
    assertEquals([text, code], [text, 125]);
    assertStringIncludes(stderr, "state.json");
    assertStringIncludes(stderr, "delete --force");
    const deleted = await workspace.nsinit([
      "delete",
      "--force",
      await container.id(),
    ]);
    assertEquals([deleted.code, deleted.stderr], [0, ""]);
    assertEquals(await container.output("echo fine"), "fine\n");
  }
});

test("what a killed writer of the state left does not stand in the way", async (workspace) => {
  const container = await workspace.container();
  await recordState(container);
  for (const command of ["exec", "list", "delete"]) {
    await fakeState(container, 0, { phase: "creating" });
    const dir = await container.stateDir();
    await Deno.writeTextFile(`${dir}/.state.json.nsinit`, "{");
    const args = command === "delete" ? [await container.id()] : [];
    const { code, stderr } = command === "exec"
      ? await container.sh("true")
      : await workspace.nsinit([command, ...args]);
    assertEquals([command, code, stderr], [command, 0, ""]);
    assert(await container.isGone(), command);
  }
});

test("a state directory without a state is taken over", async (workspace) => {
  const container = await workspace.container();
  await Deno.mkdir(await container.stateDir(), { mode: 0o700 });
  assertEquals(await container.output("echo fine"), "fine\n");
});

/** Memory charged to the kernel for groups that are gone shows here. */
function countCgroups(): number {
  const text = Deno.readTextFileSync("/proc/cgroups");
  return text.split("\n").slice(1).reduce(
    (sum, line) => sum + Number(line.split("\t")[2] ?? 0),
    0,
  );
}

test("many containers one after the other leave the host as it was", async (workspace) => {
  const container = await workspace.container();
  await container.exec(["/bin/true"]);
  const groups = countCgroups();
  const count = IS_FULL ? 500 : 40;
  for (let round = 0; round < count; round++) {
    const { code, stderr } = await container.exec(["/bin/true"]);
    assertEquals([round, code, stderr], [round, 0, ""]);
  }
  await waitFor("cgroups to go", () => countCgroups() <= groups + 20);
});

test("many containers at once all succeed", async (workspace) => {
  const count = IS_FULL ? 50 : 24;
  const containers = await Promise.all(
    Array.from({ length: count }, () => workspace.container()),
  );
  const results = await Promise.all(
    containers.map((container) =>
      container.exec(["/bin/true"], { timeoutMs: 60_000 })
    ),
  );
  const failures = results.filter(({ code }) => code !== 0)
    .map(({ code, stderr }) => `${code} ${stderr}`);
  assertEquals(failures, []);
});

test("many execs at once in one directory all run in one container each time", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const results = await Promise.all(
    Array.from(
      { length: 12 },
      () => container.sh("readlink /proc/self/ns/pid"),
    ),
  );
  assertEquals(new Set(results.map(({ stdout }) => stdout)).size, 1);
  assert(results.every(({ code }) => code === 0));
});

test("the monitor is small and holds nothing but its container", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  await container.waitForMonitor(running);
  const status = await Deno.readTextFile(`/proc/${running.pid}/status`);
  const memory = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  assertGreater(2048, memory);
  const fds = await Array.fromAsync(Deno.readDir(`/proc/${running.pid}/fd`));
  assertGreater(16, fds.length);
});

test("groups of all hierarchies are used and removed", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const found = findCgroups([workspace.tag]);
  for (const point of cgroupMounts()) {
    if (point.endsWith("/unified")) continue;
    assert(found.some((path) => path.startsWith(`${point}/`)), point);
  }
  await running.closeStdin();
  await running.result();
  assertEquals(findCgroups([workspace.tag]), []);
}, { needs: ["cgroup-v1"] });

test(
  "what a parent directory of cgroups held before stays",
  async (workspace: Workspace) => {
    const points = cgroupMounts().filter((point) =>
      !point.endsWith("/unified")
    );
    const parents = points.map((point) => `${point}/${workspace.tag}`);
    await Promise.all(parents.map((path) => Deno.mkdir(path)));
    try {
      const container = await workspace.container();
      assertEquals(await container.output("echo fine"), "fine\n");
      assertEquals(findCgroups([workspace.tag]).sort(), parents.sort());
    } finally {
      await Promise.all(parents.map((path) => Deno.remove(path)));
    }
  },
  { needs: ["cgroup-v1"] },
);

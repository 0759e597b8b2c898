/**
 * Pausing and resuming, as the kernel and other programs see it.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelError, StateError } from "../../lib/errors.ts";
import {
  freezerState,
  parseFreezer,
  pause,
  resume,
} from "../../lib/container/freezer.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { killContainer } from "../../lib/container/kill.ts";
import { statusOf } from "../../lib/container/list.ts";
import { pidsOf } from "../../lib/container/processes.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { delay, waitFor } from "../support/nsinit.ts";
import { processExists } from "../support/process_status.ts";

const test = containerTests("freeze");
const COUNTER =
  "i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo $i; usleep 2000; done; echo done";

async function start(
  workspace: Workspace,
  script: string,
): Promise<InProcess> {
  const config = await readConfig(workspace);
  return await InProcess.start(workspace, { config, args: script });
}

/** Directory of the group that freezes, and its version. */
function freezer(container: InProcess): { path: string; version: 1 | 2 } {
  const path = container.group("freezer");
  const group = container.state.resources.cgroups.find((each) =>
    each.path === path
  );
  return { path, version: group?.version ?? 1 };
}

/** Freezes or thaws a group by hand, as another program does. */
function write(path: string, version: 1 | 2, isFrozen: boolean): void {
  const [file, value] = version === 1
    ? ["freezer.state", isFrozen ? "FROZEN" : "THAWED"]
    : ["cgroup.freeze", isFrozen ? "1" : "0"];
  Deno.writeTextFileSync(`${path}/${file}`, value);
}

test("a paused program stands still, and finishes after it is resumed", async (workspace) => {
  await using container = await start(
    workspace,
    "i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo $i; usleep 2000; done; echo done",
  );
  await container.waitForOutput("5\n");

  await pause(container.state);
  assertEquals(statusOf(container.state), "paused");
  const before = container.stdout;
  await delay(300);
  assertEquals(container.stdout, before);

  await resume(container.state);
  assertEquals(statusOf(container.state), "running");
  const { code, stdout } = await container.ended();
  assertEquals(code, 0);
  assert(stdout.endsWith("200\ndone\n"), stdout);
});

test("another process sees that a container is paused, and may resume it", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const id = await container.id();

  const paused = await workspace.nsinit(["pause", id]);
  assertEquals([paused.code, paused.stderr], [0, ""]);
  const state = JSON.parse((await workspace.nsinit(["state", id])).stdout);
  assertEquals(state.status, "paused");
  const again = await workspace.nsinit(["pause", id]);
  assertEquals(again.code, 125);
  assert(again.stderr.includes("paused already"), again.stderr);
  const joined = await container.sh("echo joined");
  assertEquals(joined.code, 125);
  assert(joined.stderr.includes("paused"), joined.stderr);

  const resumed = await workspace.nsinit(["resume", id]);
  assertEquals([resumed.code, resumed.stderr], [0, ""]);
  const twice = await workspace.nsinit(["unpause", id]);
  assertEquals(twice.code, 125);
  assert(twice.stderr.includes("is not paused"), twice.stderr);
  await running.closeStdin();
  assertEquals((await running.result()).code, 0);
});

test("a container that another program froze is paused, and can be resumed", async (workspace) => {
  await using container = await start(workspace, COUNTER);
  const { path, version } = freezer(container);

  write(path, version, true);
  await waitFor("the freeze", () => freezerState(container.state) === "frozen");
  assertEquals(statusOf(container.state), "paused");

  await resume(container.state);
  assertEquals(statusOf(container.state), "running");
});

test("all processes stop, those of groups below included", async (workspace) => {
  await using container = await start(
    workspace,
    "sleep 1000 & sleep 1000 & echo up; wait",
  );
  await container.waitForOutput("up\n");
  const { path, version } = freezer(container);
  const pids = pidsOf(container.state);
  assertEquals(pids.length, 3);
  await Deno.mkdir(`${path}/below`);
  await Deno.writeTextFile(`${path}/below/cgroup.procs`, `${pids[1]}`);

  assertEquals(pidsOf(container.state), pids);
  await pause(container.state);
  if (version === 1) {
    const text = await Deno.readTextFile(`${path}/below/freezer.state`);
    assertEquals(text, "FROZEN\n");
  }
  await resume(container.state);
  assertEquals(freezerState(container.state), "thawed");
});

test("resuming leaves a group below that the container froze itself", async (workspace) => {
  await using container = await start(workspace, "sleep 1000 & echo up; wait");
  await container.waitForOutput("up\n");
  const { path, version } = freezer(container);
  const [, child] = pidsOf(container.state);
  await Deno.mkdir(`${path}/below`);
  await Deno.writeTextFile(`${path}/below/cgroup.procs`, `${child}`);
  write(`${path}/below`, version, true);

  await pause(container.state);
  await resume(container.state);

  const file = version === 1 ? "freezer.state" : "cgroup.freeze";
  const text = await Deno.readTextFile(`${path}/below/${file}`);
  assertEquals(text.trim(), version === 1 ? "FROZEN" : "1");
  // Its end is that of all: disposal thaws what it must.
});

test("a group above that is frozen is told, not waited for", async (workspace) => {
  await using container = await start(workspace, COUNTER);
  const { path, version } = freezer(container);
  const parent = path.slice(0, path.lastIndexOf("/"));
  assert(parent.includes(workspace.tag), parent);
  write(parent, version, true);
  try {
    await waitFor("the freeze", () => {
      return freezerState(container.state) === "frozen";
    });
    const error = await assertRejects(
      () => resume(container.state),
      KernelError,
      "a group above",
    );
    assertEquals(error.errnoName, "EBUSY");
  } finally {
    write(parent, version, false);
  }
});

test("KILL ends a paused container at once", async (workspace) => {
  await using container = await start(workspace, COUNTER);
  await pause(container.state);

  await killContainer(workspace.stateRoot, container.state.id, 9, {
    all: false,
  });

  assertEquals((await container.ended()).code, 137);
});

test("KILL for all ends a paused container without a pid namespace", async (workspace) => {
  const config = await readConfig(workspace, {
    namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWNET"].map((type) => ({
      type,
    })),
  });
  await using container = await InProcess.start(workspace, {
    config,
    args: "sleep 1000 & echo up; wait",
  });
  await container.waitForOutput("up\n");
  const pids = pidsOf(container.state);
  await pause(container.state);

  await killContainer(workspace.stateRoot, container.state.id, 9, {
    all: true,
  });

  assertEquals((await container.ended()).code, 137);
  await waitFor("the other's end", () => !pids.slice(1).some(processExists));
});

test("another signal waits until a paused container is resumed", async (workspace) => {
  await using container = await start(
    workspace,
    "trap 'echo got it; exit 3' TERM; echo up; while :; do usleep 10000; done",
  );
  await container.waitForOutput("up\n");
  await pause(container.state);

  await killContainer(workspace.stateRoot, container.state.id, 15, {
    all: false,
  });
  await delay(100);
  assertEquals(container.stdout, "up\n");
  await resume(container.state);

  assertEquals((await container.ended()).code, 3);
});

test("a paused container can be deleted by force", async (workspace) => {
  await using container = await start(workspace, COUNTER);
  await pause(container.state);
  container.unlock();

  const { id } = container.state;
  await deleteContainer(workspace.stateRoot, id, { force: true });

  assertEquals((await container.ended()).code, 137);
});

test("what has ended can be neither paused nor resumed", async (workspace) => {
  await using container = await start(workspace, "exit 0");
  await container.ended();

  for (const act of [pause, resume]) {
    const error = await assertRejects(() => act(container.state), StateError);
    assertEquals(error.code, "ContainerNotRunning");
  }
});

test("a container can be paused and resumed a hundred times", async (workspace) => {
  // Processes come and go meanwhile: each new one has to be caught.
  await using container = await start(
    workspace,
    "echo up; while :; do /bin/true; done",
  );
  await container.waitForOutput("up\n");

  for (let round = 0; round < 100; round++) {
    await pause(container.state);
    assertEquals(freezerState(container.state), "frozen");
    await resume(container.state);
  }
});

test("what does not stop in time runs on, and the error says so", async (workspace) => {
  const busy = "while :; do :; done";
  const script = `${busy} & ${busy} & ${busy} & echo up; ${busy}`;
  await using container = await start(workspace, script);
  await container.waitForOutput("up\n");

  // No time at all: what runs needs some to stop.
  let error: unknown;
  for (let round = 0; round < 100 && error === undefined; round++) {
    error = await pause(container.state, { timeoutMs: 0 }).then(
      () => undefined,
      (reason) => reason,
    );
    if (error === undefined) await resume(container.state);
  }

  assert(error instanceof KernelError, String(error));
  assertEquals(error.errnoName, "ETIMEDOUT");
  await waitFor("the thaw", () => freezerState(container.state) === "thawed");
});

Deno.test("a text that no freezer has is an error", () => {
  for (const [version, text] of [[1, "WARM\n"], [2, "2\n"]] as const) {
    let error: unknown;
    try {
      parseFreezer(version, text, "populated 1\n");
    } catch (reason) {
      error = reason;
    }
    assert(error instanceof KernelError, text);
  }
});

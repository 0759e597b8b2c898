/**
 * Containers that are followed from their start to their end.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { poller } from "../../ffi/poller.ts";
import type { Container } from "../../lib/api/container.ts";
import { Factory } from "../../lib/api/factory.ts";
import type { ProcessStatus } from "../../lib/api/process.ts";
import type { ContainerEvent } from "../../lib/container/events.ts";
import { StateError } from "../../lib/errors.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";

const test = containerTests("events");
const MEBIBYTE = 1048576;
const HOG = "dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null";

type Event = ContainerEvent<ProcessStatus>;

async function create(
  workspace: Workspace,
  cgroups: Record<string, unknown> = {},
): Promise<Container> {
  const factory = new Factory(workspace.stateRoot);
  const config = await readConfig(workspace, { cgroups });
  return await factory.create(workspace.newName(), config);
}

function sh(script: string): { args: string[] } {
  return { args: ["/bin/sh", "-c", script] };
}

const typesOf = (events: readonly Event[]): string[] =>
  events.map(({ type }) => type);

test("a container that was not started yet is followed from its start to its exit", async (workspace) => {
  await using container = await create(workspace);
  const all = Array.fromAsync(container.events());
  const before = Date.now();
  const process = await container.start(sh("usleep 50000; exit 3"));
  const { pid } = process;

  const events = await all;

  assertEquals(typesOf(events), ["start", "exit"]);
  const [start, exit] = events;
  assert(start?.type === "start" && exit?.type === "exit");
  assertEquals([start.pid, exit.pid], [pid, pid]);
  assert(Math.abs(start.time - before) < 5000, `${start.time} ${before}`);
  assert(exit.time >= start.time, `${start.time} to ${exit.time}`);
  assertEquals(exit.status, { success: false, code: 3, signal: null });
  assertEquals((await process.status).code, 3);
});

test("who comes late is told of the start, and who comes after the end of the exit", async (workspace) => {
  await using container = await create(workspace);
  const process = await container.start(sh("sleep 100"));
  await using late = container.events();
  assertEquals((await late.next()).value?.type, "start");
  await container.signal("KILL");

  assertEquals(typesOf(await Array.fromAsync(late)), ["exit"]);
  await process.status;
  await waitFor("the end", async () => await container.status() === "stopped");

  const after = await Array.fromAsync(container.events());
  assertEquals(typesOf(after), ["exit"]);
  const [exit] = after;
  assert(exit?.type === "exit");
  assertEquals(exit.status, { success: false, code: 137, signal: "SIGKILL" });
});

test(
  "want of memory is told between start and exit, to every listener",
  async (workspace) => {
    const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
    await using container = await create(workspace, limits);
    const streams = [1, 2, 3].map(() =>
      Array.fromAsync(container.events({ pressure: false }))
    );
    const early = await assertRejects(() => container.notifyOOM(), StateError);
    assertEquals(early.code, "ContainerNotRunning");
    await container.start(sh(`usleep 200000; ${HOG}; usleep 100000`));

    for (const events of await Promise.all(streams)) {
      const types = typesOf(events);
      assertEquals([types[0], types.at(-1)], ["start", "exit"]);
      assert(types.slice(1, -1).length >= 1, types.join());
      assert(types.slice(1, -1).every((type) => type === "oom"), types.join());
    }
  },
  { needs: ["memory-cgroup"] },
);

test(
  "notifications of a running container go through its handle",
  async (workspace) => {
    const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
    await using container = await create(workspace, limits);
    await container.start(sh(`usleep 300000; ${HOG}; usleep 100000`));
    const oom = Array.fromAsync(await container.notifyOOM());
    const critical = await container.notifyMemoryPressure("critical");
    critical.cancel();

    const told = await oom;

    assert(told.length >= 1, "nothing was told");
    assert(told.every(({ type, count }) => type === "oom" && count >= 1));
  },
  { needs: ["memory-cgroup"] },
);

test("a container is followed that another program runs", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const factory = new Factory(workspace.stateRoot);
  const handle = await factory.load(await container.id());
  const stream = handle.events();
  const { value: start } = await stream.next();
  assertEquals(start?.type, "start");

  await running.closeStdin();
  const rest = await Array.fromAsync(stream);

  assertEquals(typesOf(rest), ["exit"]);
  assertEquals((await running.result()).code, 0);
});

test("a container that is destroyed without having run ends its events", async (workspace) => {
  const container = await create(workspace);
  const all = Array.fromAsync(container.events());
  await new Promise((resolve) => setTimeout(resolve, 50));
  await container.destroy();

  assertEquals(await all, []);
  const error = await assertRejects(
    () => container.events().next(),
    StateError,
  );
  assertEquals(error.code, "ContainerNotExists");
});

test("listeners that leave early, and those that stay, leave nothing behind", async (workspace) => {
  await using container = await create(workspace);
  await container.start(sh("sleep 100"));
  const watched = poller.size;
  for (let round = 0; round < 20; round++) {
    for await (const { type } of container.events()) {
      assertEquals(type, "start");
      break;
    }
  }
  const stay = Array.fromAsync(container.events());
  await container.destroy({ force: true });

  assertEquals(typesOf(await stay).at(-1), "exit");
  await waitFor("the watches to go", () => poller.size <= watched);
});

test("each run is followed by itself", async (workspace) => {
  await using container = await create(workspace);
  for (const code of [1, 2]) {
    const process = await container.start(sh(`usleep 100000; exit ${code}`));
    const events = await Array.fromAsync(container.events());
    const exit = events.at(-1);
    assert(exit?.type === "exit");
    assertEquals(exit.status?.code, code);
    await process.status;
    await waitFor(
      "the end",
      async () => await container.status() === "stopped",
    );
  }
});

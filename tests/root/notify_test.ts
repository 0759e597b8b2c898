/**
 * Notifications of want and shortage of memory.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertObjectMatch,
  assertThrows,
} from "@std/assert";
import { poller } from "../../ffi/poller.ts";
import { watchOom, watchPressure } from "../../lib/container/memory_events.ts";
import { HostError, StateError } from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { delay, waitFor } from "../support/nsinit.ts";

const test = containerTests("notify");
const MEMORY = { needs: ["memory-cgroup"] } as const;
const MEBIBYTE = 1048576;
const LIMITS = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
const HOG = "dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null";

async function start(
  workspace: Workspace,
  args: string | readonly string[],
  cgroups: Record<string, unknown> = LIMITS,
): Promise<InProcess> {
  const config = await readConfig(workspace, { cgroups });
  return await InProcess.start(workspace, { config, args });
}

function openDescriptors(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name);
}

/** Adds up what a stream tells until it ends. */
async function countAll(
  stream: AsyncIterable<{ readonly count: number }>,
): Promise<number> {
  let sum = 0;
  for await (const { count } of stream) sum += count;
  return sum;
}

test("each kill for want of memory is told", async (workspace) => {
  const go = (round: number): string => `${workspace.rootfs}/go${round}`;
  const script = `echo up; for i in 1 2 3; do
    until [ -e /go$i ]; do usleep 10000; done; ${HOG}; echo "killed $i"; done`;
  await using container = await start(workspace, script);
  await container.waitForOutput("up\n");
  await using stream = watchOom(container.state);

  for (let round = 1; round <= 3; round++) {
    await Deno.writeTextFile(go(round), "");
    const { value } = await stream.next();
    assertEquals(value?.type, "oom");
    const { count = 0, time = 0 } = value ?? {};
    assert(count >= 1, `${count} times`);
    assert(Math.abs(Date.now() - time) < 10_000, `${time}`);
    await container.waitForOutput(`killed ${round}\n`);
  }

  assertEquals((await container.ended()).code, 0);
  assertEquals((await stream.next()).done, true);
  for (const round of [1, 2, 3]) await Deno.remove(go(round));
}, MEMORY);

test(
  "the first process's own death for want of memory is told before the end",
  async (workspace) => {
    for (let round = 0; round < 5; round++) {
      await using container = await start(workspace, [
        "/bin/sh",
        "-c",
        `echo up; usleep 200000; exec ${HOG}`,
      ]);
      await container.waitForOutput("up\n");

      assert(
        await countAll(watchOom(container.state)) >= 1,
        "nothing was told",
      );

      assertEquals((await container.ended()).code, 137);
    }
  },
  MEMORY,
);

test(
  "a container that ends well tells of nothing, and neither does its removal",
  async (workspace) => {
    const container = await start(workspace, "echo up; usleep 300000");
    await container.waitForOutput("up\n");
    const oom = countAll(watchOom(container.state));
    const pressure = countAll(watchPressure(container.state, "critical"));
    await container.ended();
    await container[Symbol.asyncDispose]();

    assertEquals([await oom, await pressure], [0, 0]);
  },
  MEMORY,
);

test(
  "a container that is removed while it runs ends the streams",
  async (workspace) => {
    const container = await start(workspace, "echo up; sleep 100");
    await container.waitForOutput("up\n");
    const oom = countAll(watchOom(container.state));
    await container[Symbol.asyncDispose]();

    assertEquals(await oom, 0);
  },
  MEMORY,
);

test("several listeners are told the same", async (workspace) => {
  await using container = await start(
    workspace,
    `echo up; usleep 300000; ${HOG}; sleep 1`,
  );
  await container.waitForOutput("up\n");
  const counts = [1, 2, 3].map(() => countAll(watchOom(container.state)));

  await container.ended();

  const [first, ...others] = await Promise.all(counts);
  assert(Number(first) >= 1, `${first} times`);
  assertEquals(others, [first, first]);
}, MEMORY);

/**
 * Page cache that has to be written and dropped all the time, and a program that
 * is killed now and then: that is what version 1 measures. Version 2 counts the
 * time that processes wait for memory, which is all of it beyond memory.high.
 */
const SWELL = probeHost().cgroup.mode === "v2"
  ? {
    script: "echo up; while :; do " +
      "dd if=/dev/zero of=/dev/null bs=32M count=1 2>/dev/null; done",
    limits: {
      memory: 64 * MEBIBYTE,
      unified: { "memory.high": `${8 * MEBIBYTE}` },
    },
  }
  : {
    script: "echo up; while :; do " +
      "dd if=/dev/zero of=/big bs=1048576 count=64 2>/dev/null; cat /big; " +
      "dd if=/big of=/dev/null bs=32M count=1 2>/dev/null; done > /dev/null",
    limits: { memory: 12 * MEBIBYTE, memory_swap: 12 * MEBIBYTE },
  };

for (const level of ["low", "medium", "critical"] as const) {
  test(
    `a program that swells within its limit makes memory short: ${level}`,
    async (workspace) => {
      const { script, limits } = SWELL;
      await using container = await start(workspace, script, limits);
      await container.waitForOutput("up\n");

      await using stream = watchPressure(container.state, level);
      let value: unknown;
      stream.next().then((result) => value = result.value);
      try {
        await waitFor("a shortage", () => value !== undefined, 60_000);
      } finally {
        await container[Symbol.asyncDispose]();
        await Deno.remove(`${workspace.rootfs}/big`).catch(() => {});
      }

      assertObjectMatch({ value }, { value: { type: "pressure", level } });
    },
    { needs: ["memory-cgroup", "pressure"] },
  );
}

test(
  "a cancelled stream leaves no descriptor, nor does one that ended",
  async (workspace) => {
    await using container = await start(workspace, "echo up; sleep 100");
    await container.waitForOutput("up\n");
    // The poller's own descriptors stay.
    watchOom(container.state).cancel();
    const before = openDescriptors().length;
    const watched = poller.size;

    for (let round = 0; round < 50; round++) {
      const streams = [
        watchOom(container.state),
        watchPressure(container.state, "low"),
        watchPressure(container.state, "critical"),
      ];
      const waiting = streams.map((stream) => stream.next());
      for (const stream of streams) stream.cancel();
      for (const { done } of await Promise.all(waiting)) {
        assertEquals(
          done,
          true,
        );
      }
    }

    await delay(20);
    assertEquals([openDescriptors().length, poller.size], [before, watched]);
  },
  MEMORY,
);

test("a listener that left the loop is told no more", async (workspace) => {
  await using container = await start(
    workspace,
    `echo up; usleep 300000; ${HOG}; ${HOG}; echo over; sleep 100`,
  );
  await container.waitForOutput("up\n");
  const stream = watchOom(container.state);
  for await (const { type } of stream) {
    assertEquals(type, "oom");
    break;
  }
  await container.waitForOutput("over\n");
  assertEquals((await stream.next()).done, true);
}, MEMORY);

test("what has ended cannot be watched", async (workspace) => {
  await using container = await start(workspace, "exit 0", {});
  await container.ended();

  for (const watch of [watchOom, watchPressure]) {
    const error = assertThrows(
      () => watch(container.state, "low"),
      StateError,
    );
    assertEquals(error.code, "ContainerNotRunning");
  }
});

test(
  "a container without a memory group says what it lacks",
  async (workspace) => {
    const { cgroups: _, ...config } = await readConfig(workspace);
    await using container = await InProcess.start(workspace, {
      config,
      args: "sleep 100",
    });
    const isCounted = container.state.resources.cgroups.some(({ path }) => {
      try {
        return Deno.lstatSync(`${path}/memory.events`).isFile;
      } catch {
        return false; // no memory controller in this group
      }
    });
    if (isCounted) return watchOom(container.state).cancel();

    const error = assertThrows(() => watchOom(container.state), HostError);

    assert(error.message.includes("no memory control group"), error.message);
  },
  { names: ["nsinit"] },
);

test(
  "forty containers are watched without a thread each",
  async (workspace) => {
    const threads = (): number =>
      [...Deno.readDirSync("/proc/self/task")].length;
    const before = threads();
    const containers: InProcess[] = [];
    try {
      for (let count = 0; count < 40; count++) {
        containers.push(await start(workspace, "sleep 100"));
      }
      const ends = containers.map(({ state }) => countAll(watchOom(state)));
      await delay(100);
      assert(threads() <= before + 8, `${before} to ${threads()} threads`);
      for (const container of containers.splice(0)) {
        await container[Symbol.asyncDispose]();
      }
      assertEquals(
        (await Promise.all(ends)).every((count) => count === 0),
        true,
      );
    } finally {
      for (const container of containers) {
        await container
          [Symbol.asyncDispose]();
      }
    }
    await waitFor("the poller to rest", () => poller.size === 0);
  },
  MEMORY,
);

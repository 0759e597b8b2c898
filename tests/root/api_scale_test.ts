/**
 * Many containers of one program: at once, and one after the other.
 *
 * With `NSINIT_TEST_FULL=1` a thousand at once and ten thousand cycles.
 *
 * @module
 */
import v8 from "node:v8";
import vm from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { type Config, type Container, Factory, Process } from "../../mod.ts";
import { has } from "../support/capability.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { findCgroups } from "../support/host_state.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";

const test = containerTests("apiscale");
const IS_FULL = has("full");
const SLEEP = { args: ["/bin/sleep", "1000"] };
/** Started together, while the event loop is watched. */
const TOGETHER = 50;
/** Longest time in milliseconds that the event loop may be held up meanwhile; judged only in full. */
const LAG_MS = 50;
const TICK_MS = 2;
/** Starts in flight at most: other things have their turn at least once for so many. */
const IN_FLIGHT = 12;

/** Each container has the groups named after its id. */
async function configOf(workspace: Workspace): Promise<Config> {
  const config = await readConfig(workspace);
  return {
    ...config,
    cgroups: { ...config.cgroups, parent: workspace.tag, name: "" },
  };
}

/** What the event loop did while something else was done. */
interface Turns {
  /** For how long it was held up at most, in milliseconds. */
  readonly lag: number;
  /** How often a timer had its turn. */
  readonly ticks: number;
}

/** Does something and watches the event loop meanwhile. */
async function turnsDuring(action: () => Promise<unknown>): Promise<Turns> {
  let longest = 0;
  let ticks = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TICK_MS);
    last = now;
    ticks++;
  }, TICK_MS);
  try {
    await action();
    const lag = Math.max(longest, performance.now() - last - TICK_MS);
    return { lag, ticks };
  } finally {
    clearInterval(timer);
  }
}

/** Figures are for people; machines differ too much to judge them. */
async function report(
  what: string,
  figures: Record<string, number>,
): Promise<void> {
  const text = Object.entries(figures)
    .map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`);
  const line = `    ${what}: ${text.join(", ")}\n`;
  await Deno.stdout.write(new TextEncoder().encode(line));
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

function each(
  containers: readonly Container[],
  action: (container: Container) => Promise<unknown>,
): Promise<unknown> {
  return Promise.all(containers.map(action));
}

/** Takes longer than a start may hold the event loop up. */
const MANY_MOUNTS = 800;

test("a single start that takes long lets other things have their turn", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const config = await configOf(workspace);
  const tmpfs = (destination: string) => ({
    device: "tmpfs",
    source: "tmpfs",
    destination,
    flags: 0,
    data: "",
    relabel: "" as const,
  });
  const places = Array.from(
    { length: MANY_MOUNTS },
    (_, index) => tmpfs(`/run/${index}`),
  );
  const mounts = [...config.mounts ?? [], tmpfs("/run"), ...places];
  await using container = await factory.create("slow", { ...config, mounts });
  // The first one finds out what the next ones know.
  for (let round = 0; round < 3; round++) {
    const process = new Process({ args: ["/bin/true"] });
    const { ticks } = await turnsDuring(() => container.start(process));
    assertEquals((await process.status).code, 0);
    assert(ticks > 0);
  }
});

const COUNT = IS_FULL ? 1000 : 150;

test(`${COUNT} containers run at once, are paused, resumed, waited for and destroyed`, async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const config = await configOf(workspace);
  const before = resourcesUsed();
  const ids = Array.from({ length: COUNT }, (_, index) => `c${index}`);
  const containers = await Promise.all(
    ids.map((id) => factory.create(id, config)),
  );
  await using all = new AsyncDisposableStack();
  for (const container of containers) all.use(container);

  const turns: Turns[] = [];
  let started = 0;
  const start = await timed(async () => {
    while (started < COUNT) {
      const round = containers.slice(started, started + TOGETHER);
      turns.push(
        await turnsDuring(() => each(round, (one) => one.start(SLEEP))),
      );
      started += round.length;
    }
  });
  const ticks = turns.map(({ ticks }) => ticks);
  assert(
    Math.min(...ticks) >= TOGETHER / IN_FLIGHT,
    `the event loop had ${ticks.join(", ")} turns`,
  );
  // Other programs hold this one up as well: the best of some rounds is its own doing.
  const lags = turns.map(({ lag }) => lag);
  if (IS_FULL) {
    assert(Math.min(...lags) < LAG_MS, `held up for ${lags.join(", ")} ms`);
  }

  const list = await factory.list();
  assertEquals(list.map(({ status }) => status), ids.map(() => "running"));
  assertEquals(new Set(list.map(({ pid }) => pid)).size, COUNT);
  const during = resourcesUsed();
  // One pidfd each, and no thread: the pool's serve all of them.
  assert(during.descriptors - before.descriptors < COUNT + 16);
  assert(during.threads < 48, `${during.threads} threads`);

  const pause = await timed(() => each(containers, (one) => one.pause()));
  const paused = await factory.list();
  assertEquals(paused.map(({ status }) => status), ids.map(() => "paused"));
  const resume = await timed(() => each(containers, (one) => one.resume()));

  const end = await timed(async () => {
    await each(containers, (one) => one.signal("SIGKILL"));
    const ends = await Promise.all(containers.map((one) => one.wait()));
    assertEquals(ends.map(({ signal }) => signal), ids.map(() => "SIGKILL"));
  });
  const destroy = await timed(() => each(containers, (one) => one.destroy()));

  assertEquals(await factory.list(), []);
  assertEquals(findCgroups([workspace.tag]), []);
  await waitFor(
    "all descriptors to be closed",
    () => resourcesUsed().descriptors <= before.descriptors + 5,
  );
  await report(`${COUNT} at once, in ms`, {
    start,
    pause,
    resume,
    end,
    destroy,
    "longest lag of the best round": Math.min(...lags),
    "of the worst": Math.max(...lags),
  });
  await report("memory in MiB", { before: before.rss, during: during.rss });
});

/** What a leak would show in. */
function resourcesUsed(): {
  descriptors: number;
  threads: number;
  rss: number;
} {
  const status = Deno.readTextFileSync("/proc/self/status");
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    threads: field("Threads"),
    rss: field("VmRSS") / 1024,
  };
}

function mountCount(): number {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n").length;
}

const CYCLES = IS_FULL ? 10_000 : 200;
/** Code is compiled and the heap grows to its size in these. */
const WARM_UP = IS_FULL ? 2000 : 100;
/** What the allocators may keep in MiB beyond what they have after the warm-up. */
const GROWTH_MB = 24;
/** What may be alive in MiB beyond what was after the warm-up. */
const ALIVE_MB = 2;

/** Collects garbage: how much of it V8 lets lie depends on its heap's size. */
function collectGarbage(): void {
  v8.setFlagsFromString("--expose-gc");
  vm.runInNewContext("gc")();
}

/** What is alive on V8's heap, and all memory but what that heap has in reserve, in MiB. */
function memoryKept(): { readonly alive: number; readonly kept: number } {
  collectGarbage();
  const { rss, heapTotal, heapUsed } = Deno.memoryUsage();
  const MiB = 2 ** 20;
  return { alive: heapUsed / MiB, kept: (rss - heapTotal + heapUsed) / MiB };
}

test(`${CYCLES} cycles of create, start, wait and destroy leave this program as it was`, async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const config = await configOf(workspace);
  const cycle = async (): Promise<void> => {
    await using container = await factory.create("cycle", config);
    const process = await container.start({
      args: ["/bin/true"],
      stdin: "piped",
      stdout: "piped",
    });
    assertEquals((await process.output()).code, 0);
    await process.stdin.close().catch(() => {});
    assertEquals((await container.wait()).code, 0);
    await container.destroy();
  };
  for (let index = 0; index < WARM_UP; index++) await cycle();
  const before = { ...resourcesUsed(), ...memoryKept() };
  const mounts = mountCount();

  const time = await timed(async () => {
    for (let index = WARM_UP; index < CYCLES; index++) await cycle();
  });

  const after = { ...resourcesUsed(), ...memoryKept() };
  await report(`${CYCLES} cycles`, {
    "ms each": time / (CYCLES - WARM_UP),
    "MiB before": before.kept,
    "MiB after": after.kept,
    "alive before": before.alive,
    "alive after": after.alive,
    descriptors: after.descriptors,
    threads: after.threads,
  });
  assert(
    after.descriptors <= before.descriptors + 2,
    `${before.descriptors} descriptors before, ${after.descriptors} after`,
  );
  // Idle ones of the pool go after ten seconds.
  assert(after.threads < 48, `${after.threads} threads`);
  assert(
    after.alive - before.alive < ALIVE_MB,
    `${before.alive} MiB alive before, ${after.alive} after`,
  );
  assert(
    after.kept - before.kept < GROWTH_MB,
    `${before.kept} MiB before, ${after.kept} MiB after`,
  );
  assertEquals(mountCount(), mounts);
  assertEquals(findCgroups([workspace.tag]), []);
  assertEquals(await Array.fromAsync(Deno.readDir(workspace.stateRoot)), []);
});

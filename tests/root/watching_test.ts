/** The commands that watch a container until its end, and deletion of many. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Container } from "../../lib/api/container.ts";
import { Factory } from "../../lib/api/factory.ts";
import { lockState, unlockState } from "../../lib/container/store.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import {
  mustRun,
  nsinitCommand,
  type Running,
  type RunResult,
  startNsinit,
  waitFor,
} from "../support/nsinit.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerTests("watching");
const MEBIBYTE = 1048576;
const SLOW_MS = 60_000;

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

function watch(workspace: Workspace, ...args: readonly string[]): Running {
  return startNsinit(["--root", workspace.stateRoot, ...args]);
}

/** Output of commands that must have ended well. */
async function outputs(...commands: readonly Running[]): Promise<string[]> {
  const results = await Promise.all(commands.map((each) => each.result()));
  const wanted = { code: 0, stderr: "" };
  return results.map(({ code, stdout, stderr }: RunResult) => {
    assertEquals({ code, stderr }, wanted, stdout);
    return stdout;
  });
}

// deno-lint-ignore no-explicit-any
function objects(text: string): any[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

test("stats prints a table, or the JSON of nsinit 2", async (workspace) => {
  await using container = await create(workspace);
  await container.start(sh("sleep 1000"));

  const [table = "", json = ""] = await outputs(
    watch(workspace, "stats", container.id),
    watch(workspace, "stats", "--format", "json", container.id),
  );

  assertMatch(table, /^WHAT +USE\ncpu time +\d/);
  assertMatch(table, /^memory +[\d.]+ [KM]?i?B/m);
  assertMatch(table, /^network lo +0 B received/m);
  const { id, Interfaces, CgroupStats } = JSON.parse(json);
  assertEquals([id, Interfaces[0].Name], [container.id, "lo"]);
  assert(CgroupStats.cpu_stats.cpu_usage.total_usage > 0);
}, { needs: ["memory-cgroup"] });

test("stats --stream prints one object a line until the end", async (workspace) => {
  await using container = await create(workspace);
  const process = await container.start(sh("sleep 1000"));
  const { id } = container;
  const stream = ["stats", "--stream", "--interval"];
  await using fast = watch(workspace, ...stream, "0.1", id);
  await using slow = watch(workspace, ...stream, "1h", id);
  await waitFor("lines", () => fast.stdout.split("\n").length > 3, SLOW_MS);
  await waitFor("a line", () => slow.stdout.includes("\n"), SLOW_MS);

  await container.signal("KILL");
  await process.status;
  const [many = "", one = ""] = await outputs(fast, slow);

  // The end cuts the time between two lines short.
  assertEquals(objects(one).map((line) => line.id), [id]);
  const times = objects(many).map((line) => line.time);
  assert(times.length >= 3);
  assertEquals(times.toSorted(), times);
});

test("a stream ends when nobody reads it any more", async (workspace) => {
  await using container = await create(workspace);
  await container.start(sh("sleep 1000"));
  const command = [...nsinitCommand(), "--root", workspace.stateRoot];
  const script = '"$@" | head -n 1; echo "status ${PIPESTATUS[0]}"';
  const words = ["stats", "--stream", "--interval=100ms", container.id];

  const text = await mustRun(
    ["bash", "-c", script, "bash", ...command, ...words],
  );

  const [line = "", status] = text.split("\n");
  assertEquals([JSON.parse(line).id, status], [container.id, "status 0"]);
});

test("events tells the start and the end", async (workspace) => {
  await using container = await create(workspace);
  const process = await container.start(sh("sleep 1000"));
  const { id } = container;
  await using lines = watch(workspace, "events", id);
  await using json = watch(workspace, "events", "--format", "json", id);
  await lines.waitForOutput("runs as process", SLOW_MS);
  await json.waitForOutput('"start"', SLOW_MS);

  await container.signal("KILL");
  await process.status;
  const [text = "", data = ""] = await outputs(lines, json);

  const pattern = `^(\\S+Z)  ${id}  runs as process ${process.pid}\n` +
    `(\\S+Z)  ${id}  (killed by signal 9 .SIGKILL.|ended, nobody knows how)\n$`;
  assertMatch(text, new RegExp(pattern));
  assertEquals(objects(data).map((each) => [each.type, each.id, each.pid]), [
    ["start", id, process.pid],
    ["exit", id, process.pid],
  ]);
});

test("oom tells of each want of memory, until the end", async (workspace) => {
  const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
  await using container = await create(workspace, limits);
  const hog = "dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null";
  await container.start(sh(`while :; do ${hog}; sleep 0.2; done`));
  const { id } = container;
  await using lines = watch(workspace, "oom", id);
  await using json = watch(workspace, "oom", "--format=json", id);
  await lines.waitForOutput("out of memory", SLOW_MS);
  await json.waitForOutput("\n", SLOW_MS);

  await container.signal("KILL");
  const [text = "", data = ""] = await outputs(lines, json);

  assertMatch(text, new RegExp(`^\\S+Z  ${id}  out of memory`));
  for (const each of objects(data)) {
    assertEquals([each.type, each.id], ["oom", id]);
    assert(each.count >= 1);
  }
}, { needs: ["memory-cgroup"] });

test("what cannot be watched is refused in one sentence", async (workspace) => {
  await using created = await create(workspace);
  const { id } = created;
  const cases: [string[], number, string][] = [
    [["stats", "nobody"], 125, "Cannot find container nobody: "],
    [["stats", "--stream", "nobody"], 125, "Cannot find container nobody: "],
    [["events", "nobody"], 125, "Cannot find container nobody: "],
    [["oom", "nobody"], 125, "Cannot find container nobody: "],
    [["stats", "--stream", id], 125, "it has not been started yet"],
    [["oom", id], 125, "it has not been started yet"],
    [["stats", "--interval", "1s", id], 2, "with --stream only"],
    [["stats", "--stream", "--format=table", id], 2, "nsinit top"],
    [["stats", "--stream", "--interval=1d", id], 2, "a duration from"],
    [["events", "--pressure", "much", id], 2, "it is one of low, medium"],
    [["stats", "a", "b"], 2, "Too many arguments"],
    [["oom"], 125, "runs: go to its directory"],
  ];
  await Promise.all(cases.map(async ([args, code, said]) => {
    const result = await workspace.nsinit(args);
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    assert(result.stderr.includes(said), result.stderr);
    assertEquals(result.stderr.trimEnd().split("\n").length, 1);
  }));
});

test("delete takes several ids, and tells of each that it cannot delete", async (workspace) => {
  const [one, two, three] = [
    await create(workspace),
    await create(workspace),
    await create(workspace),
  ];
  await three.start(sh("sleep 1000"));

  const some = await workspace.nsinit(["delete", one.id, three.id, "nobody"]);
  assertEquals(some.code, 125);
  assertEquals(some.stderr.trimEnd().split("\n").length, 2, some.stderr);
  assert(some.stderr.includes(`${three.id}: container is not stopped`));
  const ids = async (): Promise<string> =>
    (await workspace.nsinit(["list", "--quiet"])).stdout;
  assertEquals(await ids(), `${[two.id, three.id].join("\n")}\n`);

  assertEquals((await workspace.nsinit(["delete", "--all"])).code, 0);
  assertEquals(await ids(), `${three.id}\n`);
  assertEquals((await workspace.nsinit(["rm", "-f", "--all"])).code, 0);
  assertEquals(await ids(), "");
});

test(
  "deletion of many shows how far it is, and leaves a clean line",
  async (workspace) => {
    const factory = new Factory(workspace.stateRoot);
    const config = await readConfig(workspace);
    const names = Array.from({ length: 10 }, () => workspace.newName());
    await Promise.all(names.map((id) => factory.create(id, config)));
    const { dir, stateRoot } = workspace;
    const locked = await lockState(stateRoot, names[4] ?? "", { make: false });
    assert(locked);
    await using terminal = await Terminal.open(dir, dir, stateRoot);
    try {
      await terminal.type("nsinit delete --all; echo ended=$?");
      await terminal.waitFor(
        /^Deleting containers \[#{18}\.\.\] 9 of 10, /m,
        SLOW_MS,
      );
    } finally {
      unlockState(locked);
    }
    await terminal.waitFor(/ended=\$\?\nended=0\nouter\$ $/, SLOW_MS);
  },
  { needs: ["tmux"] },
);

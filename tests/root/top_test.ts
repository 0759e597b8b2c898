/** The live table, on a real terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Container } from "../../lib/api/container.ts";
import { Factory } from "../../lib/api/factory.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerTests("top");
const NEEDS = { needs: ["tmux", "memory-cgroup"] } as const;
const MEBIBYTE = 1048576;
const SLOW_MS = 60_000;
const SIZE = { rows: 24, columns: 100 };

async function start(
  workspace: Workspace,
  args: readonly string[],
  cgroups: Record<string, unknown> = {},
): Promise<Container> {
  const factory = new Factory(workspace.stateRoot);
  const config = await readConfig(workspace, { cgroups });
  const container = await factory.create(workspace.newName(), config);
  await container.start({ args: [...args] });
  return container;
}

async function open(workspace: Workspace, size = SIZE): Promise<Terminal> {
  const { dir, stateRoot } = workspace;
  return await Terminal.open(dir, dir, stateRoot, size);
}

/** Types a command that tells how it has ended, and what it did to the terminal. */
async function typeTop(terminal: Terminal, args = ""): Promise<void> {
  await terminal.type(
    `stty -g > before; echo earlier; nsinit top --interval 0.2 ${args}; ` +
      "echo status=$?; stty -g > after; cmp before after && echo restored=yes",
  );
}

/** What the shell shows after the table is gone: what it showed before, and no more. */
async function assertClean(terminal: Terminal, status: number): Promise<void> {
  await terminal.waitFor(/^restored=yes$/m, SLOW_MS);
  const screen = await terminal.screen();
  const window = await terminal.window();
  assert(!window.includes("CPU%"), `something of the table stays:\n${window}`);
  assertMatch(
    screen,
    new RegExp(`^earlier\nstatus=${status}\nrestored=yes\nouter\\$ $`, "m"),
  );
  assertEquals(
    await terminal.flags(),
    { isAlternate: false, isCursorShown: true, wraps: true },
  );
}

const FRAME = /^nsinit top +\d\d:\d\d:\d\d +\d+ running/m;

test(
  "the table shows what containers use, sorts, and leaves no trace",
  async (workspace) => {
    const limits = { memory: 64 * MEBIBYTE, pids_limit: 50 };
    await using busy = await start(
      workspace,
      ["/bin/sh", "-c", "while :; do :; done"],
      limits,
    );
    await using idle = await start(workspace, ["/bin/sleep", "1000"]);
    await using terminal = await open(workspace);
    await typeTop(terminal);
    await terminal.waitFor(FRAME, SLOW_MS);

    const [, cpu, bars] = await terminal.waitFor(
      new RegExp(
        `^${busy.id} +(\\d+\\.\\d) ([ ▁▂▃▄▅▆▇█]*[▁▂▃▄▅▆▇█]) +[\\d.]+[KM]`,
        "m",
      ),
      SLOW_MS,
    );
    assert(Number(cpu) > 1 && (bars ?? "").trim() !== "", `${cpu} ${bars}`);
    assertMatch(await terminal.screen(), /^ID +CPU% CPU +MEM LIMIT +PIDS/m);
    await terminal.waitFor(new RegExp(`^${busy.id} .* 64M .* running`, "m"));
    const order = (first: Container, second: Container): RegExp =>
      new RegExp(`^${first.id} .*\n${second.id} `, "m");
    await terminal.waitFor(order(busy, idle), SLOW_MS);
    await terminal.press("d");
    await terminal.press("r");
    await terminal.waitFor(/; by id, reversed/);
    const [low, high] = [busy, idle].toSorted((a, b) => a.id < b.id ? -1 : 1);
    assert(low && high);
    await terminal.waitFor(order(high, low));

    await terminal.press("h");
    await terminal.waitFor(/^ {2}q +leave \(also Ctrl-C\) *$/m);
    await terminal.press("h");
    await terminal.waitFor(order(high, low));
    await terminal.resize({ rows: 10, columns: 40 });
    await terminal.waitFor(/^ID +CPU% CPU +MEM( LIMIT)? *$/m, SLOW_MS);
    await terminal.resize({ rows: 30, columns: 140 });
    await terminal.waitFor(/STATUS +COMMAND *$/m, SLOW_MS);
    await terminal.waitFor(/\/bin\/sleep 1000 *$/m);
    await terminal.press("q");
    await assertClean(terminal, 0);
  },
  NEEDS,
);

test(
  "the screen is cleared in no way that a terminal keeps lines of",
  async (workspace) => {
    await using terminal = await open(workspace);
    const written = `${workspace.dir}/written`;
    await terminal.record(written);
    await typeTop(terminal);
    await terminal.waitFor(FRAME, SLOW_MS);
    // Everything is drawn anew for each size.
    await terminal.resize({ rows: 10, columns: 40 });
    await terminal.waitFor(/^ID +CPU% CPU +MEM( LIMIT)? *$/m, SLOW_MS);
    await terminal.resize({ rows: 30, columns: 140 });
    await terminal.waitFor(/STATUS +COMMAND *$/m, SLOW_MS);
    await terminal.press("q");
    await assertClean(terminal, 0);

    const text = await Deno.readTextFile(written);
    // deno-lint-ignore no-control-regex
    const clears = text.match(/\x1b\[\d*J/g) ?? [];
    assert(clears.length >= 3, `${clears.length}`);
    // 2J and 3J: what was there goes above the window instead.
    assertEquals(clears.filter((code) => code !== "\x1b[J"), []);
  },
  NEEDS,
);

test(
  "containers are paused, resumed and ended by keys, the last after a question",
  async (workspace) => {
    await using container = await start(workspace, ["/bin/sleep", "1000"]);
    const { id } = container;
    await using terminal = await open(workspace);
    await typeTop(terminal);
    await terminal.waitFor(FRAME, SLOW_MS);

    await terminal.press("p");
    await terminal.waitFor(/^Choose a container with the arrows/m);
    await terminal.press("Down");
    await terminal.press("p");
    await terminal.waitFor(new RegExp(`^${id} is paused`, "m"));
    await terminal.waitFor(new RegExp(`^${id} .* paused *$`, "m"), SLOW_MS);
    assertEquals(await container.status(), "paused");
    await terminal.press("p");
    await terminal.waitFor(new RegExp(`^${id} goes on`, "m"));
    assertEquals(await container.status(), "running");

    await terminal.press("K");
    await terminal.waitFor(new RegExp(`^Kill ${id} .SIGKILL.\\? y or n`, "m"));
    await terminal.press("n");
    await terminal.waitFor(new RegExp(`^${id} is left alone`, "m"));
    assertEquals(await container.status(), "running");
    await terminal.press("K");
    await terminal.waitFor(/^Kill /m);
    await terminal.press("y");
    await waitFor(
      "its end",
      async () => await container.status() === "stopped",
    );
    await terminal.waitFor(/^No container runs/m, SLOW_MS);
    await terminal.press("a");
    await terminal.waitFor(new RegExp(`^${id} .* stopped`, "m"), SLOW_MS);
    await terminal.press("C-c");
    await assertClean(terminal, 0);
  },
  NEEDS,
);

for (const [signal, status] of [["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  test(
    `${signal} ends the table and leaves the terminal clean`,
    async (workspace) => {
      await using terminal = await open(workspace);
      await typeTop(terminal);
      await terminal.waitFor(/^No container runs/m, SLOW_MS);
      Deno.kill(await pidOfTop(workspace), signal);
      await assertClean(terminal, status);
    },
    NEEDS,
  );
}

test(
  "Ctrl-Z gives the terminal back, and fg takes it again",
  async (workspace) => {
    await using terminal = await open(workspace);
    await terminal.type("stty -g > before; nsinit top --interval 0.2");
    await terminal.waitFor(/^No container runs/m, SLOW_MS);
    await terminal.press("C-z");
    await terminal.waitFor(/Stopped/, SLOW_MS);
    await terminal.type(
      "stty -g > after; cmp before after && echo restored=yes",
    );
    await terminal.waitFor(/^restored=yes$/m);
    await terminal.type("fg");
    await terminal.waitFor(/^No container runs/m, SLOW_MS);
    await terminal.press("q");
    // What is typed before the shell is back would be keys of the table.
    await terminal.waitFor(/^nsinit top --interval 0\.2\nouter\$ /m, SLOW_MS);
    await terminal.type("echo status=$?");
    await terminal.waitFor(/^status=0$/m, SLOW_MS);
  },
  NEEDS,
);

test(
  "names that a container chooses do not drive the terminal",
  async (workspace) => {
    const name = "\x1b]0;title\x07\x1b[2J\u202e日本\x9b31m";
    await using container = await start(
      workspace,
      ["/bin/sh", "-c", "sleep 1000; true", name],
    );
    await using terminal = await open(workspace, { rows: 24, columns: 200 });
    await typeTop(terminal);
    await terminal.waitFor(
      new RegExp(
        `^${container.id} .* /bin/sh -c sleep 1000; true ` +
          "\\\\u001b\\]0;title\\\\u0007\\\\u001b\\[2J\\\\u202e日本\\\\u009b31m *$",
        "m",
      ),
      SLOW_MS,
    );
    await terminal.press("q");
    await assertClean(terminal, 0);

    const table = await workspace.nsinit(["top", "--once", "--interval=0.1"]);
    const json = await workspace.nsinit(["top", "--format=json"]);
    const printed = (table.stdout + json.stdout).replaceAll("\n", "");
    assert(!/[\p{Cc}\u202e]/u.test(printed), JSON.stringify(printed));
    assert(JSON.parse(json.stdout)[0].command.endsWith(name));
  },
  NEEDS,
);

test("without a terminal the table is printed once", async (workspace) => {
  await using container = await start(workspace, ["/bin/sleep", "1000"]);
  const { id } = container;
  const factory = new Factory(workspace.stateRoot);
  await using created = await factory.create(
    workspace.newName(),
    await readConfig(workspace),
  );

  const [plain, named, all, json] = await Promise.all([
    workspace.nsinit(["top"]),
    workspace.nsinit(["top", "--interval", "0.1", created.id]),
    workspace.nsinit(["top", "--interval", "0.1", "--all"]),
    workspace.nsinit(["top", "--format", "json"]),
  ]);

  for (const each of [plain, named, all, json]) {
    assertEquals([each.code, each.stderr], [0, ""]);
  }
  const [header, row, ...rest] = plain.stdout.split("\n");
  assertMatch(header ?? "", /^ID +CPU% +MEM LIMIT +PIDS .* STATUS +COMMAND$/);
  assertMatch(row ?? "", new RegExp(`^${id} .* running +/bin/sleep 1000$`));
  assertEquals(rest, [""]);
  assert(!named.stdout.includes(id) && named.stdout.includes(created.id));
  assertEquals(all.stdout.trimEnd().split("\n").length, 3);
  const [first] = JSON.parse(json.stdout);
  assertEquals([first.id, first.status], [id, "running"]);
  assert(first.memory > 0 && first.cpu_percent >= 0);
}, NEEDS);

test("wrong use of top is told in one sentence", async (workspace) => {
  const cases: [string[], number, string][] = [
    [["nobody"], 125, "Cannot find container nobody: "],
    [["--sort", "size"], 2, "it is one of cpu, memory"],
    [["--interval", "0"], 2, "a duration from"],
    [["../x"], 125, ""],
  ];
  await Promise.all(cases.map(async ([args, code, said]) => {
    const result = await workspace.nsinit(["top", ...args]);
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    assert(result.stderr.includes(said), result.stderr);
    assertEquals(result.stderr.trimEnd().split("\n").length, 1);
  }));
});

/** Host pid of the table's program. */
async function pidOfTop({ stateRoot }: Workspace): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const path = `/proc/${name}/cmdline`;
    const words = (await Deno.readTextFile(path).catch(() => "")).split("\0");
    if (words.includes(stateRoot) && words.includes("top")) return Number(name);
  }
  throw new Error("no top runs");
}

/** The command line as a whole, tried as somebody new to it would. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { COMMANDS, loadEntry } from "../../lib/cli/registry.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { waitFor } from "../support/nsinit.ts";
import { OrdinaryUser } from "../support/ordinary_user.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerTests("cli");

/** Flags without which a command says something else first. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  update: ["--pids-limit=5"],
  checkpoint: ["--image-path=/nowhere"],
  restore: ["--image-path=/nowhere"],
};

/** Commands that are about one container, which must be there. */
async function containerCommands(): Promise<string[]> {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  return commands.filter(({ name, options, stopEarly }) =>
    options.some((option) => option.name === "id") && !stopEarly &&
    name !== "restore"
  ).map(({ name }) => name);
}

/** Runs commands side by side; each must fail, with one sentence. */
async function allFail(
  commands: readonly string[],
  run: (args: readonly string[]) => ReturnType<Workspace["nsinit"]>,
  id: readonly string[],
  says: RegExp,
): Promise<void> {
  for (const command of commands) {
    const flags = NEEDED[command] ?? [];
    const { code, stdout, stderr } = await run([command, ...flags, ...id]);
    assertEquals([command, code, stdout], [command, 125, ""], stderr);
    assertMatch(stderr, says, command);
    assertEquals(
      stderr.trimEnd().split("\n").length,
      1,
      `${command}: ${stderr}`,
    );
  }
}

test("commands on a container that has ended say so", async (workspace) => {
  const container = await workspace.container();
  assertEquals((await container.sh("true")).code, 0);
  const id = await container.id();
  await allFail(
    await containerCommands(),
    (args) => workspace.nsinit(args),
    [id],
    /^nsinit: Cannot .*container does not exist.*\n$/,
  );
});

test("commands in a directory where nothing runs say so", async (workspace) => {
  const cwd = await workspace.newDirectory();
  await allFail(
    await containerCommands(),
    (args) => workspace.nsinit(args, { cwd }),
    [],
    /^nsinit: No container of .* runs: go to its directory, or name it by --id/,
  );
});

test("the container that was meant is suggested", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold({ flags: ["--id=websrver"] });
  const mistyped = await workspace.nsinit(["state", "webserver"]);
  assertEquals(mistyped.code, 125);
  assertMatch(mistyped.stderr, /; did you mean websrver\?\n$/);
  const signal = await workspace.nsinit(["kill", "TERM"], {
    cwd: container.dir,
  });
  assertMatch(signal.stderr, /of this directory: --signal TERM\n$/);
});

test("an ordinary user may not look into root's containers, and is told so", async (workspace) => {
  const container = await workspace.container();
  const user = await OrdinaryUser.create(workspace);
  await using _running = await container.hold({ flags: ["--id=ours"] });
  const root = ["--root", workspace.stateRoot];
  await allFail(
    ["state", "ps", "kill", "update", "delete"],
    (args) => user.nsinit([...root, ...args]),
    ["ours"],
    /^nsinit: Cannot .*(belongs to user 0|[Pp]ermission denied)[^(]*(\(EACCES\))?; .*\n$/,
  );
  const list = await user.nsinit([...root, "list"]);
  assertEquals([list.code, list.stdout], [125, ""]);
  assertMatch(
    list.stderr,
    /^nsinit: Cannot use state directory .*denied; .*\n$/,
  );
});

test("update changes limits while the container runs, and keeps the others", async (workspace) => {
  const container = await workspace.container({
    cgroups: { pids_limit: 100, cpu_shares: 512 },
  });
  await using _running = await container.hold();
  const id = await container.id();
  const { code, stderr } = await workspace.nsinit([
    "update",
    "--pids-limit=50",
    "--cpu-quota=50000",
    "--cpu-period=100000",
    "--device-allow=c 10:229 rw",
    id,
  ]);
  assertEquals([code, stderr], [0, ""]);
  const state = await container.state();
  const { pidsLimit, cpuQuota, cpuPeriod, cpuShares, allowedDevices } =
    state?.config.cgroups ?? {};
  assertEquals([pidsLimit, cpuQuota, cpuPeriod, cpuShares], [
    50,
    50000,
    100000,
    512,
  ]);
  assert(allowedDevices?.some(({ minor }) => minor === 229));
  const group = state?.resources.cgroups.find(({ controllers, version }) =>
    version === 2 ? controllers.length > 0 : controllers.includes("pids")
  );
  const file = `${group?.path}/pids.max`;
  assertEquals((await Deno.readTextFile(file)).trim(), "50");
  const lifted = await workspace.nsinit(["update", "--pids-limit=-1", id]);
  assertEquals([lifted.code, lifted.stderr], [0, ""]);
  assertEquals((await Deno.readTextFile(file)).trim(), "max");
  const wrong = await workspace.nsinit(["update", "--cpuset-cpus=9999", id]);
  assertEquals(wrong.code, 125);
  assertMatch(wrong.stderr, /^nsinit: .*cpuset.*9999.*\n$/);
});

test("kill takes names and numbers, for the first process and for all", async (workspace) => {
  const container = await workspace.container();
  for (const args of [["--signal=sigterm"], ["-s", "9", "--all"], ["KILL"]]) {
    const script = "trap 'exit 7' TERM; echo up; sleep 1000 & wait";
    await using running = container.start(["/bin/sh", "-c", script]);
    await running.waitForOutput("up\n", 60_000);
    await container.pid();
    const id = await container.id();
    const [last = ""] = args;
    const given = last === "KILL" ? [id, last] : [...args, id];
    const { code, stderr } = await workspace.nsinit(["kill", ...given]);
    assertEquals([code, stderr], [0, ""]);
    const isTerm = last === "--signal=sigterm";
    assertEquals((await running.result(60_000)).code, isTerm ? 7 : 137);
  }
});

test("--debug tells each step with its time, on stderr or in the log", async (workspace) => {
  const container = await workspace.container();
  const shown = await container.exec(["--debug", "/bin/echo", "out"]);
  assertEquals([shown.code, shown.stdout], [0, "out\n"]);
  const lines = shown.stderr.trimEnd().split("\n");
  const times = lines.map((line) => {
    const [, time] = /^nsinit: debug: ([\d.]+) ms: ./.exec(line) ?? [];
    assert(time, line);
    return Number(time);
  });
  assertEquals(times, times.toSorted((a, b) => a - b));
  const text = lines.map((line) => line.replace(/^.* ms: /, "")).join("\n");
  const order = [
    /^nsinit .*: exec as user 0/m,
    /^configuration: .*container\.json, dialect D/m,
    /^cgroup\.make: /m,
    /^spawn: /m,
    /^inside, /m,
    /^await\.exec: /m,
    /^container .* runs as process \d+/m,
  ].map((pattern) => text.search(pattern));
  assert(!order.includes(-1), text);
  assertEquals(order, order.toSorted((a, b) => a - b));

  const log = `${container.dir}/log`;
  const logged = await container.exec([
    "--debug",
    "--log",
    log,
    "--log-format=json",
    "/bin/true",
  ]);
  assertEquals([logged.code, logged.stderr], [0, ""]);
  for (const line of (await Deno.readTextFile(log)).trimEnd().split("\n")) {
    const { level, msg, elapsed_ms } = JSON.parse(line);
    assertEquals([level, typeof msg, typeof elapsed_ms], [
      "debug",
      "string",
      "number",
    ]);
  }
});

test("state is told as data, and as a table", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold({ flags: ["--id=told"] });
  const plain = await workspace.nsinit(["state", "told"]);
  const asked = await workspace.nsinit(["state", "--format=json", "told"]);
  assertEquals(asked.stdout, plain.stdout);
  const { init_process_pid } = JSON.parse(plain.stdout);
  const { code, stdout } = await workspace.nsinit(
    ["state", "--format=table", "told"],
  );
  assertEquals(code, 0);
  assertMatch(stdout, /^WHAT +VALUE\nid +told\nstatus +running\n/);
  assertMatch(
    stdout,
    new RegExp(`^init process pid +${init_process_pid}$`, "m"),
  );
  assertMatch(stdout, /^cgroup \S+ +\/sys\/fs\/cgroup\/\S+$/m);
  assertMatch(
    stdout,
    new RegExp(`^namespace NEWNS +/proc/${init_process_pid}/ns/mnt$`, "m"),
  );
});

test("a joined program's steps are told too", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const { code, stderr } = await container.exec(["--debug", "/bin/true"]);
  assertEquals(code, 0);
  assertStringIncludes(stderr, ": joining container ");
  assertMatch(stderr, / ms: inside, exec: execute \/bin\/true/);
});

test(
  "list fits the terminal, in colours unless they are not wanted",
  async (workspace) => {
    const container = await workspace.container();
    await using _running = await container.hold({ flags: ["--id=shown"] });
    const size = { rows: 24, columns: 70 };
    const cwd = await workspace.newDirectory();
    await using terminal = await Terminal.open(
      workspace.dir,
      cwd,
      workspace.stateRoot,
      size,
    );
    // `script` gives a terminal of the same size, and keeps what is written.
    await terminal.type(
      "NO_COLOR= script -qc 'nsinit list' coloured; " +
        "NO_COLOR=1 script -qc 'nsinit list' plain; nsinit list > file; echo done=$?",
    );
    await terminal.waitFor(/^done=0$/m, 60_000);
    const read = (name: string): Promise<string> =>
      Deno.readTextFile(`${cwd}/${name}`);
    const [coloured, plain, file] = await Promise.all(
      ["coloured", "plain", "file"].map(read),
    );
    assertStringIncludes(coloured ?? "", "\x1b[1mID\x1b[0m");
    assertStringIncludes(coloured ?? "", "\x1b[32mrunning\x1b[0m");
    const line = /^shown .*$/m;
    const [cut = ""] = line.exec(plain ?? "") ?? [];
    assertEquals([cut.trimEnd().length, cut.trimEnd().at(-1)], [70, "\u2026"]);
    assert(!plain?.includes("\x1b[1m"), plain);
    const [whole = ""] = line.exec(file ?? "") ?? [];
    assertMatch(whole, new RegExp(`${container.dir}$`));
    await waitFor(
      "the prompt",
      async () => /outer\$ $/.test(await terminal.screen()),
    );
  },
  { needs: ["tmux"] },
);

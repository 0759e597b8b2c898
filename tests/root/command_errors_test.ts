/**
 * What goes wrong at the command line: one sentence, the right status, what was
 * meant, and nothing left behind.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMMANDS, loadEntry } from "../../lib/cli/registry.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { mustRun, type RunResult } from "../support/nsinit.ts";

const test = containerTests("command-errors");

/** Id that no file system takes. */
const TOO_LONG = "a".repeat(256);

/** Fails unless a command said one sentence of an error, and nothing else. */
function assertRefused(
  what: string,
  { code, stdout, stderr }: RunResult,
  status: number,
  says: RegExp,
): void {
  assertEquals([what, code, stdout], [what, status, ""], stderr);
  assertMatch(stderr, says, what);
  assertMatch(stderr, /^nsinit: [A-Z-c].*[^.]\n$/, what);
  assert(!/Internal error|file:\/\/|\(os error/.test(stderr), stderr);
}

/** Tries command lines, some at a time. */
async function tryAll(
  workspace: Workspace,
  lines: readonly (readonly [string, number, RegExp])[],
): Promise<void> {
  const left = [...lines];
  const work = async (): Promise<void> => {
    for (;;) {
      const next = left.shift();
      if (!next) return;
      const [line, status, says] = next;
      const args = line.split(" ").filter((word) => word !== "");
      assertRefused(line, await workspace.nsinit(args), status, says);
    }
  };
  await Promise.all([work(), work(), work()]);
}

test("every command names its help for an option that it does not know", async (workspace) => {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const own = commands.filter(({ name }) => name !== "oci");
  await tryAll(
    workspace,
    own.map(({ name }) => [
      `${name} --nonsense`,
      2,
      new RegExp(`Unknown option --nonsense \\(nsinit help ${name} lists`),
    ]),
  );
});

test("every command on one container refuses a second one", async (workspace) => {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const own = commands.filter(({ name, options, stopEarly }) =>
    options.some((option) => option.name === "id") && !stopEarly &&
    !["delete", "restore", "kill", "top"].includes(name)
  );
  assert(own.length > 7, `${own.length}`);
  const needed: Readonly<Record<string, string>> = {
    update: "--pids-limit=1",
    checkpoint: "--image-path=/nowhere",
  };
  await tryAll(
    workspace,
    own.map(({ name }) => [
      `${name} ${needed[name] ?? ""} one two`,
      2,
      /^nsinit: Too many arguments: "two" is one more than taken\n$/,
    ]),
  );
});

test("what a live container does not take is told", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold({ flags: ["--id=webserver"] });
  await tryAll(workspace, [
    ["pause websrver", 125, /does not exist.*did you mean webserver\?/],
    ["unpause webserver", 125, /container is not paused/],
    ["delete webserver", 125, /is not stopped; kill it first or use --force/],
    ["kill -SIGTREM webserver", 2, /Unknown option -SIGTREM/],
    ["kill webserver 65", 2, /Unknown signal "65"/],
    ["kill --signal=SIGTREM webserver", 2, /did you mean TERM\?/],
    ["update --cpu-shares=1 webserver", 125, /found 1, wanted .* 2 to 262144/],
    ["update --pids-limit=x webserver", 2, /--pids-limit cannot be "x"/],
    ["stats --interval=5 webserver", 2, /has a meaning with --stream only/],
    ["stats --stream --interval=x webserver", 2, /--interval cannot be "x"/],
    ["restore --id=webserver --image-path=/nowhere", 125, /it runs/],
    [
      "checkpoint --image-path=/nowhere/images webserver",
      2,
      /\/nowhere\/images for images: No such file or directory; make/,
    ],
    ["exec --id=webserver nonsense", 127, /executable file not found/],
    ["exec --id=webserver /etc", 126, /permission denied/],
    ["exec --id=webserver --cwd=/nowhere true", 125, /\/nowhere/],
    ["exec --id=webserver --user=nobody9 true", 125, /no matching entries/],
    ["ps --format=yaml webserver", 2, /one of table, json/],
    [`state ${TOO_LONG}`, 125, /it has 256 characters, and .* 255 at most/],
    ["state -- -dash", 125, /container -dash: container does not exist/],
    ["--root= list", 2, /--root is empty/],
    ["--root=/dev/null list", 125, /\/dev\/null: Not a directory/],
  ]);
  const { code, stderr } = await workspace.nsinit(["ps"], {
    cwd: container.dir,
  });
  assertEquals(code, 125);
  assertMatch(stderr, /name the one that was meant, e\.g\. --id webserver\n$/);
});

test("signals are taken as kill(1) takes them", async (workspace) => {
  const container = await workspace.container();
  for (const signal of ["-9", "-KILL", "-SIGKILL"]) {
    await using running = await container.hold();
    const id = await container.id();
    const { code, stderr } = await workspace.nsinit(["kill", signal, id]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals((await running.result()).code, 137);
  }
});

test("ids may begin with a dash, and be as long as names of files", async (workspace) => {
  const container = await workspace.container();
  for (const id of ["-dash", "a".repeat(255)]) {
    await using _running = await container.hold({ flags: [`--id=${id}`] });
    const list = await workspace.nsinit(["list", "--format=json"]);
    assertEquals(JSON.parse(list.stdout)[0].id, id);
    const state = await workspace.nsinit(["state", "--", id]);
    assertEquals(JSON.parse(state.stdout).id, id);
    const killed = await workspace.nsinit(["kill", "--all", "-9", "--", id]);
    assertEquals([killed.code, killed.stderr], [0, ""]);
  }
});

/** Commands that print something, with an argument that stands for the container. */
const PRINTING = [
  ...["list", "ps ID", "state ID", "stats ID", "config", "explain true"],
  ...["help exec", "completion bash", "doctor --json", "top ID", "--version"],
];

test("an output that cannot be written is told, and one that nobody reads is not", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const id = await container.id();
  for (const line of PRINTING) {
    const args = line.replace("ID", id).split(" ");
    const full = await workspace.nsinit(args, {
      cwd: container.dir,
      prefix: ["sh", "-c", 'exec "$@" > /dev/full', "sh"],
    });
    assertRefused(line, full, 125, /Cannot write the output: No space left/);
    const gone = await workspace.nsinit(args, {
      cwd: container.dir,
      prefix: ["sh", "-c", '{ "$@"; echo $? >&2; } | :', "sh"],
    });
    assertMatch(gone.stderr, /^[01]\n$/, line);
  }
});

/** A file system without room, until it is disposed of. */
class FullDisk implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(workspace: Workspace, left: number): Promise<FullDisk> {
    const path = await workspace.newDirectory();
    await mustRun(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path]);
    const filler = new Uint8Array(262_144 - left);
    await Deno.writeFile(`${path}/filler`, filler).catch(() => {});
    return new FullDisk(path);
  }

  async names(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(this.path));
    return entries.map(({ name }) => name).filter((name) => name !== "filler");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mustRun(["umount", this.path]);
  }
}

test("a full disk is told, and no half of a file stays", async (workspace) => {
  await using disk = await FullDisk.create(workspace, 0);
  const container = await workspace.container();
  const file = `${disk.path}/container.json`;
  const written = await workspace.nsinit(["config", `--file=${file}`]);
  assertRefused("config", written, 125, /container\.json: No space left/);
  assertEquals(await disk.names(), []);
  const started = await workspace.nsinit(
    [`--root=${disk.path}/state`, "exec", "true"],
    { cwd: container.dir },
  );
  assertRefused("exec", started, 125, /state\.json: no space left/);
  assertEquals(
    await Array.fromAsync(Deno.readDir(`${disk.path}/state`)),
    [],
  );
});

test("a state root that takes no new container is told", async (workspace) => {
  const root = await workspace.newDirectory();
  const container = await workspace.container();
  await mustRun(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", root]);
  try {
    await Deno.writeTextFile(`${root}/file`, "");
    await mustRun(["mount", "-o", "remount,ro", root]);
    for (
      const [id, says] of [
        ["new", /new: read-only file system \(EROFS\)\n$/],
        ["file", /file: not a directory \(ENOTDIR\)\n$/],
      ] as const
    ) {
      const started = await workspace.nsinit(
        [`--root=${root}`, "exec", `--id=${id}`, "true"],
        { cwd: container.dir },
      );
      assertRefused(id, started, 125, says);
    }
  } finally {
    await mustRun(["umount", root]);
  }
});

for (const left of [0, 40_960, 131_072]) {
  test(
    `a disk that is full after ${left} bytes of images is told, and the container goes on`,
    async (workspace) => {
      await using disk = await FullDisk.create(workspace, left);
      const container = await workspace.container();
      await using running = await container.hold();
      const { code, stderr } = await workspace.nsinit([
        `--criu=${testCriu()}`,
        ...["checkpoint", "--image-path", `${disk.path}/images`],
      ], { cwd: container.dir });
      assertEquals(code, 125, stderr);
      assertMatch(stderr, /seems to be full|[Nn]o space left/);
      assertEquals(
        (await disk.names()).filter((name) => !name.endsWith(".log")),
        [],
      );
      await running.closeStdin();
      assertEquals((await running.result()).code, 0);
    },
    { needs: ["criu"] },
  );
}

test("a damaged state hides no other container, and goes by force", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const dir = `${workspace.stateRoot}/damaged`;
  await Deno.mkdir(dir, { mode: 0o700 });
  await Deno.writeTextFile(`${dir}/state.json`, "{", { mode: 0o600 });
  for (const args of [["list", "--quiet"], ["list", "--format=json"]]) {
    const list = await workspace.nsinit(args);
    assertEquals(list.code, 125);
    assert(list.stdout.includes(await container.id()), list.stdout);
    assertMatch(list.stderr, /^nsinit: Cannot read .*delete --force.*\n$/);
  }
  const kept = await workspace.nsinit(["delete", "--all"]);
  assertRefused("delete --all", kept, 125, /damaged\/state\.json/);
  const gone = await workspace.nsinit(["delete", "--all", "--force"]);
  assertEquals([gone.code, gone.stderr], [0, ""]);
  assertEquals((await workspace.nsinit(["list", "-q"])).stdout, "");
  assertEquals((await running.result()).code, 137);
});

test("commands at the same time get in nobody's way", async (workspace) => {
  const container = await workspace.container();
  const { dir } = container;
  const run = (...args: string[]): Promise<RunResult> =>
    workspace.nsinit(args, { cwd: dir, timeoutMs: 120_000 });
  const results = await Promise.all([
    ...Array.from({ length: 4 }, () => run("exec", "sleep", "0.2")),
    ...["list", "state", "ps", "stats", "pause", "unpause"].map((name) =>
      run(name)
    ),
    run("update", "--pids-limit=50"),
    run("kill", "-9"),
    run("delete", "--force"),
    run("list"),
  ]);
  for (const { code, stderr } of results) {
    assert([0, 125, 137].includes(code), `${code}: ${stderr}`);
    assert(!/Internal error|os error/.test(stderr), stderr);
    if (code === 0) assertEquals(stderr, "");
  }
  await run("delete", "--force");
});

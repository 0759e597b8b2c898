/** Starts that the launcher of the bundle carries out without Deno. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle } from "../support/bundle.ts";
import {
  containerTests,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import {
  Running,
  type RunOptions,
  runProgram,
  type RunResult,
  waitFor,
} from "../support/nsinit.ts";

const test = containerTests("kept");
const STARTS = "/run/nsinit-starts";
/** With it nothing but a kept start can succeed. */
const NO_DENO = { DENO: "/nowhere/deno" };
const WITHOUT_DENO = "nsinit: Cannot execute Deno";

/** All that a program can see of how it was started. */
const LOOK_AROUND = [
  "ulimit -a",
  "env | sort",
  "id",
  "pwd; umask; hostname",
  "grep -E '^(Cap|NoNew|Seccomp:|Sig[BCIP])' /proc/self/status",
  "sed 's/^[0-9]* [0-9]* [0-9:]* //' /proc/self/mountinfo",
  "cat /proc/self/cgroup",
  "echo /proc/self/fd/*",
  "cat /proc/self/oom_score_adj",
].join("; ");

/** The bundle with a launcher, and the command lines of one container. */
class Launched {
  readonly program: string;
  readonly container: TestContainer;

  constructor(program: string, container: TestContainer) {
    this.program = program;
    this.container = container;
  }

  #command(args: readonly string[]): string[] {
    const { stateRoot } = this.container.workspace;
    return [this.program, "--root", stateRoot, "exec", ...args];
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { dir } = this.container;
    return runProgram(this.#command(args), { cwd: dir, ...options });
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    const { dir } = this.container;
    return new Running(this.#command(args), { cwd: dir, ...options });
  }

  /** Runs it where only a kept start can succeed. */
  kept(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.run(args, { ...options, env: { ...options.env, ...NO_DENO } });
  }

  async isKept(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<boolean> {
    return !(await this.kept(args, options)).stderr.startsWith(WITHOUT_DENO);
  }

  /** Runs it until it is kept; another command line may take its file meanwhile. */
  async keep(args: readonly string[], options: RunOptions = {}): Promise<void> {
    await waitFor(`${args.join(" ")} to be kept`, async () => {
      const { code, stderr } = await this.run(args, options);
      assertEquals([code, stderr], [0, ""]);
      return await this.isKept(args, options);
    }, 60_000);
  }
}

let bundle: Promise<string | undefined> | undefined;

function launchedTest(
  name: string,
  action: (launched: Launched, workspace: Workspace) => Promise<void>,
  config: Record<string, unknown> = {},
): void {
  test(name, async (workspace) => {
    bundle ??= makeBundle(`${workspace.dir}/bundle`);
    const folder = await bundle;
    if (folder === undefined) return;
    const container = await workspace.container(config);
    await action(new Launched(`${folder}/nsinit`, container), workspace);
  });
}

launchedTest(
  "a program that is started for the third time sees what it saw before",
  async (launched) => {
    const look = ["/bin/sh", "-c", LOOK_AROUND];
    const first = await launched.run(look);
    assertEquals([first.code, first.stderr], [0, ""]);
    await launched.keep(look);
    const kept = await launched.kept(look);
    assertEquals(kept.stdout, first.stdout);
    assertEquals([kept.code, kept.stderr], [0, ""]);
  },
);

launchedTest(
  "its streams are the caller's, and it ends with its own status",
  async (launched) => {
    const args = [
      "/bin/sh",
      "-c",
      "cat; read x < /dev/null; exit $(cat /code)",
    ];
    const code = `${launched.container.workspace.rootfs}/code`;
    await Deno.writeTextFile(code, "0");
    await launched.keep(args, { stdin: "text" });
    await Deno.writeTextFile(code, "7");
    const kept = await launched.kept(args, { stdin: "other text" });
    await Deno.remove(code);
    assertEquals([kept.code, kept.stdout], [7, "other text"]);
  },
);

launchedTest("signals are passed on", async (launched) => {
  const args = [
    "/bin/sh",
    "-c",
    "trap 'exit 7' TERM; echo ready; sleep 60 & wait",
  ];
  for (let round = 0; round < 3; round++) {
    await using running = launched.start(args);
    await running.waitForOutput("ready\n", 60_000);
    await launched.container.waitForMonitor(running);
    Deno.kill(running.pid, "SIGTERM");
    assertEquals(await running.ended(), 7);
  }
});

launchedTest(
  "its record and marker are those of any start",
  async (launched) => {
    const { container } = launched;
    const args = ["/bin/sh", "-c", "echo ready; cat > /dev/null"];
    const look = async (env: Record<string, string>): Promise<unknown> => {
      await using running = launched.start(args, { env });
      await running.waitForOutput("ready\n", 60_000);
      await container.waitForMonitor(running);
      const state = await container.state();
      const marker = JSON.parse(
        await Deno.readTextFile(`${container.dir}/state.json`),
      );
      assert(state !== undefined);
      const { mtime, ino } = await Deno.stat(`${container.dir}/state.json`);
      const age = Math.abs(new Date(state.created).getTime() - Date.now());
      assert(age < 120_000, state.created);
      assert(mtime !== null);
      assertEquals(marker.init_pid, state.pid);
      assertEquals(marker.init_start_time, state.startTime);
      const stat = await Deno.readTextFile(`/proc/${state.pid}/stat`);
      assertEquals(stat.split(") ")[1]?.split(" ")[19], state.startTime);
      assertEquals(state.owner.pid, running.pid);
      const inodes = state.resources.files.map(({ inode }) => inode);
      assertEquals(inodes.at(-1), String(ino));
      const mark = state.resources.cgroups[0]?.owner ?? "";
      await running.closeStdin();
      assertEquals(await running.ended(), 0);
      const text = JSON.stringify({ state, marker })
        .replaceAll(mark, "MARK")
        .replaceAll(state.created, "CREATED")
        .replaceAll(`"${state.startTime}"`, "START")
        .replaceAll(`"${state.owner.startTime}"`, "START")
        .replaceAll(String(state.pid), "PID")
        .replaceAll(String(state.owner.pid), "OWNER")
        .replaceAll(`"${ino}"`, "INODE");
      return text;
    };
    const first = await look({});
    await launched.keep(args);
    assertEquals(await look(NO_DENO), first);
  },
);

launchedTest(
  "nothing is kept that a change makes untrue",
  async (launched, workspace) => {
    const args = ["/bin/hostname"];
    const { dir } = launched.container;
    const config = `${dir}/container.json`;
    await launched.keep(args);
    const text = await Deno.readTextFile(config);

    await Deno.writeTextFile(config, text.replace("testing", "changed"));
    assert(!await launched.isKept(args), "another configuration");
    assertEquals((await launched.run(args)).stdout, "changed\n");
    await launched.keep(args);
    assertEquals((await launched.kept(args)).stdout, "changed\n");

    const lower = ["sh", "-c", 'ulimit -S -n 77; exec "$@"', "sh"];
    assert(!await launched.isKept(args, { prefix: lower }), "another limit");
    const rights = ["setpriv", "--bounding-set", "-sys_time"];
    assert(!await launched.isKept(args, { prefix: rights }), "other rights");
    const mounts = ["unshare", "--mount", "--propagation", "private"];
    assert(!await launched.isKept(args, { prefix: mounts }), "other mounts");
    assert(!await launched.isKept(args, { env: { log: "" } }), "a variable");
    assert(!await launched.isKept(args, { cwd: workspace.dir }), "elsewhere");
    assert(!await launched.isKept([...args, "-s"]), "another program");
    await launched.keep(args);
  },
);

test("another root, or another launcher, is seen", async (workspace) => {
  bundle ??= makeBundle(`${workspace.dir}/bundle`);
  const folder = await bundle;
  if (folder === undefined) return;
  const root = `${workspace.dir}/${workspace.newName()}`;
  await mustCopy(workspace.rootfs, root);
  const container = await workspace.container({ rootfs: root });
  const launched = new Launched(`${folder}/nsinit`, container);
  const args = ["/bin/cat", "/etc/passwd"];
  await launched.keep(args);
  await Deno.rename(root, `${root}.old`);
  await mustCopy(workspace.rootfs, root);
  assert(!await launched.isKept(args), "another root");
  await launched.keep(args);
  await Deno.writeTextFile(
    `${root}/etc/passwd`,
    "root:x:0:0:root:/tmp:/bin/sh\n",
  );
  assert(!await launched.isKept(args), "another user");
  await launched.keep(args);
  assertStringIncludes((await launched.kept(args)).stdout, ":/tmp:");
  await Deno.utime(`${folder}/nsinit`, 1, 1);
  assert(!await launched.isKept(args), "another launcher");
});

async function mustCopy(from: string, to: string): Promise<void> {
  const { code, stderr } = await runProgram(["cp", "-a", from, to]);
  assertEquals([code, stderr], [0, ""]);
}

test("a container in its own root, without a configuration", async (workspace) => {
  bundle ??= makeBundle(`${workspace.dir}/bundle`);
  const folder = await bundle;
  if (folder === undefined) return;
  const root = await workspace.newDirectory();
  await mustCopy(`${workspace.rootfs}/.`, root);
  const container = await workspace.containerIn(root, undefined);
  const launched = new Launched(`${folder}/nsinit`, container);
  const args = ["/bin/ls", "-a", "/"];
  const first = await launched.run(args);
  await launched.keep(args);
  assertEquals((await launched.kept(args)).stdout, first.stdout);
  assertStringIncludes(first.stdout, "container.json");
  const config = `${root}/container.json`;
  await Deno.writeTextFile(config, "{");
  assert(!await launched.isKept(args), "there is a configuration");
  assertEquals((await launched.run(args)).code, 125);
  await Deno.remove(config);
});

launchedTest(
  "what fails half-way is told by Deno, and nothing is left of it",
  async (launched, workspace) => {
    const vanishing = ["/bin/gone"];
    const path = `${workspace.rootfs}/bin/gone`;
    await Deno.writeTextFile(path, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    await launched.keep(vanishing);
    await Deno.remove(path);
    const without = await launched.kept(vanishing);
    assertEquals(without.code, 127);
    assertStringIncludes(without.stderr, WITHOUT_DENO);
    assertEquals(await launched.container.state(), undefined);
    const { code, stderr } = await launched.run(vanishing);
    assertEquals(code, 127);
    assertStringIncludes(stderr, 'nsinit: Cannot execute "/bin/gone"');
  },
);

launchedTest(
  "a group that another has taken is no failure",
  async (launched, workspace) => {
    const args = ["/bin/sh", "-c", "echo ready; cat > /dev/null"];
    await launched.keep(args);
    const config = await Deno.readTextFile(
      `${launched.container.dir}/container.json`,
    );
    const other = await workspace.containerIn(
      await workspace.newDirectory(),
      config,
    );
    await using running = await other.hold();
    const { code, stderr } = await launched.run(args);
    assertEquals([code, stderr], [0, ""]);
    await running.closeStdin();
    await running.ended();
  },
);

launchedTest("while the container lives it is joined", async (launched) => {
  const args = ["/bin/sh", "-c", "echo ready; cat > /dev/null; ps | wc -l"];
  await launched.keep(args);
  await using running = launched.start(args, { env: NO_DENO });
  await running.waitForOutput("ready\n", 60_000);
  const joined = await launched.run(args);
  assertEquals([joined.code, joined.stderr], [0, ""]);
  await running.closeStdin();
  assertEquals(await running.ended(), 0);
});

launchedTest("a detached one goes on", async (launched) => {
  const { container } = launched;
  const quiet = ["sh", "-c", 'exec "$@" > /dev/null 2>&1', "sh"];
  const args = ["--detach", "/bin/sleep", "1"];
  const gone = (): Promise<true> =>
    waitFor("the container's end", async () => {
      const { stdout } = await container.workspace.nsinit(["list", "--quiet"]);
      return !stdout.includes(await container.id());
    }, 60_000).then(() => true);
  const status = async (env: Record<string, string>): Promise<number> => {
    const { code } = await launched.run(args, { prefix: quiet, env });
    return code;
  };
  await waitFor("it to be kept", async () => {
    assertEquals(await status({}), 0);
    await gone();
    return await status(NO_DENO) === 0;
  }, 60_000);
  const state = await container.state();
  assertEquals(state?.phase, "running");
  await gone();
});

launchedTest(
  "killed at any moment it leaves what the next command takes away",
  async (launched) => {
    const args = ["/bin/true"];
    await launched.keep(args);
    for (let delay = 0; delay < 8; delay += 0.5) {
      await using running = launched.start(args, { env: NO_DENO });
      await new Promise((resolve) => setTimeout(resolve, delay));
      try {
        Deno.kill(running.pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await running.ended();
    }
    const { code, stderr } = await launched.run(args);
    assertEquals([code, stderr], [0, ""]);
  },
);

launchedTest(
  "what is told by a warning, holds secrets or runs hooks is not kept",
  async (launched, workspace) => {
    const lines = [
      ["--env=SECRET=1", "/bin/true"],
      ["--debug", "/bin/true"],
      ["--pid-file", `${workspace.dir}/pid`, "/bin/true"],
    ];
    for (const args of lines) {
      for (let round = 0; round < 3; round++) {
        assertEquals((await launched.run(args)).code, 0);
      }
      assert(!await launched.isKept(args), args.join(" "));
    }
    const noisy = await workspace.container({ unknown_key: 1 });
    const hooked = await workspace.container({
      hooks: { poststop: [{ path: "/bin/true" }] },
    });
    for (const container of [noisy, hooked]) {
      const { program } = launched;
      const other = new Launched(program, container);
      for (let round = 0; round < 3; round++) await other.run(["/bin/true"]);
      assert(!await other.isKept(["/bin/true"]));
    }
  },
);

/** Files of starts that are as long as one, with their first bytes. */
async function fileOf(text: string): Promise<string> {
  for await (const { name } of Deno.readDir(STARTS)) {
    const bytes = await Deno.readFile(`${STARTS}/${name}`).catch(() =>
      new Uint8Array()
    );
    if (new TextDecoder("latin1").decode(bytes).includes(text)) {
      return `${STARTS}/${name}`;
    }
  }
  throw new Error(`nothing is kept that holds ${text}`);
}

launchedTest(
  "a file that others could have written is not used",
  async (launched) => {
    const args = ["/bin/sh", "-c", `: ${crypto.randomUUID()}`];
    const again = async (): Promise<string> => {
      await launched.keep(args);
      return await fileOf(args.at(-1) ?? "");
    };
    let path = await again();
    const { mode, uid } = await Deno.stat(path);
    assertEquals([(mode ?? 0) & 0o777, uid], [0o600, 0]);
    assertEquals(((await Deno.stat(STARTS)).mode ?? 0) & 0o777, 0o700);

    await Deno.chmod(path, 0o620);
    assert(!await launched.isKept(args), "others may write to it");
    path = await again();
    await Deno.chown(path, 65534, 65534);
    assert(!await launched.isKept(args), "it is somebody else's");
    path = await again();
    await Deno.rename(path, `${path}.real`);
    await Deno.symlink(`${path}.real`, path);
    assert(!await launched.isKept(args), "it is a link");
    await Deno.remove(`${path}.real`);
  },
);

launchedTest("a damaged file is no failure", async (launched) => {
  const args = ["/bin/sh", "-c", `: ${crypto.randomUUID()}`];
  await launched.keep(args);
  const path = await fileOf(args.at(-1) ?? "");
  const bytes = await Deno.readFile(path);
  const look = async (changed: Uint8Array, what: string): Promise<void> => {
    await Deno.writeFile(path, changed);
    const { code, stderr } = await launched.run(args);
    assertEquals([what, code, stderr], [what, 0, ""]);
  };
  for (let cut = 16; cut < bytes.length; cut += 4999) {
    await look(bytes.subarray(0, cut), `cut at ${cut}`);
  }
});

launchedTest(
  "a configuration that comes through a pipe is read once",
  async (launched) => {
    const { dir } = launched.container;
    const config = await Deno.readTextFile(`${dir}/container.json`);
    const args = ["--config", "/dev/stdin", "/bin/hostname"];
    for (let round = 0; round < 4; round++) {
      const { code, stdout, stderr } = await launched.run(args, {
        stdin: config,
      });
      assertEquals([code, stdout, stderr], [0, "testing\n", ""]);
    }
  },
);

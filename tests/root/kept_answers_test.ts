/** Commands of engines that the launcher of the bundle carries out without Deno. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle } from "../support/bundle.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  REPOSITORY,
  runProgram,
  type RunResult,
  waitFor,
} from "../support/nsinit.ts";
import { type BundleChanges, OciBundle } from "../support/oci_program.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("answers");
/** With it nothing succeeds that needs Deno. */
const NO_DENO = { DENO: "/nowhere/deno" };
const WITHOUT_DENO = "nsinit: Cannot execute Deno";

let folder: Promise<string | undefined> | undefined;

/** A bundle of a container, and the program that is distributed. */
class Engine {
  readonly program: string;
  readonly bundle: OciBundle;
  readonly #root: string;

  constructor(program: string, bundle: OciBundle, root: string) {
    this.program = program;
    this.bundle = bundle;
    this.#root = root;
  }

  run(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<RunResult> {
    return runProgram([this.program, "--root", this.#root, ...args], {
      cwd: this.bundle.dir,
      env,
      timeoutMs: 60_000,
    });
  }

  /** With the container's id, and without Deno. */
  quick(command: string, ...args: readonly string[]): Promise<RunResult> {
    return this.run([command, this.bundle.id, ...args], NO_DENO);
  }

  async must(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.quick(command, ...args);
    assertEquals({ command, code, stderr }, { command, code: 0, stderr: "" });
    return stdout;
  }

  /** Makes the container; its streams must not keep this test waiting. */
  async create(): Promise<void> {
    const script = 'exec "$@" > /dev/null 2> create.log';
    const { id, dir } = this.bundle;
    const line = [this.program, "--root", this.#root, "create", id];
    const { code } = await runProgram(["sh", "-c", script, "sh", ...line], {
      cwd: dir,
      timeoutMs: 60_000,
    });
    const log = await Deno.readTextFile(`${dir}/create.log`);
    assertEquals({ code, log }, { code: 0, log: "" });
  }

  async status(): Promise<string> {
    return JSON.parse(await this.must("state")).status;
  }
}

function engineTest(
  name: string,
  action: (engine: Engine, workspace: Workspace) => Promise<void>,
  changes: BundleChanges = {},
): void {
  test(name, async (workspace) => {
    folder ??= makeBundle(`${workspace.dir}/program`);
    const made = await folder;
    if (made === undefined) return;
    await using bundle = await OciBundle.make(workspace, changes);
    const program = `${made}/nsinit-oci`;
    await action(new Engine(program, bundle, workspace.stateRoot), workspace);
  });
}

engineTest("all that follows a create does without Deno", async (engine) => {
  await engine.create();
  assertEquals(
    await engine.must("state"),
    await engine.bundle.must(["state", engine.bundle.id]),
  );
  assertEquals(await engine.status(), "created");
  await engine.must("start");
  assertEquals(await engine.status(), "running");
  assertEquals(
    await engine.must("state"),
    await engine.bundle.must(["state", engine.bundle.id]),
  );
  await engine.must("kill", "KILL");
  await waitFor("its end", async () => await engine.status() === "stopped");
  assertEquals(
    await engine.must("state"),
    await engine.bundle.must(["state", engine.bundle.id]),
  );
  await engine.must("delete");
  const { code, stderr } = await engine.run(["state", engine.bundle.id]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "container does not exist");
});

engineTest(
  "signals have names and numbers, and TERM is the usual one",
  async (engine) => {
    const marks = (wanted: string): Promise<unknown> =>
      waitFor(
        wanted,
        async () =>
          await Deno.readTextFile(`${engine.bundle.rootfs}/tmp/got`)
            .catch(() => "") === wanted,
        30_000,
      );
    await engine.create();
    await engine.must("start");
    await marks("ready\n");
    await engine.must("kill", "SIGUSR1");
    await marks("ready\nUSR1\n");
    await engine.must("kill", "15");
    await marks("ready\nUSR1\nTERM\n");
    await engine.must("kill");
    await marks("ready\nUSR1\nTERM\nTERM\n");
    await engine.must("kill", "9");
    await waitFor("its end", async () => await engine.status() === "stopped");
    const line = ["delete", "--force", engine.bundle.id];
    assertEquals((await engine.run(line, NO_DENO)).code, 0);
  },
  {
    process: {
      args: [
        "/bin/sh",
        "-c",
        "trap 'echo USR1 >> /tmp/got' USR1; trap 'echo TERM >> /tmp/got' TERM; " +
        "echo ready >> /tmp/got; while :; do sleep 0.05; done",
      ],
    },
  },
);

engineTest(
  "a record that somebody has changed is Deno's to read",
  async (engine) => {
    const { id } = engine.bundle;
    await engine.create();
    await engine.must("start");
    assertEquals((await engine.run(["pause", id])).code, 0);
    const paused = await engine.quick("state");
    assert(paused.stderr.startsWith(WITHOUT_DENO), paused.stdout);
    const { stdout } = await engine.run(["state", id]);
    assertEquals(JSON.parse(stdout).status, "paused");
    assertEquals((await engine.run(["resume", id])).code, 0);
    assertEquals((await engine.run(["kill", id, "KILL"])).code, 0);
    await waitFor("its end", async () => {
      const { stdout } = await engine.run(["state", id]);
      return JSON.parse(stdout).status === "stopped";
    });
    assertEquals((await engine.run(["delete", id])).code, 0);
  },
);

engineTest(
  "another's record of the same id is not taken for it",
  async (engine, workspace) => {
    const { id } = engine.bundle;
    const path = `${workspace.stateRoot}/${id}/state.json`;
    await engine.create();
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
    for (const command of ["state", "start", "kill", "delete"]) {
      const { code, stderr } = await engine.quick(command);
      assertEquals([command, code], [command, 127], stderr);
    }
    assertEquals((await engine.run(["delete", "--force", id])).code, 0);
  },
);

engineTest(
  "a program that cannot be executed any more is told as ever",
  async (engine, workspace) => {
    const { bundle } = engine;
    const program = `${bundle.rootfs}/bin/going`;
    const ends = [];
    for (const run of [engine.run.bind(engine), bundle.oci.bind(bundle)]) {
      await Deno.copyFile("/bin/busybox", program);
      await engine.create();
      await Deno.remove(program);
      const { code, stderr } = await run(["start", bundle.id]);
      ends.push([code, stderr.replace(/time="[^"]*"/, "")]);
      const { stdout } = await engine.run(["state", bundle.id]);
      assertEquals(JSON.parse(stdout).status, "stopped");
      assertEquals((await engine.run(["delete", bundle.id])).code, 0);
    }
    assertEquals(ends[0], ends[1]);
    assertEquals(ends[0]?.[0], 1);
    assertEquals(await Array.fromAsync(Deno.readDir(workspace.stateRoot)), []);
  },
  { process: { args: ["/bin/going", "true"] } },
);

engineTest("hooks are run by Deno", async (engine) => {
  const { id } = engine.bundle;
  await engine.create();
  assertEquals((await engine.quick("start")).code, 127);
  assertEquals((await engine.run(["start", id])).code, 0);
  assertEquals((await engine.run(["delete", "--force", id])).code, 0);
}, { rest: { hooks: { poststop: [{ path: "/bin/true" }] } } });

test("every state and transition is as the specification says, by the launcher", async (workspace) => {
  folder ??= makeBundle(`${workspace.dir}/program`);
  const made = await folder;
  if (made === undefined) return;
  const dir = await workspace.newDirectory();
  await makeTestRootfs(`${dir}/rootfs`);
  await Deno.mkdir(`${dir}/rootfs/out`);
  const script = `${REPOSITORY}/tests/oci_lifecycle.sh`;
  const program = [`${made}/nsinit-oci`, "--root", workspace.stateRoot];
  const { code, stdout, stderr } = await runProgram(
    ["sh", script, dir, ...program],
    { env: { OCI_ID: workspace.newName() }, timeoutMs: 180_000 },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assert(Number(stdout.split(" ")[0]) > 70, stdout);
});

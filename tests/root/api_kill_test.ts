/**
 * Programs that use the library are killed at any instant: what they leave is
 * found and taken away by whoever looks next.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type ContainerSummary, Factory } from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { descendantsOf, findCgroups } from "../support/host_state.ts";
import { readConfig } from "../support/in_process.ts";
import { delay, REPOSITORY, Running, waitFor } from "../support/nsinit.ts";

const test = containerTests("apikill");
const ROUNDS = Deno.env.get("NSINIT_TEST_FULL") === "1" ? 60 : 15;

/** A program of the library; `factory` and `config` are there. */
async function startProgram(
  workspace: Workspace,
  parentDeathSignal: number,
  script: string,
): Promise<Running> {
  const { cgroups, ...config } = await readConfig(workspace, {
    parent_death_signal: parentDeathSignal,
  });
  const path = `${workspace.dir}/${workspace.newName()}.ts`;
  const text = JSON.stringify({ ...config, cgroups: { ...cgroups, name: "" } });
  await Deno.writeTextFile(
    path,
    `import { Factory } from "file://${REPOSITORY}/mod.ts";
const factory = new Factory(${JSON.stringify(workspace.stateRoot)});
const config = ${text};
const SLEEP = { args: ["/bin/sleep", "100"] };
const say = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text));
${script}
`,
  );
  const flags = ["-A", "--no-check", "--no-lock"];
  return new Running([Deno.execPath(), "run", ...flags, path], {
    cwd: REPOSITORY,
  });
}

/** What is there, once the kernel has delivered all signals. */
async function settledList(
  workspace: Workspace,
): Promise<ContainerSummary[]> {
  const factory = new Factory(workspace.stateRoot);
  let last = "";
  for (;;) {
    const list = await factory.list();
    if (JSON.stringify(list) === last) return list;
    last = JSON.stringify(list);
    await delay(50);
  }
}

test("kill -9 at any instant leaves only whole containers, and list sweeps the rest", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  for (let round = 0; round < ROUNDS; round++) {
    await using program = await startProgram(
      workspace,
      9,
      `say("ready\\n");
for (let turn = 0;; turn++) {
  await Promise.all([1, 2, 3].map(async (number) => {
    const container = await factory.create(\`k\${turn}-\${number}\`, config);
    await container.start(SLEEP);
    await container.start(SLEEP);
    await container.destroy({ force: true });
  }));
}`,
    );
    await program.waitForOutput("ready\n");
    // Sometimes during the first starts, sometimes when several have been.
    await delay(Math.random() * (round % 2 ? 60 : 300));
    const below = descendantsOf(program.pid);
    program.signal("SIGKILL");
    await program.ended();

    for (const { id, status } of await settledList(workspace)) {
      // Those that run die with the program; reserved ids are kept.
      assertEquals(status, "created", id);
      await (await factory.load(id)).destroy();
    }
    await waitFor(
      "the end of its containers",
      () => below.every((pid) => !isRunning(pid)),
    );
    assertEquals(findCgroups([workspace.tag]), []);
    assertEquals(await Array.fromAsync(Deno.readDir(workspace.stateRoot)), []);
  }
});

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false; // gone
  }
}

test("a container without a parent death signal lives on, and others have all of it", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  await using program = await startProgram(
    workspace,
    0,
    `const container = await factory.create("survivor", config);
await container.start(SLEEP);
say("running\\n");`,
  );
  await program.waitForOutput("running\n");
  program.signal("SIGKILL");
  await program.ended();

  assertEquals((await factory.list()).map(({ status }) => status), ["running"]);
  const container = await factory.load("survivor");
  const joined = await container.start({ args: ["/bin/true"] });
  assertEquals((await joined.status).code, 0);
  const kill = ["kill", "--signal", "KILL", "survivor"];
  assertEquals((await workspace.nsinit(kill)).code, 0);
  assert(!(await container.wait()).success);
  // Its owner is gone: nothing is left to keep.
  assertEquals(await factory.list(), []);
});

test("a container with a parent death signal dies with its program", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  await using program = await startProgram(
    workspace,
    9,
    `const container = await factory.create("mortal", config);
const process = await container.start(SLEEP);
say(\`pid \${process.pid}\\n\`);`,
  );
  const output = await program.waitForOutput("\n");
  const pid = Number(/pid (\d+)/.exec(output)?.[1]);
  program.signal("SIGKILL");
  await program.ended();

  await waitFor("its death", () => !isRunning(pid));
  assertEquals(await factory.list(), []);
});

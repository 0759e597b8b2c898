/**
 * The programs of examples/, run as their users run them.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Factory } from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { findCgroups } from "../support/host_state.ts";
import { describeTree } from "../support/hostile.ts";
import { TestNetwork } from "../support/network.ts";
import {
  REPOSITORY,
  Running,
  type RunOptions,
  type RunResult,
  waitFor,
} from "../support/nsinit.ts";
import { readConfig } from "../support/in_process.ts";
import { writeProgram } from "../support/rootfs.ts";

const test = containerTests("examples");
const TIMEOUT_MS = 120_000;

/** Starts an example. */
function start(
  workspace: Workspace,
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Running {
  const command = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock"];
  return new Running([
    ...command,
    `${REPOSITORY}/examples/${name}.ts`,
    ...["--root", workspace.stateRoot],
    ...args,
  ], options);
}

/** Waits for the end of an example, after which there must be no cgroup of it. */
async function end(example: Running, prefix: string): Promise<RunResult> {
  await example.closeStdin();
  const result = await example.result(TIMEOUT_MS);
  assertEquals(findCgroups([`${prefix}-${example.pid}`]), []);
  return result;
}

/** Runs a script in the sandbox. */
async function sandbox(
  workspace: Workspace,
  script: string,
  flags: readonly string[] = [],
  args: readonly string[] = [],
): Promise<RunResult> {
  const path = `${await workspace.newDirectory()}/script`;
  await writeProgram(path, script);
  const patient = ["--seconds", "100", ...flags]; // the last one counts
  const example = start(workspace, "sandbox", [...patient, path, ...args]);
  return await end(example, "sandbox");
}

test("sandbox.ts runs a script as nobody without a network, and tells its end", async (workspace) => {
  const script = `#!/bin/sh
    echo "hello $1"; id -un; ls /sys/class/net; echo trouble >&2; exit 3`;

  const { code, stdout, stderr } = await sandbox(workspace, script, [], [
    "you",
  ]);

  assertEquals(
    stdout,
    "exit    3\nstopped no\nlimits  kept\n" +
      "stdout  hello you\nnobody\nlo\nstderr  trouble\n",
    stderr,
  );
  assertEquals([code, stderr], [3, ""]);
});

test("sandbox.ts stops a script that takes too long, with its children", async (workspace) => {
  const script = "#!/bin/sh\necho started; sleep 1000 & sleep 1000";

  const { code, stdout } = await sandbox(workspace, script, ["--seconds", "4"]);

  assertEquals(code, 124, stdout);
  assertStringIncludes(stdout, "exit    SIGKILL\nstopped out of time\n");
  assertStringIncludes(stdout, "stdout  started\n");
});

test("sandbox.ts stops a script that uses up its memory", async (workspace) => {
  const script = "#!/bin/sh\nhead -c 200m /dev/zero | tail\nsleep 1000";

  const { code, stdout } = await sandbox(workspace, script, ["--memory", "24"]);

  assertEquals(code, 124, stdout);
  assertStringIncludes(stdout, "stopped out of memory\n");
  assertMatch(stdout, /^limits {2}.*memory used up \(\d+\)/m);
}, { needs: ["memory-cgroup"] });

test("sandbox.ts tells of tasks that were refused and of CPU time held back", async (workspace) => {
  const script = `#!/bin/sh
    i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done
    i=0; while [ $i -lt 20 ]; do sleep 2 & i=$((i + 1)); done; wait`;

  const flags = ["--pids", "10", "--cpus", "0.2"];
  const { stdout } = await sandbox(workspace, script, flags);

  assertMatch(
    stdout,
    /^limits {2}cpu held back \(\d+\), tasks refused \(\d+\)$/m,
  );
  assertStringIncludes(stdout, "stopped no\n");
});

test("sandbox.ts keeps no more than a mebibyte of output", async (workspace) => {
  const { stdout } = await sandbox(workspace, "#!/bin/sh\nexec yes");

  assertStringIncludes(stdout, "y\n... (cut off)\n");
  assert(stdout.length < (1 << 20) + 200, `${stdout.length} characters`);
});

test("sandbox.ts says what it cannot run", async (workspace) => {
  const { code, stderr } = await sandbox(workspace, "#!/no/such/program\n");

  assertEquals(code, 125);
  assertMatch(stderr, /^sandbox: Cannot execute/);
});

test("sandbox.ts takes everything away when it is interrupted", async (workspace) => {
  const path = `${await workspace.newDirectory()}/script`;
  await writeProgram(path, "#!/bin/sh\nsleep 1000 & sleep 1000");
  await using example = start(workspace, "sandbox", [path]);
  await waitFor("both sleeps", async () => {
    const [container] = await new Factory(workspace.stateRoot).list();
    if (container?.status !== "running") return false;
    const { id } = container;
    return (await (await new Factory(workspace.stateRoot).load(id)).processes())
      .length >= 4;
  }, TIMEOUT_MS);

  example.signal("SIGINT");

  const { code, stdout } = await end(example, "sandbox");
  assertEquals(code, 124);
  assertStringIncludes(stdout, "stopped interrupted\n");
});

test("ci_job.ts runs steps in order, streams their output and keeps the artefact alone", async (workspace) => {
  const before = await describeTree(workspace.rootfs);
  const out = `${await workspace.newDirectory()}/out`;
  const flags = ["--rootfs", workspace.rootfs, "--out", out];

  const example = start(workspace, "ci_job", [
    ...flags,
    "echo $CI > /built; rm /etc/hosts",
    "cat /built; test ! -e /etc/hosts; cp /built /out/artefact",
    "cat",
  ]);
  const { code, stdout, stderr } = await end(example, "job");

  assertEquals([code, stderr], [0, ""]);
  assertMatch(
    stdout,
    /^== 1\/3 echo .*\n== 2\/3 cat .*\ntrue\n== 3\/3 cat\n== done\n$/,
  );
  assertEquals(await Deno.readTextFile(`${out}/artefact`), "true\n");
  assertEquals(await describeTree(workspace.rootfs), before);
});

test("ci_job.ts ends with the first step that fails", async (workspace) => {
  const out = await workspace.newDirectory();
  const example = start(workspace, "ci_job", [
    ...["--rootfs", workspace.rootfs, "--out", out],
    ...["false; echo not reached", "echo neither"],
  ]);

  const { code, stdout } = await end(example, "job");

  assertEquals(code, 1);
  assertEquals(
    stdout,
    "== 1/2 false; echo not reached\n== failed with status 1\n",
  );
});

test("ci_job.ts takes everything away when it is interrupted or late", async (workspace) => {
  const out = await workspace.newDirectory();
  const flags = ["--rootfs", workspace.rootfs, "--out", out];
  const step = "sleep 1000 & echo up; sleep 1000";
  await using example = start(workspace, "ci_job", [...flags, step, "true"]);
  await example.waitForOutput("up\n", TIMEOUT_MS);
  example.signal("SIGTERM");
  const late = start(workspace, "ci_job", [...flags, "--seconds", "3", step]);

  const ends = [await end(example, "job"), await end(late, "job")];

  assertEquals(ends.map(({ code }) => code), [124, 124]);
  assertMatch(ends[0]?.stdout ?? "", /\n== stopped: interrupted\n$/);
  assertMatch(ends[1]?.stdout ?? "", /\n== stopped: out of time\n$/);
});

test("pool.ts runs each job in a fresh container", async (workspace) => {
  const once = "test ! -e /tmp/x && touch /tmp/x";
  const flags = ["--jobs", "20", "--size", "4"];
  for (const root of [[], ["--rootfs", workspace.rootfs]]) {
    const args = [...flags, ...root, "--", "/bin/sh", "-c", once];
    const example = start(workspace, "pool", args);
    const { code, stdout, stderr } = await end(example, "pool");
    assertEquals([code, stderr], [0, ""]);
    assertMatch(
      stdout,
      /^jobs {5}20 of 20 ended well\nrate {5}[\d.]+ per second\nlatency {2}[\d.]+ ms \(median\)\n$/,
    );
  }
});

test("pool.ts takes everything away when it is interrupted or fails", async (workspace) => {
  const flags = ["--rootfs", workspace.rootfs, "--size", "4", "--"];
  await using example = start(workspace, "pool", [...flags, "sleep", "1000"]);
  await waitFor("two jobs and four containers", async () => {
    const all = await new Factory(workspace.stateRoot).list();
    const count = (wanted: string): number =>
      all.filter(({ status }) => status === wanted).length;
    return count("running") === 2 && count("created") === 4;
  }, TIMEOUT_MS);
  example.signal("SIGINT");
  const failing = start(workspace, "pool", [...flags, "no-such-program"]);

  const interrupted = await end(example, "pool");
  const failed = await end(failing, "pool");

  assertStringIncludes(interrupted.stdout, "stopped  interrupted\n");
  assertEquals(failed.code, 125);
  assertMatch(failed.stderr, /^pool: .*no-such-program/);
});

test(
  "web_server.ts serves a directory at an address of its own, until it is interrupted",
  async (workspace) => {
    const addresses = ["10.66.0.1/24"];
    await using network = await TestNetwork.create({ name: "br0", addresses });
    const www = await workspace.newDirectory();
    await Deno.writeTextFile(`${www}/index.html`, "hello from inside\n");
    const bridge = ["--bridge", "br0", "--address", "10.66.0.2/24"];
    const example = start(workspace, "web_server", [
      ...["--rootfs", workspace.rootfs, "--www", www, ...bridge],
    ], { prefix: network.prefix });
    await example.waitForOutput("serving http://10.66.0.2:8080/\n", TIMEOUT_MS);

    const get = ["busybox", "wget", "-q", "-O", "-"];
    const page = await network.run(...get, "http://10.66.0.2:8080/");
    example.signal("SIGINT");
    const { code, stderr } = await end(example, "web");

    assertEquals([page, code], ["hello from inside\n", 0], stderr);
    assertStringIncludes(stderr, "10.66.0.1"); // the log of requests
    assertEquals(await network.interfaces(), ["br0", "lo"]);
  },
  { needs: ["ip"] },
);

test("web_server.ts says what it cannot do, and leaves nothing", async (workspace) => {
  const bridge = ["--bridge", "nobridge0", "--address", "10.66.0.2/24"];
  const example = start(workspace, "web_server", [
    ...["--rootfs", workspace.rootfs, "--www", workspace.rootfs, ...bridge],
  ]);

  const { code, stderr } = await end(example, "web");

  assertEquals(code, 125);
  assertMatch(stderr, /^web_server: .*nobridge0/);
});

test("live_stats.ts prints a line for each interval and ends with the container", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const config = await readConfig(workspace, {});
  await using container = await factory.create(workspace.newName(), config);
  const script = "(while :; do :; done) & read x; exit 7";
  const process = await container.start({
    args: ["/bin/sh", "-c", script],
    stdin: "piped",
  });

  const args = ["--interval", "0.2", container.id];
  await using example = start(workspace, "live_stats", args);
  await waitFor(
    "lines",
    () => example.stdout.split("\n").length > 4,
    TIMEOUT_MS,
  );
  await process.stdin.close();
  const { code, stdout } = await end(example, "none");

  assertEquals(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^ *CPU % +MEMORY +TASKS .*TX\/S$/);
  assertMatch(lines[1] ?? "", /^ *[1-9]\d*\.\d +[\d.]+[KM] +2 /);
  assertEquals(lines.at(-1), `${container.id} has ended: exit 7`);
});

test("live_stats.ts that is interrupted leaves the container alone", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const config = await readConfig(workspace, {});
  await using container = await factory.create(workspace.newName(), config);
  await container.start({ args: ["sleep", "1000"] });
  await using example = start(workspace, "live_stats", [container.id]);
  await example.waitForOutput("CPU", TIMEOUT_MS);

  example.signal("SIGINT");
  await example.ended();

  assertEquals(await container.status(), "running");
});

test("live_stats.ts says that there is no such container", async (workspace) => {
  const example = start(workspace, "live_stats", ["nobody-made-this"]);

  const { code, stdout, stderr } = await end(example, "none");

  assertEquals([code, stdout], [125, ""]);
  assertMatch(stderr, /^live_stats: Cannot find container nobody-made-this/);
});

test("examples say how they are used", async (workspace) => {
  for await (const { name } of Deno.readDir(`${REPOSITORY}/examples`)) {
    const [topic = "", extension] = name.split(".");
    if (extension !== "ts") continue;
    const { code, stderr } = await start(workspace, topic, []).result();
    assertEquals(code, 2, name);
    assertStringIncludes(stderr, `usage: ${name} `);
  }
});

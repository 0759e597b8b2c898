/** A second `exec` in the same directory joins the container that lives. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
} from "../support/containers.ts";
import { delay, waitFor } from "../support/nsinit.ts";
import {
  isAlive,
  maskOf,
  NAMESPACE_FILES,
  namespaceOf,
  parseStatus,
} from "../support/process_status.ts";

const test = containerTests("join");
const ALL = [...DEFAULT_NAMESPACES, "NEWUSER"];
const MAPPINGS = {
  uid_mappings: [{ container_id: 0, host_id: 100000, size: 65536 }],
  gid_mappings: [{ container_id: 0, host_id: 100000, size: 65536 }],
};
const LINKS =
  "for n in mnt uts ipc pid net user; do readlink /proc/self/ns/$n; done";
const STATUS =
  "grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/self/status";

for (const withUser of [false, true]) {
  const what = withUser ? " and a user namespace" : "";
  test(`a second exec joins all namespaces${what}`, async (workspace) => {
    const container = await workspace.container(
      withUser ? { namespaces: newNamespaces(...ALL), ...MAPPINGS } : {},
    );
    await using _running = await container.hold();
    const pid = await container.pid();
    const joined = (await container.output(LINKS)).trim().split("\n");
    const wanted = Object.values(NAMESPACE_FILES).map((file) =>
      namespaceOf(pid, file)
    );
    assertEquals(joined, wanted);
  });
}

test("a joined process sees the first one and is another", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const output = await container.output("cat /proc/1/comm; echo $$");
  assertMatch(output, /^cat\n([2-9]|\d\d+)\n$/);
});

test("a joined process is in the container's cgroups", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const first = await Deno.readTextFile(
    `/proc/${await container.pid()}/cgroup`,
  );
  assertStringIncludes(first, workspace.tag);
  assertEquals(await container.output("cat /proc/self/cgroup"), first);
});

test("a joined process has the capabilities, privileges and limits of the first", async (workspace) => {
  const container = await workspace.container({
    capabilities: ["KILL", "CHOWN"],
    rlimits: [{ type: 7, soft: 1025, hard: 1025 }],
    additional_groups: ["audio"],
    seccomp: { syscalls: [{ value: 165, action: 1, args: [] }] },
  });
  await using running = container.start([
    "/bin/sh",
    "-c",
    `${STATUS}; ulimit -n; echo ready; exec cat`,
  ]);
  const first = (await running.waitForOutput("ready\n")).replace("ready\n", "");
  const joined = await container.output(`${STATUS}; ulimit -n`);
  assertEquals(joined, first);
  const status = parseStatus(joined);
  assertEquals(status["CapBnd"], maskOf(["KILL", "CHOWN"]));
  assertEquals(status["CapEff"], maskOf(["KILL", "CHOWN"]));
  assertEquals(status["Seccomp"], "2");
  assertStringIncludes(joined, "1025\n");
});

test("a joined process has its own user, directory and environment", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const { stdout } = await container.exec([
    "--user=daemon",
    "--cwd=/usr",
    "--env=DEBUG=true",
    "--env=DEBUG=false",
    "/bin/sh",
    "-c",
    "id -un; pwd; echo $DEBUG $HOME; echo $PATH",
  ]);
  assertEquals(stdout.split("\n"), [
    "daemon",
    "/usr",
    "false /usr/sbin",
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "",
  ]);
});

test("a joined process shares the root and its mounts", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  await container.output("echo shared > /dev/shm/note");
  assertEquals(await container.output("cat /dev/shm/note"), "shared\n");
  assertEquals(await container.output("hostname"), "testing\n");
});

test("the exit status of a joined process is its own", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  assertEquals((await container.sh("exit 7")).code, 7);
  assertEquals((await container.sh("kill -KILL $$")).code, 137);
  assertEquals((await container.sh("kill -TERM $$")).code, 143);
});

test("a joined process passes bytes and the end of its input", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const bytes = new Uint8Array(70000).map((_, index) => index % 251);
  const { bytes: back } = await container.exec(["/bin/cat"], { stdin: bytes });
  assertEquals(back, bytes);
});

test("a missing program leaves the container alive", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const missing = await container.exec(["no-such-program"]);
  assertEquals(missing.code, 127);
  assertStringIncludes(missing.stderr, "no-such-program");
  const refused = await container.exec(["/etc/passwd"]);
  assertEquals(refused.code, 126);
  const unknown = await container.exec(["--user=nosuch", "/bin/id"]);
  assertEquals(unknown.code, 125);
  assert(!running.hasEnded);
  assertEquals(await container.output("echo alive"), "alive\n");
});

test("a pid file that cannot be written leaves no joined program", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  for (const detach of [[], ["--detach"]]) {
    const refused = await container.exec([
      ...detach,
      "--pid-file=/nonexistent/pid",
      "/bin/sleep",
      "1077",
    ]);
    assertEquals(refused.code, 125);
    assertStringIncludes(refused.stderr, "/nonexistent/pid");
  }
  assert(!(await container.output("ps")).includes("sleep 1077"));
  assert(!running.hasEnded);
});

test("joined processes die with the first", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  await using joined = container.start([
    "/bin/sh",
    "-c",
    "echo joined; exec sleep 1000",
  ]);
  await joined.waitForOutput("joined");
  await running.closeStdin();
  assertEquals((await running.result()).code, 0);
  assertEquals((await joined.result(5000)).code, 137);
});

test("the first process's death kills all others without a pid namespace", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWNET"),
  });
  await using running = container.start([
    "/bin/sh",
    "-c",
    "sleep 1000 & setsid sleep 1000 & echo $!; echo ready; exec cat > /dev/null",
  ]);
  const output = await running.waitForOutput("ready");
  const background = Number(output.split("\n")[0]);
  assert(isAlive(background));
  await using joined = container.start([
    "/bin/sh",
    "-c",
    "echo joined; exec sleep 1000",
  ]);
  await joined.waitForOutput("joined");
  await running.closeStdin();
  assertEquals((await running.result(5000)).code, 0);
  assertEquals((await joined.result(5000)).code, 137);
  await waitFor("the end of the others", () => !isAlive(background));
});

test("the death of a joined process leaves the first alone", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  await using joined = container.start([
    "/bin/sh",
    "-c",
    "echo joined; exec cat",
  ]);
  await joined.waitForOutput("joined");
  joined.signal("SIGKILL");
  await joined.result();
  await delay(50);
  assert(!running.hasEnded);
  assertEquals(await container.output("echo alive"), "alive\n");
});

test("of two concurrent execs one spawns and the other joins", async (workspace) => {
  for (let round = 0; round < 5; round++) {
    const container = await workspace.container();
    const script =
      "echo $$ $(readlink /proc/self/ns/pid); read -r line || true";
    await using one = container.start(["/bin/sh", "-c", script]);
    await using two = container.start(["/bin/sh", "-c", script]);
    const outputs = [
      await one.waitForOutput("\n"),
      await two.waitForOutput("\n"),
    ].map((output) => output.trim().split(" "));
    const pids = outputs.map(([pid]) => Number(pid)).sort((a, b) => a - b);
    assertEquals(pids[0], 1);
    assert((pids[1] ?? 0) > 1, `${outputs}`);
    assertEquals(outputs[0]?.[1], outputs[1]?.[1]);
    await Promise.all([one.closeStdin(), two.closeStdin()]);
    await Promise.all([one.result(), two.result()]);
  }
});

test("a container can be started again right after its end", async (workspace) => {
  const container = await workspace.container();
  for (let round = 0; round < 5; round++) {
    const running = await container.hold();
    await using _running = running;
    await running.closeStdin();
    assertEquals((await running.result()).code, 0);
    // The end is told only when nothing is left.
    assert(await container.isGone());
  }
});

test("a join does not read the configuration, which may have changed", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  await Deno.writeTextFile(`${container.dir}/container.json`, "{ broken");
  assertEquals(await container.output("hostname"), "testing\n");
});

test("an id means the container wherever the command runs", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold({ flags: ["--id=by-name"] });
  const { code, stdout } = await workspace.nsinit(
    ["exec", "--id=by-name", "hostname"],
    { cwd: workspace.dir },
  );
  assertEquals([code, stdout], [0, "testing\n"]);
});

test("exec refuses ids that are none", async (workspace) => {
  const container = await workspace.container();
  for (const id of ["..", ".", "a/b", "../x", "a b", "x".repeat(1025), ""]) {
    const { code, stderr } = await container.exec([`--id=${id}`, "/bin/true"]);
    assert(code === 125 || code === 2, `${JSON.stringify(id)}: ${code}`);
    assertMatch(stderr, /^nsinit: .*id/);
  }
});

test("flags that a joined container was not started with are told, others are not", async (workspace) => {
  const container = await workspace.container();
  const flags = [
    "--hostname=web",
    "--memory-limit=64m",
    "--bind=/usr/share:/tmp:ro",
    "--sysctl=net.ipv4.ip_forward=1",
    "--security=high",
    "--cpushares=512",
  ];
  await using running = await container.hold({ flags });
  const join = (...given: string[]): ReturnType<typeof container.exec> =>
    container.exec([...given, "/bin/hostname"]);

  const same = await join(...flags);
  assertEquals([same.code, same.stdout, same.stderr], [0, "web\n", ""]);
  assertEquals((await join()).stderr, "");
  assertEquals((await join("--cpushares=512")).stderr, "");

  const other = await join(
    "--hostname=db",
    "--memory-limit=1g",
    "--cpushares=512",
  );
  assertEquals([other.code, other.stdout], [0, "web\n"]);
  assertMatch(
    other.stderr,
    /^nsinit: warning: --hostname, --memory-limit have no effect: container \S+ runs already/,
  );
  assertStringIncludes(other.stderr, "nsinit update changes limits");
  const bound = await join("--bind=/usr/share:/root:ro");
  assertStringIncludes(bound.stderr, "--bind has no effect");
  await running.closeStdin();
  await running.ended();
});

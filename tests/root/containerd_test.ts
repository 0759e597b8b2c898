/**
 * containerd runs containers through its shim and the OCI command line.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { containerdTests } from "../support/containerd.ts";
import { writeProgram } from "../support/rootfs.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerdTests("containerd");

test("ctr run gives what the program writes and its status", async (containerd) => {
  const script = "echo out; echo err >&2; id -u; exit 3";
  const { code, stdout, stderr } = await containerd.ctr(
    ["run", "--rm", containerd.rootfs, "gone", "/bin/sh", "-c", script],
  );
  assertEquals({ code, stdout }, { code: 3, stdout: "out\n0\n" });
  assertMatch(stderr, /^err$/m);
});

test("ctr run feeds the program", async (containerd) => {
  const { code, stdout } = await containerd.ctr(
    [
      "run",
      "--rm",
      containerd.rootfs,
      "fed",
      "/bin/sh",
      "-c",
      "read a; echo $a",
    ],
    { stdin: "a line\n" },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "a line\n" });
});

test("ctr run says why a program is not started", async (containerd) => {
  const name = containerd.newName();
  const { code, stderr } = await containerd.ctr(
    ["run", "--rm", containerd.rootfs, name, "no-such-program"],
  );
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /OCI runtime create failed.*"no-such-program": executable file not found in \$PATH/,
  );
});

test("ctr task exec runs further processes", async (containerd) => {
  const name = await containerd.live();
  const exec = (id: string, ...command: readonly string[]) =>
    containerd.ctr(["task", "exec", "--exec-id", id, name, ...command]);
  const { code, stdout } = await exec("a", "/bin/sh", "-c", "echo in; exit 5");
  assertEquals({ code, stdout }, { code: 5, stdout: "in\n" });
  const missing = await exec("b", "no-such-program");
  assertEquals(missing.code, 1);
  assertMatch(missing.stderr, /OCI runtime exec failed.*no-such-program/);
  const results = await Promise.all(
    [1, 2, 3, 4].map((status) =>
      exec(`c${status}`, "/bin/sh", "-c", `exit ${status}`)
    ),
  );
  assertEquals(results.map((each) => each.code), [1, 2, 3, 4]);
});

test("ctr task pause, resume and ps see the container", async (containerd) => {
  const name = await containerd.live();
  const pids = (await containerd.must(["task", "ps", name])).trim().split("\n")
    .slice(1);
  assert(pids.length >= 1, pids.join("\n"));
  assert(pids.every((line) => /^\d+ /.test(line)), pids.join("\n"));
  await containerd.must(["task", "pause", name]);
  assertEquals(await containerd.status(name), "PAUSED");
  await containerd.must(["task", "resume", name]);
  assertEquals(await containerd.status(name), "RUNNING");
});

test("ctr task kill ends what it is told to, by the signal it is told", async (containerd) => {
  const name = await containerd.live();
  await containerd.must(["task", "kill", name]);
  await containerd.remove(name);
  const other = await containerd.live();
  await containerd.must(["task", "kill", "-s", "SIGKILL", other]);
  await containerd.remove(other);
  const all = await containerd.live();
  await containerd.must(["task", "kill", "--all", "-s", "9", all]);
  await containerd.remove(all);
});

test("ctr task kill -s reaches one process of several", async (containerd) => {
  const name = await containerd.live();
  const running = containerd.host.start([
    "ctr",
    "task",
    "exec",
    "--exec-id",
    "one",
    name,
    "/bin/sh",
    "-c",
    "echo in; exec sleep 300",
  ]);
  try {
    await running.waitForOutput("in\n", 30_000);
    const kill = ["task", "kill", "-s", "9", "--exec-id", "one", name];
    await containerd.must(kill);
    assertEquals((await running.result()).code, 137);
    assertEquals(await containerd.status(name), "RUNNING");
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

test("ctr task metrics counts the container's cgroup", async (containerd) => {
  const name = await containerd.live("--memory-limit", `${64 << 20}`);
  const text = await containerd.must(["task", "metrics", name]);
  assertMatch(text, /^memory.*67108864$|pids.current/m);
}, ["memory-cgroup"]);

test(
  "a container out of memory is an event of containerd",
  async (containerd) => {
    await using events = containerd.host.start(["ctr", "events"]);
    // It says nothing until there is an event.
    await waitFor("an event", async () => {
      await containerd.ctr(["namespace", "create", "other"]);
      await containerd.ctr(["namespace", "remove", "other"]);
      return events.stdout.includes("/namespaces/");
    });
    const name = containerd.newName();
    const { code } = await containerd.ctr([
      ...["run", "--rm", "--memory-limit", `${8 << 20}`, containerd.rootfs],
      ...[name, "/bin/sh", "-c", "x=a; while :; do x=$x$x; done"],
    ]);
    assertEquals(code, 137);
    await events.waitForOutput(`/tasks/oom {"container_id":"${name}"}`, 30_000);
    await containerd.host.must(["pkill", "-x", "ctr"]);
  },
  ["memory-cgroup"],
);

test("ctr restores a container from its checkpoint", async (containerd) => {
  const image = await containerd.importImage();
  const [first, second] = [containerd.newName(), containerd.newName()];
  const count = "i=0; while :; do echo $i > /n; i=$((i+1)); sleep 0.1; done";
  await containerd.host.must([
    ...["ctr", "run", "-d", "--runc-binary", containerd.runtime.path],
    ...["--cgroup", `${containerd.tag}/${first}`, image, first],
    ...["/bin/sh", "-c", count],
  ]);
  const counted = async (name: string): Promise<number> => {
    const id = containerd.newName();
    const cat = ["task", "exec", "--exec-id", id, name, "/bin/cat", "/n"];
    return Number(await containerd.must(cat));
  };
  await waitFor("the count", async () => await counted(first) > 3);
  const checkpoint = ["container", "checkpoint", "--task", "--rw"];
  await containerd.must([...checkpoint, first, "kept"]);
  await containerd.must(["task", "kill", "-s", "KILL", first]);
  await containerd.remove(first);

  const restore = ["container", "restore", "--rw", "--live"];
  await containerd.must([...restore, second, "kept"]);
  assertEquals(await containerd.status(second), "RUNNING");
  const before = await counted(second);
  assert(before >= 3, String(before));
  await waitFor("it to go on", async () => await counted(second) > before);
}, ["criu"]);

test("ctr run -t is a terminal", async (containerd) => {
  const { dir } = containerd;
  await using screen = await Terminal.open(dir, dir, `${dir}/unused`);
  const command = ["run", "--rm", "-t", containerd.rootfs, "term", "/bin/sh"];
  await screen.type(containerd.line(command));
  await screen.waitFor(/# ?$/, 30_000);
  await screen.type("tty; stty size; echo $((40+2))");
  await screen.waitFor(/\/dev\/pts\/0\r?\n24 80\r?\n42\r?\n/);
  await screen.resize({ rows: 30, columns: 100 });
  await screen.type("sleep 0.5; stty size");
  await screen.waitFor(/^30 100$/m);
  await screen.type("exit 6");
  await screen.waitFor(/outer\$ $/);
  await screen.type("echo status $?");
  await screen.waitFor(/^status 6$/m);
}, ["tmux"]);

test("the shim finds a runtime by a binary name in its options", async (containerd) => {
  const path = `${containerd.dir}/named`;
  const log = `${containerd.dir}/calls`;
  await writeProgram(
    path,
    `#!/bin/sh\necho "$@" >> ${log}\nexec '${containerd.runtime.path}' "$@"\n`,
  );
  const name = containerd.newName();
  await containerd.host.must([
    "ctr",
    "run",
    "--rm",
    "--runtime",
    "io.containerd.runc.v2",
    "--runc-binary",
    path,
    "--cgroup",
    `${containerd.tag}/${name}`,
    "--rootfs",
    containerd.rootfs,
    name,
    "/bin/true",
  ]);
  const calls = await waitFor("the removal", async () => {
    const text = await Deno.readTextFile(log);
    return text.includes(" delete ") && text;
  });
  assertMatch(calls, / create --bundle .*\n.* start /);
});

test("containerd begins anew and still knows its container", async (containerd) => {
  const name = await containerd.live();
  await containerd.restart();
  assertEquals(await containerd.status(name), "RUNNING");
  const { stdout } = await containerd.ctr(
    ["task", "exec", "--exec-id", "x", name, "/bin/echo", "still"],
  );
  assertEquals(stdout, "still\n");
  await containerd.must(["task", "kill", name]);
  await containerd.remove(name);
});

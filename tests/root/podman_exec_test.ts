/**
 * podman puts further processes into containers, with terminals and without.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { IMAGE, type Podman, podmanTests } from "../support/podman.ts";
import { Terminal } from "../support/tmux.ts";

const test = podmanTests("podmanexec");

/** A terminal whose shell is on the test's host. */
const terminal = (podman: Podman): Promise<Terminal> =>
  Terminal.open(podman.dir, podman.dir, `${podman.dir}/unused`);

test("podman exec gives what the program writes and its status", async (podman) => {
  const name = await podman.live();
  const { code, stdout, stderr } = await podman.run(
    ["exec", name, "sh", "-c", "echo out; echo err >&2; exit 5"],
  );
  assertEquals({ code, stdout, stderr }, {
    code: 5,
    stdout: "out\n",
    stderr: "err\n",
  });
  const killed = await podman.run(
    ["exec", name, "sh", "-c", "kill -KILL $$"],
  );
  assertEquals(killed.code, 137);
});

test("podman exec -i feeds the program", async (podman) => {
  const name = await podman.live();
  const text = "a line\n".repeat(20_000);
  const { stdout } = await podman.run(["exec", "-i", name, "cat"], {
    stdin: text,
  });
  assertEquals(stdout.length, text.length);
});

test("podman exec says 127 and 126 as podman run does", async (podman) => {
  const name = await podman.live();
  const missing = await podman.run(["exec", name, "no-such-program"]);
  assertEquals(missing.code, 127, missing.stderr);
  const refused = await podman.run(["exec", name, "/etc/passwd"]);
  assertEquals(refused.code, 126, refused.stderr);
});

test("podman exec sets user, groups, directory and environment", async (podman) => {
  const name = await podman.live("--env", "FIRST=1");
  const output = await podman.must([
    "exec",
    "--user",
    "daemon",
    "--workdir",
    "/var",
    "--env",
    "SECOND=2",
    name,
    "sh",
    "-c",
    "id -u; id -G; pwd; echo $FIRST$SECOND",
  ]);
  assertEquals(output.split("\n"), ["1", "1 29 46", "/var", "12"]);
});

test("podman exec keeps the container's rights, and --privileged gives all", async (podman) => {
  const name = await podman.live("--cap-drop", "all");
  const show = ["grep", "CapEff", "/proc/self/status"];
  assertMatch(await podman.must(["exec", name, ...show]), /0{16}$/);
  const all = await podman.must(["exec", "--privileged", name, ...show]);
  assertMatch(all, /[1-9a-f]{4}$/);
});

test("podman exec -d leaves its program behind", async (podman) => {
  const name = await podman.live();
  await podman.must(
    ["exec", "-d", name, "sh", "-c", "echo $$ > /tmp/pid; exec sleep 300"],
  );
  await waitFor("the program", async () =>
    (await podman.run(
      ["exec", name, "sh", "-c", "kill -0 $(cat /tmp/pid)"],
    )).code === 0);
});

test("podman exec counts in the container's cgroups and namespaces", async (podman) => {
  const name = await podman.live();
  const script = "for n in /proc/$0/ns/*; do readlink $n; done; " +
    "cat /proc/$0/cgroup; cat /proc/$0/oom_score_adj; " +
    "grep -E 'Seccomp|NoNewPrivs|Groups|CapBnd' /proc/$0/status";
  const of = (pid: string): Promise<string> =>
    podman.must(["exec", name, "sh", "-c", script, pid]);
  assertEquals(await of("self"), await of("1"));
});

test("podman exec works while the container is busy with others", async (podman) => {
  const name = await podman.live();
  const numbers = Array.from({ length: 6 }, (_, index) => index + 1);
  const results = await Promise.all(
    numbers.map((number) =>
      podman.run(["exec", name, "sh", "-c", `exit ${number}`])
    ),
  );
  assertEquals(results.map(({ code }) => code), numbers);
});

test("podman exec ends with its container", async (podman) => {
  const name = await podman.live();
  const running = podman.host.start(
    ["podman", "exec", name, "sh", "-c", "echo in; sleep 300"],
  );
  try {
    await running.waitForOutput("in\n");
    await podman.must(["kill", "-s", "KILL", name]);
    assertEquals((await running.result()).code, 137);
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

test(
  "podman run -it is a terminal of its own, of the size of ours",
  async (podman) => {
    await using screen = await terminal(podman);
    await screen.type(podman.line(["run", "--rm", "-it", IMAGE, "sh"]));
    await screen.waitFor(/# ?$/, 30_000);
    await screen.type("tty; stty size; echo $((40+2))");
    await screen.waitFor(/\/dev\/pts\/0\r?\n24 80\r?\n42\r?\n/);
    await screen.resize({ rows: 30, columns: 100 });
    await screen.type("sleep 0.5; stty size");
    await screen.waitFor(/^30 100$/m);
    // The line editor before it would swallow the key.
    await screen.type("echo be$((1))gun; sleep 100");
    await screen.waitFor(/^be1gun$/m);
    await screen.press("C-c");
    await screen.type("ls -l /dev/console; exit 6");
    await screen.waitFor(/crw.*\/dev\/console/);
    await screen.waitFor(/outer\$ $/);
    await screen.type("echo status $?");
    await screen.waitFor(/^status 6$/m);
  },
  ["tmux"],
);

test("podman exec -it is another terminal", async (podman) => {
  const name = await podman.live();
  await using screen = await terminal(podman);
  await screen.type(podman.line(["exec", "-it", name, "sh"]));
  await screen.waitFor(/# ?$/, 30_000);
  await screen.type("tty; stty size; cat");
  await screen.waitFor(/\/dev\/pts\/\d+\r?\n24 80/);
  await screen.type("echoed");
  await screen.waitFor(/echoed\r?\nechoed/);
  await screen.press("C-d");
  await screen.type("exit 4");
  await screen.waitFor(/outer\$ $/);
  await screen.type("echo status $?");
  await screen.waitFor(/^status 4$/m);
}, ["tmux"]);

test("podman run -t and attach share a terminal", async (podman) => {
  const name = podman.newName();
  await podman.must(["run", "-dit", "--name", name, IMAGE, "sh"]);
  await using screen = await terminal(podman);
  await screen.type(podman.line(["attach", "--detach-keys=ctrl-x", name]));
  await screen.press("Enter");
  await screen.waitFor(/# ?$/, 30_000);
  await screen.type("echo $((6*7))");
  await screen.waitFor(/^42$/m);
  await screen.press("C-x");
  await screen.waitFor(/outer\$ $/);
  assertEquals(await podman.inspect(name, ".State.Status"), "running");
  assert((await podman.must(["logs", name])).includes("42"));
}, ["tmux"]);

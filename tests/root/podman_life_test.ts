/**
 * podman runs, watches and ends containers through the OCI command line.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { IMAGE, type Podman, podmanTests } from "../support/podman.ts";

const test = podmanTests("podmanlife");

const state = (podman: Podman, name: string): Promise<string> =>
  podman.inspect(name, ".State.Status");

test("podman run gives what the program writes and its status", async (podman) => {
  const { code, stdout, stderr } = await podman.run(
    ["run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 3"],
  );
  assertEquals({ code, stdout, stderr }, {
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
});

test("podman run gives the status of a program that a signal ended", async (podman) => {
  const script = ["sh", "-c", "kill -KILL $$"];
  // The first process of its pid namespace cannot end itself: a child does.
  const { code } = await podman.run(
    ["run", "--rm", IMAGE, "sh", "-c", "sh -c 'kill -SEGV $$'; exit $?"],
  );
  assertEquals(code, 139);
  const host = await podman.run(
    ["run", "--rm", "--pid", "host", IMAGE, ...script],
  );
  assertEquals(host.code, 137);
});

test("podman run -i feeds the program, to the last byte", async (podman) => {
  const bytes = new Uint8Array(300_000).map((_, index) => index * 7);
  const { code, stdout } = await podman.run(
    ["run", "--rm", "-i", IMAGE, "sha256sum"],
    { stdin: bytes },
  );
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  assertEquals(code, 0);
  assertEquals(stdout.slice(0, 64), hash.toHex());
});

test("podman run says 127 for a missing program and 126 for one that cannot be executed", async (podman) => {
  const missing = await podman.run(["run", "--rm", IMAGE, "no-such-program"]);
  assertEquals(missing.code, 127);
  assertMatch(missing.stderr, /no-such-program/);
  const refused = await podman.run(["run", "--rm", IMAGE, "/etc/passwd"]);
  assertEquals(refused.code, 126);
  assertMatch(refused.stderr, /\/etc\/passwd|permission denied/i);
});

test("podman run says 126 or 127 without keeping anything of the container", async (podman) => {
  await podman.run(["run", "--name", "gone", IMAGE, "/no/such/program"]);
  assertEquals(await state(podman, "gone"), "created");
  await podman.must(["rm", "gone"]);
});

test("podman create, init and start -a run a container in steps", async (podman) => {
  const name = podman.newName();
  await podman.must(["create", "--name", name, IMAGE, "sh", "-c", "echo ran"]);
  await podman.must(["init", name]);
  assertEquals(await state(podman, name), "initialized");
  assertEquals(await podman.must(["start", "-a", name]), "ran");
  assertEquals(await podman.must(["start", "-a", name]), "ran");
  assertEquals(await podman.must(["wait", name]), "0");
});

test("podman stop ends a container by its signal, or by KILL in the end", async (podman) => {
  const name = await podman.live();
  await podman.must(["stop", "-t", "20", name]);
  assertEquals(await podman.inspect(name, ".State.ExitCode"), "7");

  const deaf = podman.newName();
  const script = "trap '' TERM; while :; do sleep 0.1; done";
  await podman.must(
    ["run", "-d", "--name", deaf, IMAGE, "sh", "-c", script],
  );
  await podman.must(["stop", "-t", "1", deaf]);
  assertEquals(await podman.inspect(deaf, ".State.ExitCode"), "137");
});

test("podman kill sends the signal that it is told", async (podman) => {
  const name = podman.newName();
  const script = "trap 'echo usr1' USR1; trap 'exit 9' INT; echo ready; " +
    "while :; do sleep 0.1; done";
  await podman.must(
    ["run", "-d", "--name", name, IMAGE, "sh", "-c", script],
  );
  const saw = (text: string): Promise<unknown> =>
    waitFor(
      text,
      async () => (await podman.must(["logs", name])).includes(text),
    );
  await saw("ready");
  await podman.must(["kill", "-s", "USR1", name]);
  await saw("usr1");
  await podman.must(["kill", "-s", "INT", name]);
  assertEquals(await podman.must(["wait", name]), "9");
});

test("podman pause stops a container and unpause lets it go on", async (podman) => {
  const name = podman.newName();
  const script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";
  await podman.must(
    ["run", "-d", "--name", name, IMAGE, "sh", "-c", script],
  );
  const lines = async (): Promise<number> =>
    (await podman.must(["logs", name])).split("\n").length;
  await waitFor("a third line", async () => await lines() > 2);
  await podman.must(["pause", name]);
  assertEquals(await state(podman, name), "paused");
  const before = await lines();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assertEquals(await lines(), before);
  const refused = await podman.run(["exec", name, "true"]);
  assert(refused.code !== 0);
  await podman.must(["unpause", name]);
  assertEquals(await state(podman, name), "running");
  await waitFor("further lines", async () => await lines() > before);
});

test("podman rm -f ends what runs and what is paused", async (podman) => {
  const names = [await podman.live(), await podman.live()];
  await podman.must(["pause", names[1] ?? ""]);
  await podman.must(["rm", "-f", "-t", "0", ...names]);
  assertEquals(await podman.must(["ps", "-aq"]), "");
});

test("podman logs, ps and inspect tell of a container that runs", async (podman) => {
  const name = await podman.live();
  await waitFor(
    "its log",
    async () => await podman.must(["logs", name]) === "ready",
  );
  assertEquals(await podman.must(["ps", "--format", "{{.Names}}"]), name);
  const pid = await podman.inspect(name, ".State.Pid");
  const line = await podman.host.sh(`tr '\\0' ' ' < /proc/${pid}/cmdline`);
  assertMatch(line, /^sh -c trap/);
});

test("podman top shows the processes, also in the words of ps", async (podman) => {
  const name = await podman.live();
  const own = await podman.must(["top", name, "pid", "user", "comm"]);
  assertMatch(own, /^1 +root +sh$/m);
  const inside = await podman.must(["top", name, "-o", "pid,comm"]);
  assertMatch(inside, /^ *1 sh$/m);
});

test("podman stats gives memory and processes", async (podman) => {
  const name = await podman.live("--memory", "64m");
  const text = await podman.must(
    ["stats", "--no-stream", "--format", "json", name],
  );
  const [stats] = JSON.parse(text);
  assertMatch(stats.mem_usage, /\d.*B \/ 67\.11MB/);
  assert(Number(stats.pids) >= 1, text);
});

test("podman healthcheck runs its command in the container", async (podman) => {
  const name = await podman.live("--health-cmd", "test ! -e /sick");
  assertEquals((await podman.run(["healthcheck", "run", name])).code, 0);
  await podman.must(["exec", name, "touch", "/sick"]);
  assertEquals((await podman.run(["healthcheck", "run", name])).code, 1);
});

test("podman restart begins anew", async (podman) => {
  const name = await podman.live();
  const before = await podman.inspect(name, ".State.Pid");
  await podman.must(["restart", "-t", "20", name]);
  assert(await podman.inspect(name, ".State.Pid") !== before);
  assertEquals(await state(podman, name), "running");
});

test("podman runs many containers at once", async (podman) => {
  const numbers = Array.from({ length: 8 }, (_, index) => index);
  const results = await Promise.all(numbers.map((number) =>
    podman.run(
      ["run", "--rm", IMAGE, "sh", "-c", `echo ${number}; exit ${number}`],
    )
  ));
  assertEquals(results.map(({ code }) => code), numbers);
  assertEquals(
    results.map(({ stdout }) => stdout),
    numbers.map((number) => `${number}\n`),
  );
});

/** Waits at a socket for the word that a service is ready. */
const LISTEN = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if "READY=1" in text:
        break
`;

/** Says that it is ready, and stays. */
const NOTIFY = `
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
time.sleep(300)
`;

test(
  "podman run --sdnotify=container passes on that the program is ready",
  async (podman) => {
    const socket = `${podman.dir}/notify`;
    const manager = podman.host.start([
      "/usr/bin/python3",
      "-c",
      LISTEN,
      socket,
    ]);
    try {
      await manager.waitForOutput("listening\n", 30_000);
      // The host's own Python, whose libraries the image has not.
      const volumes = ["usr", "lib", "lib64"].flatMap((name) => [
        "-v",
        `/${name}:/${name}:ro`,
      ]);
      const name = podman.newName();
      await podman.must(
        ["run", "-d", "--name", name, "--sdnotify=container", ...volumes, IMAGE]
          .concat("/usr/bin/python3", "-c", NOTIFY),
        { env: { NOTIFY_SOCKET: socket } },
      );
      const { stdout } = await manager.result();
      assertMatch(stdout, /^MAINPID=\d+$/m);
      assertMatch(stdout, /^READY=1$/m);
    } finally {
      await manager[Symbol.asyncDispose]();
    }
  },
  ["system-python"],
);

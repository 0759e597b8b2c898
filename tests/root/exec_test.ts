/** Programs in a container: how they start, what they get, how they end. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  containerTests,
  newNamespaces,
  type TestContainer,
} from "../support/containers.ts";
import {
  isAlive,
  parseStatus,
  readKernelFile,
} from "../support/process_status.ts";
import { waitFor } from "../support/nsinit.ts";
import { writeProgram } from "../support/rootfs.ts";

const test = containerTests("exec");
const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

test("exec exits with the program's status", async (workspace) => {
  const container = await workspace.container();
  const cases: [readonly string[], number][] = [
    [["/bin/true"], 0],
    [["/bin/false"], 1],
    [["/bin/sh", "-c", "exit 7"], 7],
    [["/bin/sh", "-c", "exit 255"], 255],
    [["/bin/none"], 127],
    [["no-such-program"], 127],
    [["/etc/passwd"], 126],
    [["/etc"], 126],
  ];
  for (const [command, status] of cases) {
    const { code, stderr } = await container.exec(command);
    assertEquals([command.join(" "), code], [command.join(" "), status]);
    if (code >= 126 && code < 128) {
      assertMatch(stderr, /^nsinit: Cannot .*\n$/);
      assertStringIncludes(stderr, command[0] ?? "");
    } else {
      assertEquals(stderr, "");
    }
  }
});

test("exec exits with 128 and the signal's number", async (workspace) => {
  // Without a pid namespace of its own, a first process can signal itself.
  const container = await workspace.container({
    namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWNET"),
  });
  for (const [signal, status] of [["KILL", 137], ["TERM", 143]]) {
    const { code } = await container.sh(`kill -${signal} $$`);
    assertEquals([signal, code], [signal, status]);
  }
  const { code } = await container.sh("ulimit -c 0; kill -SEGV $$");
  assertEquals(code, 139);
});

test("exec exits with 137 when the first process is killed", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  Deno.kill(await container.pid(), "SIGKILL");
  assertEquals((await running.result()).code, 137);
});

test("exec refuses wrong usage with status 2", async (workspace) => {
  const container = await workspace.container();
  const cases: [readonly string[], RegExp][] = [
    [["--no-such-flag", "/bin/true"], /no-such-flag/],
    [["--user"], /user/],
    [["--tty", "--detach", "/bin/true"], /--detach/],
    [["--env", "=x", "/bin/true"], /--env/],
    [["--memory-limit", "lots", "/bin/true"], /memory-limit/],
    [[], /[Nn]othing|program/],
  ];
  for (const [args, pattern] of cases) {
    const { code, stderr } = await container.exec(args);
    assertEquals([args, code], [args, 2], stderr);
    assertMatch(stderr, pattern);
    assertEquals(lines(stderr).length, 1, stderr);
  }
  const { code, stderr } = await workspace.nsinit(["exce", "/bin/true"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "did you mean exec?");
});

test("exec gives a clean environment with PATH, HOSTNAME, TERM and HOME", async (workspace) => {
  const container = await workspace.container();
  const { stdout } = await container.exec(["/usr/bin/env"], {
    env: { SECRET: "of the caller", LD_PRELOAD: "/nowhere.so" },
  });
  assertEquals(lines(stdout).sort(), [
    "HOME=/root",
    "HOSTNAME=testing",
    `PATH=${DEFAULT_PATH}`,
    "TERM=xterm",
  ]);
});

test("exec --env adds variables, and the last one of a name wins", async (workspace) => {
  const container = await workspace.container();
  const { stdout } = await container.exec([
    "--env=A=1",
    "--env",
    "B=x=y z",
    "--env=A=2",
    "--env=TERM=vt100",
    "--env=PASSED",
    "--env=ABSENT",
    "--env=HOME=/tmp",
    "--env=EMPTY=",
    "/usr/bin/env",
  ], { env: { PASSED: "on" } });
  assertEquals(lines(stdout).sort(), [
    "A=2",
    "B=x=y z",
    "EMPTY=",
    "HOME=/tmp",
    "HOSTNAME=testing",
    "PASSED=on",
    `PATH=${DEFAULT_PATH}`,
    "TERM=vt100",
  ]);
});

test("exec looks a name up in the container's PATH", async (workspace) => {
  const container = await workspace.container();
  await Deno.mkdir(`${workspace.rootfs}/opt`, { recursive: true });
  await writeProgram(
    `${workspace.rootfs}/opt/hello`,
    "#!/bin/sh\necho hello from $0\n",
  );
  try {
    const plain = await container.exec(["hello"]);
    assertEquals(plain.code, 127);
    const found = await container.exec(["--env=PATH=/none:/opt", "hello"]);
    assertEquals([found.code, found.stdout], [0, "hello from /opt/hello\n"]);
    const lost = await container.exec(["--env=PATH=/none", "id"]);
    assertEquals(lost.code, 127);
  } finally {
    await Deno.remove(`${workspace.rootfs}/opt`, { recursive: true });
  }
});

test("exec --cwd chooses the directory the program starts in", async (workspace) => {
  const container = await workspace.container();
  assertEquals(await container.output("pwd"), "/\n");
  const moved = await container.exec(["--cwd", "/usr/bin", "pwd"]);
  assertEquals(moved.stdout, "/usr/bin\n");
  const missing = await container.exec(["--cwd=/nowhere", "pwd"]);
  assertEquals([missing.code, missing.stdout], [125, ""]);
  assertStringIncludes(missing.stderr, "/nowhere");
});

async function identity(
  container: TestContainer,
  user: string,
): Promise<string> {
  const script = "echo $(id -u):$(id -g):$(id -G | tr ' ' '\\n' | sort -n)";
  const { code, stdout, stderr } = await container.exec([
    `--user=${user}`,
    "/bin/sh",
    "-c",
    script,
  ]);
  return code === 0 ? stdout.trim() : `${code} ${lines(stderr).length} line`;
}

test("exec --user takes names and numbers of users and groups", async (workspace) => {
  const container = await workspace.container();
  const cases: [string, string][] = [
    ["root", "0:0:0"],
    ["daemon", "1:1:1 29 46"],
    ["1", "1:1:1 29 46"],
    ["01", "1:1:1 29 46"],
    ["1000", "1000:1000:46 1000"],
    ["1000:5", "1000:5:5"],
    ["daemon:audio", "1:29:29"],
    ["1:2", "1:2:2"],
    ["4242", "4242:0:0"],
    ["4294967294", "4294967294:0:0"],
  ];
  for (const [user, wanted] of cases) {
    assertEquals([user, await identity(container, user)], [user, wanted]);
  }
});

test("exec --user refuses what is no user, and never takes root instead", async (workspace) => {
  const container = await workspace.container();
  const users = [
    "nosuch",
    "daemon:nosuch",
    ":2",
    "1:",
    "x",
    "-1",
    "4294967295",
    "1 ",
    "0x1",
    "1:2:3",
  ];
  for (const user of users) {
    assertEquals([user, await identity(container, user)], [user, "125 1 line"]);
  }
});

test("exec gives the additional groups of the configuration and of --groups", async (workspace) => {
  const container = await workspace.container({
    additional_groups: ["plugdev", "12345"],
  });
  const groups = await container.exec([
    "--groups=audio",
    "/bin/sh",
    "-c",
    "id -G | tr ' ' '\\n' | sort -n | tr '\\n' ' '",
  ]);
  assertEquals(groups.stdout, "0 29 46 12345 ");
});

test("exec sets HOME from the container's passwd", async (workspace) => {
  const container = await workspace.container();
  const homes: [string, string][] = [
    ["root", "/root"],
    ["daemon", "/usr/sbin"],
    ["4242", "/"],
  ];
  for (const [user, home] of homes) {
    const { stdout } = await container.exec([
      `--user=${user}`,
      "/bin/sh",
      "-c",
      "echo $HOME",
    ]);
    assertEquals([user, stdout.trim()], [user, home]);
  }
});

test("exec passes an empty input on as its end", async (workspace) => {
  const container = await workspace.container();
  assertEquals(await container.output("wc -c"), "0\n");
  assertEquals(await container.output("read -r line; echo $?"), "1\n");
});

test("exec passes bytes through unchanged", async (workspace) => {
  const container = await workspace.container();
  const bytes = new Uint8Array(4096).map((_, index) => index % 256);
  const { code, bytes: back } = await container.exec(["/bin/cat"], {
    stdin: bytes,
  });
  assertEquals(code, 0);
  assertEquals(back, bytes);
});

test("exec passes a megabyte through pipes", async (workspace) => {
  const container = await workspace.container();
  const bytes = new Uint8Array(1 << 20);
  for (let at = 0; at < bytes.length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  const { bytes: back } = await container.exec(["/bin/cat"], { stdin: bytes });
  assertEquals(back.length, bytes.length);
  assert(back.every((byte, index) => byte === bytes[index]));
});

test("exec keeps output and error output apart", async (workspace) => {
  const container = await workspace.container();
  const { stdout, stderr } = await container.sh("echo out; echo err >&2");
  assertEquals([stdout, stderr], ["out\n", "err\n"]);
});

test("a program may reopen its own output", async (workspace) => {
  const container = await workspace.container();
  const { stdout, stderr, code } = await container.sh(
    "echo out > /dev/stdout; echo err > /dev/stderr",
  );
  assertEquals([code, stdout, stderr], [0, "out\n", "err\n"]);
});

test("exec sets resource limits", async (workspace) => {
  const container = await workspace.container({
    rlimits: [
      { type: 7, soft: 1025, hard: 1026 },
      { type: 4, soft: 0, hard: 0 },
    ],
  });
  const limits = await container.output("ulimit -n; ulimit -Hn; ulimit -c");
  assertEquals(limits, "1025\n1026\n0\n");
});

test("exec sets the host name", async (workspace) => {
  const container = await workspace.container();
  assertEquals(await container.output("hostname"), "testing\n");
  const other = await container.exec(["--hostname=other.example", "hostname"]);
  assertEquals(other.stdout, "other.example\n");
});

test("exec sets sysctls of the container's namespaces", async (workspace) => {
  const container = await workspace.container({
    sysctl: { "kernel.shmmni": "8192", "net.ipv4.ip_forward": "1" },
  });
  const values = await container.output(
    "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward",
  );
  assertEquals(values, "8192\n1\n");
  assert(
    readKernelFile("/proc/sys/kernel/shmmni") !== "8192",
    "the host's value must not change",
  );
});

test("exec refuses sysctls that are the host's", async (workspace) => {
  const container = await workspace.container();
  const keys = [
    "kernel.core_pattern=|/bin/evil",
    "vm.swappiness=1",
    "kernel.sysrq=1",
    "../../sysrq-trigger=b",
    "kernel/../../x=1",
  ];
  for (const key of keys) {
    const { code, stderr } = await container.exec([
      `--sysctl=${key}`,
      "/bin/true",
    ]);
    assertEquals([key, code], [key, 125]);
    assertMatch(stderr, /sysctl/);
  }
});

test("exec refuses sysctls of a namespace that the container shares", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWPID", "NEWNET"),
  });
  const { code, stderr } = await container.exec([
    "--sysctl=kernel.shmmni=8192",
    "/bin/true",
  ]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "NEWIPC");
});

test("exec sets oom_score_adj", async (workspace) => {
  const container = await workspace.container({ oom_score_adj: 321 });
  assertEquals(
    await container.output("cat /proc/self/oom_score_adj"),
    "321\n",
  );
});

test(
  "a memory limit kills a program that takes more",
  async (workspace) => {
    const container = await workspace.container();
    const { code } = await container.exec([
      "--memory-limit=16m",
      "/usr/bin/tail",
      "/dev/zero",
    ]);
    assertEquals(code, 137);
  },
  { needs: ["memory-cgroup"] },
);

test("a limit of tasks stops a program that forks", async (workspace) => {
  const container = await workspace.container({
    cgroups: { pids_limit: 8 },
  });
  const { stdout } = await container.sh(
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & echo $i; done 2>/dev/null",
  );
  const count = lines(stdout).length;
  assert(count > 0 && count < 8, `${count} forks`);
});

test("devices outside the rules cannot be opened", async (workspace) => {
  const container = await workspace.container();
  const { stdout } = await container.sh(
    "mknod /tmp/mem c 1 1 && echo made; head -c 1 /tmp/mem >/dev/null || echo refused; " +
      "rm /tmp/mem; head -c 1 /dev/zero | wc -c",
  );
  assertEquals(lines(stdout), ["made", "refused", "1"]);
});

test("seccomp makes a system call fail", async (workspace) => {
  const chown = Deno.build.arch === "x86_64" ? [92, 260] : [54];
  const container = await workspace.container({
    seccomp: {
      syscalls: chown.map((value) => ({ value, action: 1, args: [] })),
    },
  });
  const { code, stderr } = await container.sh(
    "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status >&2; chown 1 /tmp",
  );
  assert(code !== 0);
  assertStringIncludes(stderr, "Seccomp:\t2");
  assertStringIncludes(stderr, "NoNewPrivs:\t1");
  assertStringIncludes(stderr, "not permitted");
});

test("a program has only its three descriptors, whatever the caller leaks", async (workspace) => {
  const container = await workspace.container();
  const redirections = Array.from(
    { length: 20 },
    (_, index) => `exec ${index + 3}</etc/passwd`,
  ).join("; ");
  const result = await container.sh("ls /proc/self/fd", {
    prefix: ["bash", "-c", `${redirections}; exec "$@"`, "bash"],
  });
  // 3 is the directory that ls reads.
  assertEquals(lines(result.stdout), ["0", "1", "2", "3"]);
});

test("a program starts with default signals and an ordinary umask, whatever the caller has", async (workspace) => {
  const container = await workspace.container();
  const result = await container.sh("cat /proc/self/status; umask", {
    prefix: [
      "env",
      "--ignore-signal",
      "--block-signal",
      "bash",
      "-c",
      'umask 0777; exec "$@"',
      "bash",
    ],
  });
  const status = parseStatus(result.stdout);
  assertEquals(status["SigBlk"], "0000000000000000");
  assertEquals(status["SigIgn"], "0000000000000000");
  assertStringIncludes(result.stdout, "\n0022\n");
});

test("closed standard descriptors do no harm", async (workspace) => {
  const container = await workspace.container();
  for (const closed of ["0<&-", "2>&-", "0<&- 2>&-"]) {
    const { code, stdout } = await container.sh(
      "ls /proc/self/fd >/dev/null; echo fine",
      { prefix: ["bash", "-c", `exec "$@" ${closed}`, "bash"] },
    );
    assertEquals([closed, code, stdout], [closed, 0, "fine\n"]);
  }
});

test("exec --detach returns while the program runs, which kill and delete end", async (workspace) => {
  const container = await workspace.container();
  const pidFile = `${container.dir}/pid-file`;
  const started = await container.detach([
    `--pid-file=${pidFile}`,
    "/bin/sleep",
    "1000",
  ]);
  assertEquals([started.code, started.stderr], [0, ""]);
  const pid = Number(await Deno.readTextFile(pidFile));
  assertEquals(pid, await container.pid());
  const id = await container.id();

  const list = JSON.parse(
    (await workspace.nsinit(["list", "--format=json"])).stdout,
  );
  assertEquals(list.length, 1);
  assertEquals([list[0].id, list[0].pid, list[0].status], [id, pid, "running"]);

  const state = JSON.parse((await workspace.nsinit(["state", id])).stdout);
  assertEquals([state.id, state.init_process_pid], [id, pid]);

  const refused = await workspace.nsinit(["delete", id]);
  assertEquals(refused.code, 125);
  assertStringIncludes(refused.stderr, "not stopped");

  const killed = await workspace.nsinit(["kill", "--signal=KILL", id]);
  assertEquals([killed.code, killed.stderr], [0, ""]);
  await waitFor("its end", () => !isAlive(pid));
  const deleted = await workspace.nsinit(["delete", id]);
  assertEquals([deleted.code, deleted.stderr], [0, ""]);
  assert(await container.isGone());
});

test("delete --force ends a running container", async (workspace) => {
  const container = await workspace.container();
  await container.detach(["/bin/sleep", "1000"]);
  const id = await container.id();
  const deleted = await workspace.nsinit(["delete", "--force", id]);
  assertEquals([deleted.code, deleted.stderr], [0, ""]);
  assert(await container.isGone());
  const again = await workspace.nsinit(["delete", id]);
  assertEquals(again.code, 125);
  assertStringIncludes(again.stderr, "does not exist");
});

test("ps lists the processes of a container", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const { code, stdout } = await workspace.nsinit(
    ["ps", "--format=json", await container.id()],
  );
  assertEquals(code, 0);
  assertStringIncludes(stdout, String(await container.pid()));
});

test(
  "exec runs the built-in template where there is no container.json",
  async (workspace) => {
    const dir = await workspace.newDirectory();
    const container = await workspace.containerIn(dir, undefined);
    const { code, stdout, stderr } = await container.exec([
      `--rootfs=${workspace.rootfs}`,
      "/bin/sh",
      "-c",
      "hostname; echo $$; ls /dev",
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.split("\n").slice(0, 2), ["nsinit", "1"]);
    assertStringIncludes(stdout, "urandom");
  },
  { names: ["/nsinit/"] },
);

test("exec takes the directory from --data-path and from the environment", async (workspace) => {
  const container = await workspace.container();
  const flag = await workspace.nsinit(
    ["--data-path", container.dir, "exec", "hostname"],
    { cwd: "/" },
  );
  assertEquals([flag.code, flag.stdout], [0, "testing\n"]);
  const variable = await workspace.nsinit(["exec", "hostname"], {
    cwd: "/",
    env: { data_path: container.dir },
  });
  assertEquals([variable.code, variable.stdout], [0, "testing\n"]);
});

/** Nothing of a careless or hostile caller gets into the container. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests, type TestContainer } from "../support/containers.ts";
import { compileCaller, compilePayload } from "../support/payload.ts";
import { parseStatus } from "../support/process_status.ts";
import type { RunOptions } from "../support/nsinit.ts";

const test = containerTests("secinherit");

/** Runs a check as first process of a container, and as one that joins it. */
async function bothWays(
  first: TestContainer,
  joined: TestContainer,
  args: readonly string[],
  options: RunOptions,
): Promise<[label: string, output: string][]> {
  const outputs: [string, string][] = [];
  for (
    const [label, container] of [["first", first], ["joined", joined]] as const
  ) {
    const { code, stdout, stderr } = await container.exec(args, options);
    assertEquals([label, code], [label, 0], stderr);
    outputs.push([label, stdout]);
  }
  return outputs;
}

test(
  "signals that the caller blocks or ignores are neither inside",
  async (workspace) => {
    const caller = await compileCaller(workspace.dir);
    const joined = await workspace.container();
    await using _running = await joined.hold({ prefix: [caller, "-s", "--"] });
    const outputs = await bothWays(
      await workspace.container(),
      joined,
      ["/bin/cat", "/proc/self/status"],
      { prefix: [caller, "-s", "--"] },
    );
    for (const [label, output] of outputs) {
      const { SigBlk, SigIgn, SigPnd, ShdPnd } = parseStatus(output);
      const none = "0".repeat(16);
      assertEquals([label, SigBlk, SigIgn, SigPnd, ShdPnd], [
        label,
        none,
        none,
        none,
        none,
      ]);
    }
  },
);

test("a caller with all signals blocked can still be stopped", async (workspace) => {
  const caller = await compileCaller(workspace.dir);
  const container = await workspace.container();
  const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done";
  await using running = container.start(["/bin/sh", "-c", script], {
    prefix: [caller, "-s", "--"],
  });
  await running.waitForOutput("ready\n");
  running.signal("SIGTERM");
  assertEquals((await running.result()).code, 5);
});

test("the caller's umask does not decide modes", async (workspace) => {
  const caller = await compileCaller(workspace.dir);
  const joined = await workspace.container();
  await using _running = await joined.hold({ prefix: [caller, "-u", "--"] });
  const script =
    "umask; stat -c %a /dev /dev/pts /dev/shm /dev/null /dev/fd/ 2>/dev/null";
  const outputs = await bothWays(
    await workspace.container(),
    joined,
    ["/bin/sh", "-c", script],
    { prefix: [caller, "-u", "--"] },
  );
  for (const [label, output] of outputs) {
    assertEquals(
      [label, ...output.trim().split("\n").slice(0, 5)],
      [label, "0022", "755", "755", "1777", "666"],
    );
  }
  const state = await joined.stateDir();
  assertEquals(((await Deno.stat(state)).mode ?? 0) & 0o777, 0o700);
  assertEquals(
    ((await Deno.stat(`${state}/state.json`)).mode ?? 0) & 0o777,
    0o600,
  );
});

test(
  "the limit of open files is the caller's, not the one that the runtime gave itself",
  async (workspace) => {
    const limits = async (
      container: TestContainer,
      prefix: readonly string[],
    ): Promise<string[]> => {
      const output = await container.output("ulimit -Sn; ulimit -Hn", {
        prefix,
      });
      return output.trim().split("\n");
    };
    const joined = await workspace.container();
    await using _running = await joined.hold();
    for (const container of [await workspace.container(), joined]) {
      // The shell stays as the caller, as a user's would.
      const kept = [
        "bash",
        "-c",
        'ulimit -Sn 700; ulimit -Hn 900; "$@"; exit $?',
        "bash",
      ];
      assertEquals(await limits(container, kept), ["700", "900"]);
      // It becomes nsinit: only its own hard limit bounds what is inside.
      const replaced = ["prlimit", "--nofile=600:800"];
      const [soft, hard] = await limits(container, replaced);
      assert(Number(soft) <= 800, `${soft}`);
      assertEquals(hard, "800");
    }
  },
);

test("limits of the configuration win over those of the caller", async (workspace) => {
  const container = await workspace.container({
    rlimits: [{ type: 7, hard: 2000, soft: 1500 }],
  });
  const output = await container.output("ulimit -Sn; ulimit -Hn", {
    prefix: ["prlimit", "--nofile=600:3000"],
  });
  assertEquals(output, "1500\n2000\n");
});

test("no variable of the caller's environment gets in", async (workspace) => {
  const joined = await workspace.container();
  await using _running = await joined.hold();
  const env = {
    SECRET: "of the caller",
    LD_PRELOAD: "",
    LD_LIBRARY_PATH: "/nonexistent",
    DENO_SECRET: "x",
    NODE_OPTIONS: "",
    HOME: "/home/of/the/caller",
    TMPDIR: workspace.dir,
  };
  const outputs = await bothWays(
    await workspace.container(),
    joined,
    ["/usr/bin/env"],
    { env },
  );
  for (const [label, output] of outputs) {
    const names = output.trim().split("\n").map((line) => line.split("=")[0])
      .sort();
    assertEquals([label, ...names], [
      label,
      "HOME",
      "HOSTNAME",
      "PATH",
      "TERM",
    ]);
    assertStringIncludes(output, "HOME=/root\n");
  }
});

test("the environment of the first process shows nothing of the caller's from outside", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold({
    env: { SECRET: "of the caller" },
  });
  const pids = [running.pid, await container.pid()];
  const inside = await Deno.readTextFile(`/proc/${pids[1]}/environ`);
  assert(!inside.includes("SECRET"), inside);
});

const KEYS = `
/* What a session keyring gives that the caller has filled: nothing. */
int main(void)
{
	long key = syscall(SYS_request_key, "user", "nsinit-test-secret", 0, 0);
	char text[64];
	long n = key < 0 ? -1 : syscall(SYS_keyctl, 11, key, text, sizeof(text));

	printf("%s\\n", n > 0 ? "found" : "nothing");
	return 0;
}
`;

const KEY_CALLER = `
int main(int argc, char **argv)
{
	syscall(SYS_keyctl, 1, "nsinit-test");
	syscall(SYS_add_key, "user", "nsinit-test-secret", "secret", 6, -3);
	execvp(argv[1], argv + 1);
	return 99;
}
`;

test("the caller's session keyring is not the container's", async (workspace) => {
  const caller = await compilePayload(
    `${workspace.dir}/key-caller`,
    KEY_CALLER,
  );
  const finder = await compilePayload(`${workspace.dir}/key-finder`, KEYS);
  await Deno.copyFile(finder, `${workspace.rootfs}/bin/key-finder`);
  await Deno.chmod(`${workspace.rootfs}/bin/key-finder`, 0o755);
  try {
    const joined = await workspace.container();
    await using _running = await joined.hold({ prefix: [caller] });
    const outputs = await bothWays(
      await workspace.container(),
      joined,
      ["/bin/key-finder"],
      { prefix: [caller] },
    );
    for (const [label, output] of outputs) {
      assertEquals([label, output], [label, "nothing\n"]);
    }
  } finally {
    await Deno.remove(`${workspace.rootfs}/bin/key-finder`);
  }
});

const PUSHER = `
int main(void)
{
	long requests[] = { 0x5412, 0x100005412L, 0x541c, 0x7fffffff00005412L };

	printf("sid %d pid %d pgid %d\\n", getsid(0), getpid(), getpgid(0));
	for (int fd = 0; fd < 3; fd++)
		for (int n = 0; n < 4; n++)
			if (syscall(SYS_ioctl, fd, requests[n], "x") == 0)
				printf("PUSHED %d %lx\\n", fd, requests[n]);
	printf("tty %s\\n", open("/dev/tty", O_RDWR) < 0 ? "none" : "there");
	return 0;
}
`;

test(
  "a program leads a session of its own and cannot push input into the caller's terminal (CVE-2016-10124, CVE-2017-5226)",
  async (workspace) => {
    const path = await compilePayload(`${workspace.rootfs}/bin/pusher`, PUSHER);
    const joined = await workspace.container();
    await using _running = await joined.hold();
    // script(1) gives the caller a controlling terminal.
    for (const container of [await workspace.container(), joined]) {
      const { stdout } = await container.exec(["/bin/pusher"], {
        prefix: ["setsid", "--wait"],
      });
      const [, sid, pid] = /sid (\d+) pid (\d+)/.exec(stdout) ?? [];
      assertEquals(sid, pid);
      assertStringIncludes(stdout, "tty none\n");
      const quoted = `${container.dir}/typescript`;
      const onTerminal = await container.exec(["/bin/pusher"], {
        prefix: [
          "bash",
          "-c",
          'printf -v line "%q " "$@"; exec script -qec "$line" "$0"',
          quoted,
        ],
      });
      assertStringIncludes(onTerminal.stdout, "tty none");
      assert(!onTerminal.stdout.includes("PUSHED"), onTerminal.stdout);
    }
    await Deno.remove(path);
  },
);

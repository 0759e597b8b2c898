/** Input that is too large, misspelt or hostile ends in a clean refusal. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
  SYSTEM_MOUNTS,
} from "../support/containers.ts";
import { Running, type RunResult } from "../support/nsinit.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("secinput");

/** Fails if a text could drive a terminal; line feeds are fine. */
function assertPlain(text: string): void {
  const bad = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u.test(text);
  assert(!bad, JSON.stringify(text));
}

const BAD_IDS = [
  "",
  ".",
  "..",
  "../x",
  "a/b",
  "/",
  "/etc",
  "a\nb",
  "a b",
  "é",
  "a\u202eb",
  "\x1b[2J",
  "x".repeat(1025),
  "x".repeat(5000),
];

test(
  "ids that could be paths are refused by every command (CVE-2014-6407, CVE-2014-9358)",
  async (workspace) => {
    const container = await workspace.container();
    for (const id of BAD_IDS) {
      const commands = [
        ["exec", `--id=${id}`, "/bin/true"],
        ["delete", "--force", `--id=${id}`],
        ["kill", `--id=${id}`],
        ["state", `--id=${id}`],
      ];
      for (const command of commands) {
        const { code, stdout, stderr } = await workspace.nsinit(command, {
          cwd: container.dir,
        });
        assert(code === 125 || code === 2, `${command}: ${code} ${stderr}`);
        assertEquals(stdout, "");
        assert(stderr.length < 1000, `${stderr.length} characters`);
        assertPlain(stderr);
      }
    }
    const left = await Array.fromAsync(Deno.readDir(workspace.stateRoot));
    assertEquals(left, []);
  },
);

test("control characters of a configuration are printed harmlessly", async (workspace) => {
  const evil = "/tmp/\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e/none";
  const cases = [
    { rootfs: evil },
    { hostname: evil },
    {
      mounts: [{
        device: "bind",
        source: evil,
        destination: "/tmp",
        flags: 4096,
        data: "",
        relabel: "",
      }],
    },
    { [evil]: 1 },
    { capabilities: [evil] },
    { sysctl: { [evil]: evil } },
  ];
  for (const changes of cases) {
    for (const format of ["text", "json"]) {
      const container = await workspace.container(changes);
      const { code, stderr } = await workspace.nsinit(
        ["--log-format", format, "exec", "/bin/true"],
        { cwd: container.dir },
      );
      assertEquals(code, 125, JSON.stringify(changes));
      assertPlain(stderr);
    }
  }
  const container = await workspace.container();
  for (
    const args of [["--cwd", evil, "/bin/true"], [evil], [
      "--user",
      evil,
      "/bin/true",
    ]]
  ) {
    const { code, stderr } = await container.exec(args);
    assert(code >= 125 && code <= 127, `${code}`);
    assertPlain(stderr);
  }
});

const LONG = "x".repeat(2 ** 20);

test(
  "oversized configurations are refused cleanly and in time (CVE-2021-43784)",
  async (workspace) => {
    const many = Array.from({ length: 100_000 }, (_, n) => ({
      container_id: n,
      host_id: 100_000 + n,
      size: 1,
    }));
    const userns = newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER");
    const cases: [string, Record<string, unknown>][] = [
      ["100 000 mappings", {
        namespaces: userns,
        uid_mappings: many,
        gid_mappings: many,
      }],
      ["a namespace path of 1 MiB", {
        namespaces: [{ type: "NEWNET", path: `/${LONG}` }],
      }],
      ["a host name of 1 MiB", { hostname: LONG }],
      ["a rootfs of 1 MiB", { rootfs: `/${LONG}` }],
      ["a mount target of 1 MiB", {
        mounts: [...SYSTEM_MOUNTS, {
          device: "tmpfs",
          source: "x",
          destination: `/${LONG}`,
          flags: 14,
          data: "",
          relabel: "",
        }],
      }],
      ["mount data of 1 MiB", {
        mounts: [...SYSTEM_MOUNTS, {
          device: "tmpfs",
          source: "x",
          destination: "/tmp",
          flags: 14,
          data: `size=${LONG}`,
          relabel: "",
        }],
      }],
      ["100 000 mounts", { mounts: Array(100_000).fill(SYSTEM_MOUNTS[0]) }],
      ["100 000 namespaces", {
        namespaces: Array(100_000).fill({ type: "NEWNS" }),
      }],
      ["a mask path of 1 MiB", { mask_paths: [`/${LONG}`] }],
      ["100 000 groups", {
        additional_groups: Array.from({ length: 100_000 }, (_, n) => `${n}`),
      }],
      ["a cgroup name of 1 MiB", { cgroups: { name: LONG } }],
      ["a sysctl value of 1 MiB", { sysctl: { "kernel.shmmni": LONG } }],
      ["a profile of 1 MiB", { apparmor_profile: LONG }],
      ["a deep text", {
        hooks: JSON.parse("[".repeat(5000) + "]".repeat(5000)),
      }],
    ];
    for (const [what, changes] of cases) {
      const container = await workspace.container(changes);
      const { code, stdout, stderr } = await container.exec(["/bin/true"], {
        timeoutMs: 10_000,
      });
      assertEquals([what, code, stdout], [what, 125, ""], stderr.slice(0, 500));
      assert(!stderr.includes("report it"), `${what}: ${stderr.slice(0, 500)}`);
      assert(
        stderr.length < 20_000,
        `${what}: ${stderr.length} characters of error`,
      );
    }
  },
);

test(
  "oversized arguments, variables and directories are refused or reach the program whole (CVE-2021-43784)",
  async (workspace) => {
    const container = await workspace.container();
    const part = "y".repeat(100_000);
    const { code, stdout } = await container.exec([
      "--env",
      `BIG=${part}`,
      "/bin/sh",
      "-c",
      "echo ${#BIG} ${#1}",
      "sh",
      part,
    ]);
    assertEquals([code, stdout], [0, "100000 100000\n"]);
    for (
      const flags of [["--cwd", `/${part}`], ["--user", part], [
        "--cwd",
        `/${"d/".repeat(3000)}`,
      ]]
    ) {
      const result = await container.exec([...flags, "/bin/true"]);
      assertEquals(result.code, 125);
      assertStringIncludes(result.stderr, "nsinit: Cannot");
      assert(
        result.stderr.length < 20_000,
        `${result.stderr.length} characters`,
      );
    }
  },
);

const SYSCALLS = `
/* The same call by every way into the kernel that x86_64 has. */
static long by_64(long n, long a, long b)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return r;
}

static long by_32(long n, long a, long b)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
	return r;
}

int main(int argc, char **argv)
{
	/* mkdir: 83 on x86_64, 39 on i386, 83 with bit 30 on x32 */
	char *low = (char *)0x10000;

	setbuf(stdout, NULL);
	if (syscall(SYS_mmap, low, 4096, 3, 0x32, -1, 0) != (long)low)
		return 9;
	strcpy(low, "/tmp/made");
	if (argv[1][0] == '6')
		printf("native %ld\\n", by_64(83, (long)low, 0755));
	if (argv[1][0] == 'x')
		printf("x32 %ld\\n", by_64(0x40000000L + 83, (long)low, 0755));
	if (argv[1][0] == '3')
		printf("i386 %ld\\n", by_32(39, (long)low, 0755));
	return access(low, F_OK) ? 0 : 7;
}
`;

test(
  "a filtered call stays filtered through the 32-bit and x32 entries",
  async (workspace) => {
    const path = await compilePayload(
      `${workspace.rootfs}/bin/entries`,
      SYSCALLS,
    );
    const filtered = await workspace.container({
      seccomp: { syscalls: [{ value: 83, action: 1, args: [] }] },
    });
    await using _running = await filtered.hold();
    for (const joins of [false, true]) {
      for (const entry of ["64", "x32", "32"]) {
        const target = joins ? filtered : await workspace.container({
          seccomp: { syscalls: [{ value: 83, action: 1, args: [] }] },
        });
        const { code, stdout } = await target.exec(["/bin/entries", entry]);
        // Refused, or killed: never done.
        assert(code === 0 || code > 128, `${entry}: ${code} ${stdout}`);
        if (entry === "64") assertEquals([code, stdout], [0, "native -1\n"]);
      }
    }
    const open = await workspace.container();
    const { code } = await open.exec(["/bin/entries", "64"]);
    assertEquals(
      code,
      7,
      "the payload itself must work where nothing is filtered",
    );
    await Deno.remove(path);
    await Deno.remove(`${workspace.rootfs}/tmp/made`);
  },
);

test("a link that another user left as the log is not followed", async (workspace) => {
  const target = `${workspace.dir}/${workspace.newName()}`;
  const log = `${target}.log`;
  const [owner, stranger] = [`${target}.own`, log];
  const fail = (file: string): Promise<RunResult> =>
    workspace.nsinit(["--log", file, "kill", "no-such-container"]);
  for (const path of [owner, stranger]) await Deno.symlink(target, path);
  const as = new Running(["chown", "-h", "65534:65534", stranger]);
  assertEquals((await as.result()).code, 0);

  assertStringIncludes((await fail(stranger)).stderr, "of another user");
  await assertRejects(() => Deno.lstat(target), Deno.errors.NotFound);
  await Deno.writeTextFile(target, "");
  assertStringIncludes((await fail(stranger)).stderr, "of another user");
  assertEquals(await Deno.readTextFile(target), "");

  await fail(owner);
  assertStringIncludes(await Deno.readTextFile(target), "no-such-container");
  for (const path of [owner, stranger, target]) await Deno.remove(path);
});

/** Further processes of nsinit-oci, by options and by process file, and commands at the same time. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { waitFor } from "../support/nsinit.ts";
import { ociNamespaces } from "../support/oci.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ociexec");

const PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
const OPTIONS: readonly (readonly [string[], string, string])[] = [
  [["--cwd", "/etc"], "pwd", "/etc\n"],
  [["--cwd=/made/by/exec"], "pwd", "/made/by/exec\n"],
  [["--env", "A=1", "-e", "B=2", "--env", "A=3"], "echo $A$B$OWN", "32mine\n"],
  [["--user", "5"], "id -u; id -g", "5\n0\n"],
  [
    ["-u", "5:7", "-g", "8", "--additional-gids", "9"],
    "id -u; id -G",
    "5\n7 8 9\n",
  ],
  [["--no-new-privs"], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"],
  [[], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t0\n"],
  [
    ["--cap", "CAP_CHOWN"],
    "grep CapEff /proc/self/status",
    "CapEff:\t0000000000000021\n",
  ],
  [[], "grep CapEff /proc/self/status", "CapEff:\t0000000000000020\n"],
];

test("options of exec change the container's own process", async (workspace) => {
  const kill = ["CAP_KILL"];
  await using bundle = await OciBundle.make(workspace, {
    process: {
      env: [PATH, "OWN=mine"],
      capabilities: { bounding: kill, effective: kill, permitted: kill },
    },
  });
  await Deno.mkdir(`${bundle.rootfs}/made/by/exec`, { recursive: true });
  await bundle.start();
  for (const [options, script, wanted] of OPTIONS) {
    const { code, stdout, stderr } = await bundle.exec(script, ...options);
    assertEquals({ options, code, stdout, stderr }, {
      options,
      code: 0,
      stdout: wanted,
      stderr: "",
    });
  }
});

test("a process file is the whole process, and what it leaves out is the container's", async (workspace) => {
  const kill = ["CAP_KILL", "CAP_NO_SUCH"];
  await using bundle = await OciBundle.make(workspace, {
    process: {
      env: [PATH, "OWN=mine"],
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 111, hard: 222 }],
    },
  });
  await bundle.start();
  const file = `${bundle.dir}/process.json`;
  const write = (members: Record<string, unknown>): Promise<void> =>
    Deno.writeTextFile(file, JSON.stringify(members));
  await write({
    cwd: "/etc",
    user: { uid: 5, gid: 6, additionalGids: [7], umask: 0o77 },
    env: [PATH, "ONLY=this"],
    args: [
      "/bin/sh",
      "-c",
      "pwd; id -u; id -G; umask; echo $ONLY$OWN $HOME; ulimit -n; grep -E 'CapEff|NoNew' /proc/self/status",
    ],
    capabilities: { bounding: kill, effective: kill, permitted: kill },
    noNewPrivileges: true,
    unknownMember: { of: "a later version" },
  });
  const { code, stdout, stderr } = await bundle.oci(
    ["exec", "--process", file, bundle.id],
  );
  assertEquals(code, 0, stderr);
  // A user who is none in passwd has the root for a home.
  assertEquals(
    stdout,
    "/etc\n5\n6 7\n0077\nthis /\n111\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n",
  );
  assertStringIncludes(stderr, "CAP_NO_SUCH");
  assertMatch(stderr, /^time="[^"]+" level=warning msg=/);

  await write({ cwd: "/", args: [], user: { uid: 0, gid: 0 } });
  const empty = await bundle.oci(["exec", "-p", file, bundle.id]);
  assertEquals(empty.code, 255);
  assertStringIncludes(empty.stderr, "args must not be empty");
  await write({ cwd: "relative", args: ["true"], user: { uid: 0, gid: 0 } });
  const relative = await bundle.oci(["exec", "-p", file, bundle.id]);
  assertEquals(relative.code, 255);
  assertStringIncludes(relative.stderr, "cwd");
  const missing = await bundle.oci(["exec", "-p", "/nowhere", bundle.id]);
  assertEquals(missing.code, 255);
  assertStringIncludes(missing.stderr, "exec failed: process file /nowhere");
});

test("what stands behind the id is the program's, options too", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const { id } = bundle;
  const said = await bundle.must([
    "exec",
    id,
    "echo",
    "--tty",
    "-d",
    "--",
    "x",
  ]);
  assertEquals(said, "--tty -d -- x\n");
  assertEquals(
    await bundle.must(["exec", "-user", "5", id, "id", "-u"]),
    "5\n",
  );
  const unknown = await bundle.oci(["exec", "--frob", id, "true"]);
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stdout, "Usage: nsinit-oci");
  const nothing = await bundle.oci(["exec", id]);
  assertEquals(nothing.code, 1);
});

test("exec has its program's status, and that of signals", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const ends = [["exit 7", 7], ["kill -9 $$", 137], [
    "kill -TERM $$",
    143,
  ]] as const;
  for (const [script, code] of ends) {
    assertEquals([script, (await bundle.exec(script)).code], [script, code]);
  }
  const log = `${bundle.dir}/log`;
  const refused = await bundle.oci(
    ["--log", log, "--log-format", "json", "exec", bundle.id, "/etc/passwd"],
  );
  assertEquals(refused.code, 255);
  const { level, msg, time } = JSON.parse(await Deno.readTextFile(log));
  assertEquals(level, "error");
  assertStringIncludes(msg, 'exec: "/etc/passwd": permission denied');
  assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assertEquals(refused.stderr, `${msg}\n`);
});

test("run --keep leaves the container, stopped", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/sh", "-c", "exit 9"] },
  });
  assertEquals((await bundle.oci(["run", "--keep", bundle.id])).code, 9);
  const state = JSON.parse(await bundle.must(["state", bundle.id]));
  assertEquals([state.status, state.pid], ["stopped", 0]);
  await bundle.must(["delete", bundle.id]);
});

test("start and delete --force at the same time leave nothing, whoever is first", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const { id } = bundle;
  for (const delayMs of [0, 40, 80, 120, 200]) {
    await bundle.spawn(["create", id]);
    const later = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      return (await bundle.oci(["delete", "--force", id])).code;
    };
    const [start, removal, run] = await Promise.all([
      bundle.oci(["start", id]),
      later(),
      bundle.oci(["exec", id, "true"]),
    ]);
    assertEquals(removal, 0);
    assertEquals([0, 1].includes(start.code), true, start.stderr);
    // Killed with the container, or too late for it, or done before.
    assertEquals([0, 137, 255].includes(run.code), true, run.stderr);
    assertEquals((await bundle.oci(["state", id])).code, 1);
    for (const group of bundle.groups()) {
      await waitFor(
        "the end of its group",
        () => Deno.lstat(group).then(() => false, () => true),
      );
    }
  }
});

test(
  "exec enters the group that the first process has moved to (cgroup v2)",
  async (workspace) => {
    await using bundle = await OciBundle.make(workspace, {
      process: {
        args: [
          "/bin/sh",
          "-ec",
          "cd /sys/fs/cgroup; mkdir init; echo 1 > init/cgroup.procs; echo +pids > cgroup.subtree_control; exec sleep 600",
        ],
      },
      mounts: [{
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev"],
      }],
      linux: {
        namespaces: ociNamespaces("mount", "pid", "ipc", "uts", "cgroup"),
      },
    });
    await bundle.start();
    const [group = ""] = bundle.groups();
    const control = `${group}/cgroup.subtree_control`;
    await waitFor(
      "the division of its group",
      async () => (await Deno.readTextFile(control)).includes("pids"),
    );
    assertEquals(
      (await bundle.exec("cat /proc/self/cgroup")).stdout,
      "0::/init\n",
    );
    const named = await bundle.exec("true", "--cgroup", "/");
    assertEquals(named.code, 255);
  },
  { needs: ["cgroup-v2"] },
);

test("a path with colons is systemd's form only where systemd makes the groups", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const path = `/${workspace.tag}/a.slice:b:c`;
  await bundle.write({ linux: { cgroupsPath: path } });
  await bundle.start();
  const { stdout } = await bundle.exec("cat /proc/1/cgroup");
  assertStringIncludes(stdout, `${path}\n`);
  const { code, stderr } = await bundle.oci(
    ["--systemd-cgroup", "create", `${bundle.id}-other`],
  );
  assertEquals(code, 1);
  await bundle.write({ linux: { cgroupsPath: "/a/b" } });
  const plain = await bundle.oci(
    ["--systemd-cgroup", "create", `${bundle.id}-other`],
  );
  assertEquals(plain.code, 1);
  assertStringIncludes(plain.stderr, "expected cgroupsPath to be of format");
  assertEquals(stderr.includes("expected cgroupsPath"), false);
});

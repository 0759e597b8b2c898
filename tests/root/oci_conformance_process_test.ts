/** Processes of containers as conformance suites of the field look at them. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";
import { ociNamespaces } from "../support/oci.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ociconformproc");

test("SIGKILL ends all processes of a container that shares the pids", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    linux: { namespaces: ociNamespaces("mount", "ipc", "uts") },
  });
  await bundle.start();
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  const more = `${bundle.dir}/pid`;
  const command = ["/bin/sleep", "600"];
  await bundle.spawn(["exec", "-d", "--pid-file", more, bundle.id, ...command]);
  // Those that are left can still be ended when the first has gone.
  Deno.kill(pid, "SIGKILL");
  await waitFor("the first to end", async () => {
    const { status } = JSON.parse(await bundle.must(["state", bundle.id]));
    return status === "stopped";
  });
  await bundle.must(["kill", bundle.id, "KILL"]);
  const other = Number(await Deno.readTextFile(more));
  await waitFor("the other to end", () => {
    try {
      return Deno.readTextFileSync(`/proc/${other}/stat`).includes(") Z ");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  });
  const { code, stderr } = await bundle.oci(["kill", bundle.id, "KILL"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "container not running");
});

test("signal 0 asks whether a container runs", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/true"] },
  });
  await bundle.must(["run", "--keep", bundle.id]);
  const { code, stderr } = await bundle.oci(["kill", bundle.id, "0"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "container not running");
  await bundle.must(["kill", "--all", bundle.id, "0"]);
});

test("a hook that fails is named with its number", async (workspace) => {
  const hook = (path: string) => ({ path });
  for (const kind of ["prestart", "createRuntime", "createContainer"]) {
    const hooks = { [kind]: [hook("/bin/true"), hook("/bin/false")] };
    await using bundle = await OciBundle.make(workspace, { rest: { hooks } });
    const { code, stderr } = await bundle.oci(["create", bundle.id]);
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `error running ${kind} hook #1: exit status 1`,
    );
    assertEquals((await bundle.oci(["state", bundle.id])).code, 1);
  }
});

test("a program without its interpreter is told as its process would", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/run.sh"] },
  });
  const script = `${bundle.rootfs}/run.sh`;
  await Deno.writeTextFile(script, "#!/nosuch\n", { mode: 0o755 });
  const { code, stdout, stderr } = await bundle.oci(["run", bundle.id]);
  assertEquals([code, stdout, stderr], [
    1,
    "",
    "exec /run.sh: no such file or directory\n",
  ]);
});

test("the working directory may be one that only the runtime can enter", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { cwd: "/secret", user: { uid: 42, gid: 42 } },
  });
  await Deno.mkdir(`${bundle.rootfs}/secret`, { mode: 0o700 });
  await Deno.chown(`${bundle.rootfs}/secret`, 42, 42);
  await bundle.start();
  const joined = await bundle.exec("pwd", "--user", "0");
  assertEquals([joined.code, joined.stderr], [0, ""]);
  assertEquals(joined.stdout, "/secret\n");
});

test("what a further process may do more is kept over its exec", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      noNewPrivileges: true,
      capabilities: {
        inheritable: ["CAP_CHOWN", "CAP_SYSLOG"],
        permitted: ["CAP_KILL", "CAP_CHOWN"],
        effective: ["CAP_KILL"],
        bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"],
        ambient: ["CAP_CHOWN"],
      },
    },
  });
  await bundle.start();
  const sets = async (...options: string[]): Promise<string> => {
    const { stdout } = await bundle.exec("cat /proc/self/status", ...options);
    return [...stdout.matchAll(/^Cap(\w+):\t0*(\w+)$/gm)]
      .map(([, name, value]) => `${name}=${value}`).join(" ");
  };
  assertEquals(
    await sets(),
    "Inh=400000001 Prm=21 Eff=21 Bnd=400000021 Amb=1",
  );
  assertEquals(
    await sets("--cap", "CAP_SYSLOG"),
    "Inh=400000001 Prm=400000021 Eff=400000021 Bnd=400000021 Amb=400000001",
  );
});

test("exec says which group a process cannot join", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const of = async (group: string): Promise<string> => {
    const { code, stderr } = await bundle.exec("true", "--cgroup", group);
    assert(code === 1 || code === 255, `status ${code}`);
    return stderr;
  };
  assertStringIncludes(await of(".."), "bad sub cgroup path");
  assertStringIncludes(await of("whaaat:/"), "unknown controller ");
  const missing = / adding pid .*\/nonexistent\/cgroup\.procs: no such file /;
  assertMatch(await of("nonexistent"), missing);
  const groups = await Deno.readTextFile("/proc/self/cgroup");
  const [, first] = /^\d+:([^:=,]+):/m.exec(groups) ?? [];
  if (first) assertMatch(await of(`${first}:nonexistent`), missing);
});

test("hidden directories are one file system, which cannot be written to", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: ["/bin/stat", "-c", "%d %a", "/one", "/two", "/three"],
    },
    linux: { maskedPaths: ["/one", "/two", "/three"] },
  });
  for (const name of ["one", "two", "three"]) {
    await Deno.mkdir(`${bundle.rootfs}/${name}`);
  }
  const lines = (await bundle.must(["run", bundle.id])).trim().split("\n");
  assertEquals(lines.length, 3);
  assertEquals(new Set(lines).size, 1);
  assert(lines[0]?.endsWith(" 555"));
});

test("/proc must be an ordinary directory", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await Deno.remove(`${bundle.rootfs}/proc`, { recursive: true });
  await Deno.symlink("/tmp", `${bundle.rootfs}/proc`);
  const { code, stderr } = await bundle.oci(["run", bundle.id]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "must be mounted on ordinary directory");
});

test("hooks that name no environment have that of the runtime, inside that of the program", async (workspace) => {
  const seen = `${workspace.dir}/${workspace.newName()}`;
  const sh = (path: string, script: string) => ({
    path,
    args: [path, "-c", script],
  });
  const note = (name: string) =>
    sh("/bin/sh", `echo ${name} $CALLER >>${seen}`);
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/true"], env: ["PATH=/bin", "ONE=two"] },
    rest: {
      hooks: {
        prestart: [note("prestart")],
        createRuntime: [{ ...note("bare"), env: ["X=1"] }],
        startContainer: [sh("/bin/sh", "test $ONE = two && test -z $CALLER")],
        poststop: [note("poststop")],
      },
    },
  });
  const env = { CALLER: "me" };
  await bundle.spawn(["create", bundle.id], { env });
  await bundle.must(["start", bundle.id], { env });
  await waitFor("the program to end", async () => {
    const { status } = JSON.parse(await bundle.must(["state", bundle.id]));
    return status === "stopped";
  });
  await bundle.must(["delete", bundle.id], { env });
  assertEquals(
    await Deno.readTextFile(seen),
    "prestart me\nbare\npoststop me\n",
  );
});

test("a hook that enters the namespaces finds the root at its host path", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/cat", "/mnt/file"] },
  });
  const target = `${bundle.rootfs}/mnt`;
  await Deno.mkdir(target, { recursive: true });
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "from the hook\n");
  const script = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); ` +
    `nsenter -m -t $pid mount --bind ${source} ${target}`;
  await bundle.write({
    process: { args: ["/bin/cat", "/mnt/file"] },
    rest: {
      hooks: {
        createRuntime: [{
          path: "/bin/sh",
          args: ["sh", "-c", script],
          env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        }],
      },
    },
  });
  assertEquals(await bundle.must(["run", bundle.id]), "from the hook\n");
  const mounts = await Deno.readTextFile("/proc/self/mountinfo");
  assert(!mounts.includes(target), "the mount is the container's alone");
});

test("--debug tells of the steps", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const log = `${bundle.dir}/debug.log`;
  const debug = ["--debug", "--log", log, "--log-format", "json"];
  await bundle.spawn([...debug, "create", bundle.id]);
  await bundle.spawn([...debug, "exec", bundle.id, "/bin/true"]);
  const lines = (await Deno.readTextFile(log)).trim().split("\n")
    .map((line) => JSON.parse(line));
  assert(lines.every(({ level }) => level === "debug"));
  const text = lines.map(({ msg }) => msg).join("\n");
  for (
    const words of [
      "nsexec container setup",
      "child process in init()",
      "init: closing the pipe to signal completion",
      "setns_init: about to exec",
    ]
  ) assertStringIncludes(text, words);
});

test("a created container can be asked to stop", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.spawn(["create", bundle.id]);
  await bundle.must(["kill", bundle.id, "TERM"]);
  await waitFor("it to stop", async () => {
    const { status } = JSON.parse(await bundle.must(["state", bundle.id]));
    return status === "stopped";
  });
  await bundle.must(["delete", bundle.id]);
});

test("the message of a hook that fails has what it said", async (workspace) => {
  const kinds = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
  ];
  const hook = (script: string) => ({
    path: "/bin/sh",
    args: ["sh", "-c", script],
    env: ["PATH=/bin:/usr/bin"],
  });
  for (const kind of kinds) {
    const hooks = {
      [kind]: [
        hook("echo well; echo well >&2"),
        hook("printf out; printf err >&2; exit 4"),
      ],
    };
    await using bundle = await OciBundle.make(workspace, {
      process: { args: ["/bin/true"] },
      rest: { hooks },
    });
    const { code, stdout, stderr } = await bundle.oci(["run", bundle.id]);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(
      stderr,
      `error running ${kind} hook #1: exit status 4, stdout: out, stderr: err`,
    );
    assert(!stderr.includes("well"), "one that goes well says nothing");
  }
});

test("of a hook that says much the message has the end", async (workspace) => {
  const script =
    `i=0; while [ $i -lt 3000 ]; do printf ab; i=$((i+1)); done; printf end; exit 1`;
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/true"] },
    rest: {
      hooks: {
        createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script] }],
      },
    },
  });
  const { stderr } = await bundle.oci(["run", bundle.id]);
  const [, said = ""] = /stdout: (.*), stderr: /.exec(stderr) ?? [];
  assertEquals(said.length, 2048 + "...".length);
  assertMatch(said, /^\.\.\.[ab]+end$/);
});

test("what a startContainer hook says before it fails is shown", async (workspace) => {
  for (const terminal of [false, true]) {
    await using bundle = await OciBundle.make(workspace, {
      process: { terminal, args: ["/bin/echo", "not run"] },
      rest: {
        hooks: {
          startContainer: [{
            path: "/bin/sh",
            args: ["sh", "-c", "echo said $((40 + 2)); exit 3"],
          }],
        },
      },
    });
    const { code, stdout, stderr } = await bundle.oci(["run", bundle.id]);
    assertEquals([code, stdout], [1, ""]);
    const words = "startContainer hook #0: exit status 3, stdout: said 42";
    assertStringIncludes(stderr, words);
    // At a terminal of the caller, which the container gets pipes or a pty for.
    const program =
      `${Deno.execPath()} run -A ${REPOSITORY}/oci.ts --root ${workspace.stateRoot} run ${bundle.id}`;
    const shown = await runProgram(["script", "-qec", program, "/dev/null"], {
      cwd: bundle.dir,
    });
    assertMatch(shown.stdout, /startContainer hook #0.*said 42/);
  }
});

/** What containers and other users could try against the OCI command line. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  mustRun,
  REPOSITORY,
  runProgram,
  type RunResult,
} from "../support/nsinit.ts";
import { ociNamespaces } from "../support/oci.ts";
import { OciBundle } from "../support/oci_program.ts";
import { OrdinaryUser } from "../support/ordinary_user.ts";

const test = containerTests("secoci");

/** Runs a shell script in which `$OCI` is the program. */
async function shell(
  workspace: Workspace,
  bundle: OciBundle,
  script: string,
  prefix: readonly string[] = [],
): Promise<RunResult> {
  const program =
    `${Deno.execPath()} run -A --no-check --no-lock ${REPOSITORY}/oci.ts --root ${workspace.stateRoot}`;
  return await runProgram(["sh", "-c", script], {
    cwd: bundle.dir,
    env: { OCI: program, ID: bundle.id },
    timeoutMs: 60_000,
    prefix,
  });
}

async function pidOf(bundle: OciBundle): Promise<number> {
  return JSON.parse(await bundle.must(["state", bundle.id])).pid;
}

test("a program that is /proc/self/exe runs nothing of the host (CVE-2019-5736)", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const script = `${bundle.rootfs}/bin/self`;
  await Deno.writeTextFile(script, "#!/proc/self/exe\n");
  await Deno.chmod(script, 0o755);
  await Deno.symlink("/proc/self/exe", `${bundle.rootfs}/bin/self-link`);
  const before = await mustRun(["sha256sum", Deno.execPath()]);
  await bundle.start();
  for (const program of ["/bin/self", "/bin/self-link"]) {
    const joined = await bundle.oci(["exec", bundle.id, program, "eval", "1"]);
    assert([124, 126, 127, 255].includes(joined.code), `${joined.code}`);
    assertEquals(joined.stdout, "");
    await using other = await OciBundle.make(workspace, {
      process: { args: [program, "eval", "1"] },
      rest: { root: { path: bundle.rootfs } },
    });
    const run = await other.oci(["run", other.id]);
    assert([1, 124, 126, 127].includes(run.code), `${run.code}`);
    assertEquals(run.stdout, "");
  }
  assertEquals(await mustRun(["sha256sum", Deno.execPath()]), before);
});

test("what waits for start is the helper: nothing of the host is behind it (CVE-2019-5736)", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.spawn(["create", bundle.id]);
  const pid = await pidOf(bundle);
  assertMatch(await Deno.readLink(`/proc/${pid}/exe`), /^\/memfd:/);
  const links: string[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    links.push(await Deno.readLink(`/proc/${pid}/fd/${name}`));
  }
  const foreign = links.filter((link) =>
    link !== "/dev/null" && !link.startsWith("socket:") &&
    link !== "anon_inode:[signalfd]"
  );
  assertEquals(foreign, []);
  // Neither its memory nor its descriptors are for those who are inside before it.
  const look = await bundle.exec(
    "ls /proc/1/cwd/ 2>/dev/null; cat /proc/1/environ /proc/1/mem 2>/dev/null; readlink /proc/1/exe /proc/1/fd/*; true",
  );
  assertEquals([look.code, look.stdout], [0, ""]);
  await bundle.must(["start", bundle.id]);
});

test("no directory of the host is the working directory (CVE-2024-21626)", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  for (let fd = 3; fd < 12; fd++) {
    const cwd = `/proc/self/fd/${fd}`;
    const leaks = "exec 7</ 8</etc 9<.;";
    const joined = await shell(
      workspace,
      bundle,
      `${leaks} $OCI exec --cwd ${cwd} $ID ls ..`,
    );
    assertNotEquals(joined.code, 0);
    assertEquals(joined.stdout, "");
    await using other = await OciBundle.make(workspace, {
      process: { args: ["/bin/ls", ".."], cwd },
    });
    const run = await shell(workspace, other, `${leaks} $OCI run $ID`);
    assertNotEquals(run.code, 0);
    assertEquals(run.stdout, "");
  }
});

test("a capability of exec is not inheritable (CVE-2022-29162)", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const { code, stdout } = await bundle.exec(
    "grep -E 'Cap(Inh|Eff)' /proc/self/status",
    ...["--cap", "CAP_KILL"],
  );
  assertEquals(code, 0);
  assertMatch(stdout, /CapInh:\t0+\n/);
  assertMatch(stdout, /CapEff:\t0+20\n/);
});

test("the socket that a container waits at is for its owner alone", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.spawn(["create", bundle.id]);
  const dir = `${workspace.stateRoot}/${bundle.id}`;
  const modes = await Promise.all(
    [workspace.stateRoot, dir, `${dir}/start.sock`, `${dir}/state.json`].map(
      async (path) => ((await Deno.lstat(path)).mode ?? 0) & 0o777,
    ),
  );
  assertEquals(modes, [0o700, 0o700, 0o600, 0o600]);
  const inside = await bundle.exec("find / -xdev -name start.sock");
  assertEquals(inside.stdout, "");
});

test("a link of another user's in place of the log is not followed", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const dir = await workspace.newDirectory();
  await Deno.chmod(dir, 0o1777);
  const victim = `${await workspace.newDirectory()}/victim`;
  await Deno.writeTextFile(victim, "precious");
  const planted = ["setpriv", "--reuid=61234", "--clear-groups", "ln", "-s"];
  await mustRun([...planted, victim, `${dir}/log`]);
  const { code, stderr } = await bundle.oci(
    ["--log", `${dir}/log`, "state", bundle.id],
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "link of another user");
  assertEquals(await Deno.readTextFile(victim), "precious");
});

test("a state root of another user's is refused", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const dir = await workspace.newDirectory();
  await Deno.chown(dir, 61234, 61234);
  const { code, stderr } = await bundle.oci(
    ["--root", dir, "create", bundle.id],
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "belongs to user 61234");
  assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
});

test("a terminal that is handed on is not the program's to command (CVE-2016-10124)", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: ["/bin/sh", "-c", "cut -d' ' -f7 /proc/self/stat > /out"],
    },
  });
  const inPty = ["python3", "-c", "import pty, sys; pty.spawn(sys.argv[1:])"];
  const { code } = await shell(
    workspace,
    bundle,
    "$OCI create $ID && $OCI start $ID",
    inPty,
  );
  assertEquals(code, 0);
  const out = `${bundle.rootfs}/out`;
  await mustRun(["sh", "-c", `until [ -s ${out} ]; do sleep 0.05; done`]);
  // TIOCSTI is for the controlling terminal; none is.
  assertEquals(await Deno.readTextFile(out), "0\n");
});

test("an ordinary user's containers live and die without a right of root's", async (workspace) => {
  const user = await OrdinaryUser.create(workspace);
  const use = { cwd: user.home };
  const spec = await user.oci(["spec", "--rootless"], use);
  assertEquals(spec, { ...spec, code: 0, stderr: "" });
  const path = `${user.home}/config.json`;
  const config = JSON.parse(await Deno.readTextFile(path));
  config.process.terminal = false;
  config.process.args = ["sleep", "600"];
  await Deno.writeTextFile(path, JSON.stringify(config));
  const id = workspace.newName();
  const script = 'exec "$@" > created 2>&1';
  const created = await user.oci(["create", id], {
    ...use,
    prefix: ["sh", "-c", script, "sh"],
  });
  const said = await Deno.readTextFile(`${user.home}/created`);
  assertEquals([created.code, said], [0, ""]);
  const expected = [
    [["start", id], 0],
    [["exec", id, "id", "-u"], 0],
    [["kill", id, "KILL"], 0],
    [["delete", "--force", id], 0],
    [["state", id], 1],
  ] as const;
  for (const [args, code] of expected) {
    const { code: got, stderr } = await user.oci(args, use);
    assertEquals({ args, code: got }, { args, code }, stderr);
  }
  const mode = (await Deno.lstat(`${user.home}/run/nsinit-oci`)).mode ?? 0;
  assertEquals(mode & 0o777, 0o700);
});

test("without pivot_root too no unmasked procfs can be had, however many the host has", async (workspace) => {
  const attempt =
    "unshare -Urmpf mount -t proc proc /proc && echo had it; cat /proc/self/mountinfo";
  const run = async (masks: readonly string[]) => {
    await using bundle = await OciBundle.make(workspace, {
      process: {
        args: ["/bin/sh", "-c", attempt],
        user: { uid: 1000, gid: 1000 },
      },
      linux: { readonlyPaths: masks },
    });
    return await shell(
      workspace,
      bundle,
      `mkdir -p plain below/deep && mount -t proc other plain &&
      mount -t sysfs other below/deep && mount -t proc other below/deep &&
      mount -t tmpfs cover below && $OCI run --no-pivot $ID`,
      ["unshare", "--mount", "--propagation", "private"],
    );
  };
  // What shows that it is the masks that are kept.
  const open = await run([]);
  assertStringIncludes(open.stdout, "had it", open.stderr);
  const masked = await run(["/proc/sys"]);
  assertEquals(masked.code, 0, masked.stderr);
  assert(!masked.stdout.includes("had it"), masked.stdout);
  assertMatch(masked.stderr, /mount.*(not permitted|denied)/i);
  // Nothing of the host is left there, where nothing is locked.
  assertEquals(masked.stdout.match(/ - (proc|sysfs) /g)?.length, 3);
});

test("in a user namespace, where the host's mounts are locked, a whole procfs is covered or refused", async (workspace) => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const run = async (masks: readonly string[], more = "") => {
    await using bundle = await OciBundle.make(workspace, {
      process: {
        args: [
          "/bin/sh",
          "-c",
          "unshare -Urmpf mount -t proc proc /proc && echo had it; true",
        ],
        user: { uid: 1000, gid: 1000 },
      },
      linux: {
        namespaces: ociNamespaces(
          ...["mount", "pid", "network", "ipc", "uts", "user"],
        ),
        uidMappings: ids,
        gidMappings: ids,
        readonlyPaths: masks,
      },
    });
    return await shell(
      workspace,
      bundle,
      `mkdir -p plain below/deep && mount -t proc other plain &&
      mount -t proc other below/deep ${more} && $OCI run --no-pivot $ID`,
      ["unshare", "--mount", "--propagation", "private"],
    );
  };
  const open = await run([]);
  assertStringIncludes(open.stdout, "had it", open.stderr);
  const masked = await run(["/proc/sys"]);
  assertEquals([masked.code, masked.stdout], [0, ""], masked.stderr);
  assertMatch(masked.stderr, /mount.*(not permitted|denied)/i);
  const hidden = await run([], "&& mount -t tmpfs cover below");
  assertEquals([hidden.code, hidden.stdout], [1, ""]);
  assertStringIncludes(hidden.stderr, "a procfs or sysfs of the host lies out");
});

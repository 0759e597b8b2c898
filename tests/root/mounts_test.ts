/** Mounts, devices and the root of containers, read back from the kernel. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  BIND,
  BIND_READONLY,
  type ConfigJson,
  containerTests,
  DEFAULT_DEVICES,
  device,
  mount,
  SYSTEM_MOUNTS,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { mustRun, SHARED_MOUNTS } from "../support/nsinit.ts";
import {
  fileExists,
  type MountLine,
  parseMounts,
} from "../support/process_status.ts";
import { makeTestRootfs, writeProgram } from "../support/rootfs.ts";

const test = containerTests("mounts");

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_PRIVATE = 0x40000;

/** A container with the system mounts and further ones. */
function withMounts(
  workspace: Workspace,
  mounts: readonly ConfigJson[],
  changes: ConfigJson = {},
): Promise<TestContainer> {
  return workspace.container({
    mounts: [...SYSTEM_MOUNTS, ...mounts],
    ...changes,
  });
}

async function mountsOf(container: TestContainer): Promise<MountLine[]> {
  return parseMounts(await container.output("cat /proc/self/mountinfo"));
}

/** The mount that is on top at a point. */
function at(mounts: readonly MountLine[], point: string): MountLine {
  const found = mounts.filter((line) => line.point === point).at(-1);
  if (!found) throw new Error(`nothing is mounted at ${point}`);
  return found;
}

function hasOptions(line: MountLine, ...wanted: readonly string[]): boolean {
  return wanted.every((option) => line.options.includes(option));
}

/** A directory of the host with a file and a directory in it. */
async function newSource(workspace: Workspace): Promise<string> {
  const dir = await workspace.newDirectory();
  await Deno.writeTextFile(`${dir}/file`, "of the host\n");
  await Deno.mkdir(`${dir}/inner`);
  return dir;
}

/** Removes the targets that a test's mounts left in the shared root. */
async function removeTargets(
  workspace: Workspace,
  ...names: readonly string[]
): Promise<void> {
  for (const name of names) {
    await Deno.remove(`${workspace.rootfs}/${name}`, { recursive: true });
  }
}

test("the system mounts are as the template says", async (workspace) => {
  const mounts = await mountsOf(await workspace.container());
  const wanted: [string, string, readonly string[]][] = [
    ["/proc", "proc", ["nosuid", "nodev", "noexec", "rw"]],
    ["/dev", "tmpfs", ["nosuid", "rw"]],
    ["/dev/pts", "devpts", ["nosuid", "noexec"]],
    ["/dev/shm", "tmpfs", ["nosuid", "nodev", "noexec"]],
    ["/dev/mqueue", "mqueue", ["nosuid", "nodev", "noexec"]],
    ["/sys", "sysfs", ["nosuid", "nodev", "noexec", "ro"]],
  ];
  for (const [point, type, options] of wanted) {
    const line = at(mounts, point);
    assertEquals([point, line.type], [point, type]);
    assert(hasOptions(line, ...options), `${point}: ${line.options}`);
  }
  const pts = at(mounts, "/dev/pts").superOptions;
  for (const option of ["gid=5", "mode=620", "ptmxmode=666"]) {
    assert(pts.includes(option), `${option} of ${pts}`);
  }
  assert(at(mounts, "/dev").superOptions.includes("mode=755"));
  assert(at(mounts, "/dev/shm").superOptions.includes("size=65536k"));
  assert(!mounts.some(({ point }) => point.includes("old")), "the old root");
});

test("nothing of the host's mounts is left inside", async (workspace) => {
  const mounts = await mountsOf(await workspace.container());
  const points = mounts.map(({ point }) => point).sort();
  const wanted = [
    "/",
    "/dev",
    "/dev/mqueue",
    "/dev/pts",
    "/dev/shm",
    "/proc",
    "/proc/sys",
    "/sys",
    // Some kernels do not have these.
    ...["/proc/kcore", "/proc/sysrq-trigger"].filter(fileExists),
  ];
  assertEquals(points, wanted.sort());
});

test("a bind shows a directory of the host and can be written", async (workspace) => {
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("bind", source, "/data", BIND),
  ]);
  assertEquals(
    await container.output("cat /data/file; echo new > /data/made"),
    "of the host\n",
  );
  assertEquals(await Deno.readTextFile(`${source}/made`), "new\n");
  await removeTargets(workspace, "data");
});

test("a bind of a file makes a file as its target", async (workspace) => {
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("bind", `${source}/file`, "/conf/of/mine", BIND_READONLY),
  ]);
  assertEquals(await container.output("cat /conf/of/mine"), "of the host\n");
  await removeTargets(workspace, "conf");
});

test("a read-only bind is read-only, with the mounts below it", async (workspace) => {
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("bind", source, "/data", BIND_READONLY),
  ], { capabilities: ["DAC_OVERRIDE", "SYS_ADMIN"] });
  const script =
    "for f in /data/file /data/inner/new /data/inner/deep/new; do " +
    "echo x 2>&1 > $f; done 2>&1; ls /data/inner/deep; " +
    "mount -o remount,bind,rw /data 2>/dev/null; grep -c ' /data' /proc/mounts";
  const { stdout } = await container.sh(script, {
    prefix: [
      "unshare",
      "--mount",
      "bash",
      "-c",
      `mkdir ${source}/inner/deep && mount -t tmpfs deep ${source}/inner/deep &&` +
      ` touch ${source}/inner/deep/there && exec "$@"`,
      "bash",
    ],
  });
  const refusals = stdout.split("\n").filter((line) =>
    line.includes("Read-only file system")
  );
  assertEquals(refusals.length, 3, stdout);
  assertStringIncludes(stdout, "there\n2\n");
  await removeTargets(workspace, "data");
});

test("a bind takes nosuid, nodev and noexec without being read-only", async (workspace) => {
  const source = await newSource(workspace);
  await writeProgram(`${source}/program`, "#!/bin/sh\necho ran\n");
  const container = await withMounts(workspace, [
    mount("bind", source, "/data", BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC),
  ]);
  const line = at(await mountsOf(container), "/data");
  assert(
    hasOptions(line, "nosuid", "nodev", "noexec", "rw"),
    `${line.options}`,
  );
  assertEquals((await container.exec(["/data/program"])).code, 126);
  await removeTargets(workspace, "data");
});

test("a mount is private when its flags say so", async (workspace) => {
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("bind", source, "/slave", BIND),
    mount("bind", source, "/private", BIND | MS_PRIVATE),
  ]);
  const output = await container.output("cat /proc/self/mountinfo", {
    prefix: SHARED_MOUNTS,
  });
  const mounts = parseMounts(output);
  assertEquals(at(mounts, "/private").tags, []);
  await removeTargets(workspace, "slave", "private");
});

test("a missing source is refused", async (workspace) => {
  const container = await withMounts(workspace, [
    mount("bind", `${workspace.dir}/missing`, "/data", BIND),
  ]);
  const { code, stderr } = await container.sh("true");
  assertEquals(code, 125);
  assertStringIncludes(stderr, `${workspace.dir}/missing`);
});

test("a tmpfs has its size and mode, and covers what was there", async (workspace) => {
  const container = await withMounts(workspace, [
    mount("tmpfs", "scratch", "/home", 14, "size=1m,mode=1700"),
    mount("tmpfs", "tmpfs", "/tmp", 14),
  ]);
  const output = await container.output(
    "ls /home | wc -l; stat -c %a /home; stat -c %a /tmp; " +
      "head -c 2097152 /dev/zero > /home/big 2>/dev/null || echo full",
  );
  // Without a mode of its own a tmpfs takes the one of the directory it covers.
  assertEquals(output, "0\n1700\n1777\nfull\n");
});

test("the configuration's order of mounts is kept", async (workspace) => {
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("tmpfs", "outer", "/mnt", 14),
    mount("bind", source, "/mnt/data", BIND_READONLY),
    mount("tmpfs", "last", "/mnt/data/inner", 14),
  ]);
  const points = (await mountsOf(container)).map(({ point }) => point)
    .filter((point) => point.startsWith("/mnt")).sort();
  assertEquals(points, ["/mnt", "/mnt/data", "/mnt/data/inner"]);
  assertEquals(await container.output("ls /mnt/data"), "file\ninner\n");
  await removeTargets(workspace, "mnt");
});

test(
  "a cgroup mount shows the container's groups, read-only",
  async (workspace) => {
    const container = await withMounts(workspace, [
      mount("cgroup", "cgroup", "/sys/fs/cgroup", 15),
    ]);
    const output = await container.output(
      "cat /proc/self/mountinfo; ls /sys/fs/cgroup; cat /sys/fs/cgroup/pids/tasks | wc -l; " +
        "mkdir /sys/fs/cgroup/pids/mine 2>&1 || true",
    );
    const groups = parseMounts(output).filter(({ type }) =>
      type.startsWith("cgroup")
    );
    assert(groups.length > 0, output);
    for (const line of groups) {
      assert(hasOptions(line, "ro", "nosuid", "nodev", "noexec"), line.point);
    }
    assertStringIncludes(output, "memory");
    assertStringIncludes(output, "Read-only file system");
  },
  { needs: ["cgroup-v1"] },
);

test("masked paths are hidden: files are empty, directories too", async (workspace) => {
  const container = await workspace.container({
    mask_paths: ["/proc/sys", "/etc/hosts", "/nowhere", "/home"],
  });
  const output = await container.output(
    "wc -c < /etc/hosts; ls /home | wc -w; ls /proc/sys | wc -w; " +
      "echo x > /etc/hosts; wc -c < /etc/hosts; (touch /home/x) 2>&1 || true",
  );
  assertMatch(output, /^0\n0\n0\n0\n.*Read-only file system\n$/);
});

test("read-only paths cannot be written", async (workspace) => {
  const container = await workspace.container({
    readonly_paths: ["/proc/sys", "/etc", "/etc/hosts", "/nowhere"],
  });
  const { stdout } = await container.sh(
    "for f in /proc/sys/kernel/domainname /etc/new /etc/hosts; do " +
      "(echo x > $f) 2>&1; done; echo ok > /home/ok && rm /home/ok && echo fine",
  );
  const refusals = stdout.split("\n").filter((line) =>
    line.includes("Read-only file system")
  );
  assertEquals(refusals.length, 3, stdout);
  assertStringIncludes(stdout, "fine");
});

test("a read-only root cannot be written, its tmpfs mounts can", async (workspace) => {
  const container = await withMounts(workspace, [
    mount("tmpfs", "tmpfs", "/tmp", 14),
  ], { readonlyfs: true });
  const { code, stdout } = await container.sh(
    "(touch /new) 2>&1; (touch /etc/new) 2>&1; touch /tmp/new /dev/shm/new && echo fine",
  );
  assertEquals(code, 0);
  const refusals = stdout.split("\n").filter((line) =>
    line.includes("Read-only file system")
  );
  assertEquals(refusals.length, 2, stdout);
  assertStringIncludes(stdout, "fine");
});

test("--read-only, --bind and --tmpfs change any configuration", async (workspace) => {
  const source = await newSource(workspace);
  const container = await workspace.container();
  const { stdout } = await container.exec([
    "--read-only",
    "--bind",
    `${source}:/home/user:ro`,
    "--tmpfs=/run",
    "/bin/sh",
    "-c",
    "cat /home/user/file; (touch /home/user/x) 2>&1; (touch /x) 2>&1; touch /run/x && echo fine",
  ]);
  assertStringIncludes(stdout, "of the host\n");
  assertEquals(stdout.match(/Read-only file system/g)?.length, 2, stdout);
  assertStringIncludes(stdout, "fine");
});

test("no_pivot_root gives the same root", async (workspace) => {
  const container = await workspace.container({ no_pivot_root: true });
  const output = await container.output(
    "pwd; ls / | tr '\\n' ' '; cat /proc/self/mountinfo | grep -c ' / / ';" +
      "hostname; ls /.. | tr '\\n' ' '",
  );
  const plain = await workspace.container();
  const usual = await plain.output("pwd; ls / | tr '\\n' ' '");
  assert(output.startsWith(usual), output);
  assertStringIncludes(output, "testing");
});

test("commands around a mount run in order, in the container's namespaces", async (workspace) => {
  const source = await newSource(workspace);
  const log = `${source}/log`;
  const step = (text: string): ConfigJson => ({
    path: "/bin/sh",
    args: ["-c", `echo ${text} $(readlink /proc/self/ns/mnt) >> ${log}`],
    env: ["PATH=/bin:/usr/bin"],
    dir: "/",
  });
  const container = await withMounts(workspace, [{
    ...mount("bind", source, "/data", BIND),
    premount_cmds: [step("first"), step("second")],
    postmount_cmds: [step("third")],
  }]);
  const inside = await container.output("readlink /proc/self/ns/mnt");
  const written = (await Deno.readTextFile(log)).trim().split("\n");
  assertEquals(written.map((line) => line.split(" ")[0]), [
    "first",
    "second",
    "third",
  ]);
  assert(inside.startsWith("mnt:["));
  const own = await Deno.readLink("/proc/self/ns/mnt");
  assert(written.every((line) => line.split(" ")[1] !== own));
  await removeTargets(workspace, "data");
});

test("a command around a mount that fails ends the start", async (workspace) => {
  const source = await newSource(workspace);
  const failing = { path: "/bin/false", args: [], env: [], dir: "" };
  const container = await withMounts(workspace, [{
    ...mount("bind", source, "/data", BIND),
    premount_cmds: [failing],
  }]);
  const { code, stderr } = await container.sh("true");
  assertEquals(code, 125);
  assertStringIncludes(stderr, "/bin/false");
});

test("device nodes have their numbers, modes and owners", async (workspace) => {
  const container = await workspace.container({
    devices: [
      ...DEFAULT_DEVICES,
      { ...device("/dev/fuse", 10, 229), file_mode: 0o640, uid: 1, gid: 29 },
      { ...device("/dev/sub/pipe", 0, 0, "p"), file_mode: 0o600 },
      { ...device("/dev/disk", 7, 3, "b"), file_mode: 0o660, gid: 46 },
    ],
  });
  const names = "null zero full tty urandom random fuse sub/pipe disk";
  const output = await container.output(
    `cd /dev; stat -c '%n %F %t:%T %a %u:%g' ${names}`,
  );
  assertEquals(output.trim().split("\n"), [
    "null character special file 1:3 666 0:0",
    "zero character special file 1:5 666 0:0",
    "full character special file 1:7 666 0:0",
    "tty character special file 5:0 666 0:0",
    "urandom character special file 1:9 666 0:0",
    "random character special file 1:8 666 0:0",
    "fuse character special file a:e5 640 1:29",
    "sub/pipe fifo 0:0 600 0:0",
    "disk block special file 7:3 660 0:46",
  ]);
});

test("the default devices work", async (workspace) => {
  const container = await workspace.container();
  const output = await container.output(
    "echo x > /dev/null; wc -c < /dev/null; head -c 8 /dev/zero | tr '\\0' z; " +
      "echo; head -c 8 /dev/urandom | wc -c; (echo x > /dev/full) 2>&1 | grep -c 'No space'",
  );
  assertEquals(output, "0\nzzzzzzzz\n8\n1\n");
});

test("links of /dev lead into procfs and devpts", async (workspace) => {
  const container = await workspace.container();
  const output = await container.output(
    "cd /dev; for l in fd stdin stdout stderr core ptmx; do echo $l $(readlink $l); done",
  );
  const links = Object.fromEntries(
    output.trim().split("\n").map((line) => line.split(" ")),
  );
  assertEquals(links["fd"], "/proc/self/fd");
  assertEquals(links["stdin"], "/proc/self/fd/0");
  assertEquals(links["stdout"], "/proc/self/fd/1");
  assertEquals(links["stderr"], "/proc/self/fd/2");
  assertEquals(links["ptmx"], "pts/ptmx");
});

test("nodes already in a root without a /dev mount are kept when they are the same", async (workspace) => {
  const rootfs = `${await workspace.newDirectory()}/rootfs`;
  await makeTestRootfs(rootfs);
  await mustRun(["mknod", `${rootfs}/dev/null`, "c", "1", "3"]);
  const changes = {
    rootfs,
    mounts: [SYSTEM_MOUNTS[0]],
    devices: [device("/dev/null", 1, 3), device("/dev/zero", 1, 5)],
  };
  const container = await workspace.container(changes);
  assertEquals(
    await container.output("ls /dev | wc -l; wc -c < /dev/null"),
    await container.output("ls /dev | wc -l; wc -c < /dev/null"),
  );
  // Another device under the name is no default node.
  await Deno.remove(`${rootfs}/dev/null`);
  await mustRun(["mknod", `${rootfs}/dev/null`, "c", "1", "1"]);
  const refused = await container.sh("true");
  assertEquals(refused.code, 125);
  assertStringIncludes(refused.stderr, "/dev/null");
});

test("targets through links of the root stay in the root", async (workspace) => {
  const rootfs = `${await workspace.newDirectory()}/rootfs`;
  await makeTestRootfs(rootfs);
  const canary = await newSource(workspace);
  await Deno.symlink(canary, `${rootfs}/absolute`);
  await Deno.symlink("../../../../../../../..", `${rootfs}/up`);
  const source = await newSource(workspace);
  const container = await withMounts(workspace, [
    mount("bind", source, "/absolute/here", BIND),
    mount("tmpfs", "tmpfs", `/up${canary}/there`, 14),
  ], { rootfs });
  assertEquals(
    await container.output("cat /absolute/here/file"),
    "of the host\n",
  );
  const names = [...await Array.fromAsync(Deno.readDir(canary))]
    .map(({ name }) => name).sort();
  assertEquals(names, ["file", "inner"]);
});

for (const name of ["proc", "sys", "dev"]) {
  test(`a root whose /${name} is a link is refused`, async (workspace) => {
    const rootfs = `${await workspace.newDirectory()}/rootfs`;
    await makeTestRootfs(rootfs);
    const canary = await workspace.newDirectory();
    await Deno.remove(`${rootfs}/${name}`, { recursive: true });
    await Deno.symlink(canary, `${rootfs}/${name}`);
    const container = await workspace.container({ rootfs });
    const { code, stderr } = await container.sh("true");
    assertEquals(code, 125);
    assertStringIncludes(stderr, `/${name}`);
    assertEquals((await Array.fromAsync(Deno.readDir(canary))).length, 0);
  });
}

test("a root that is read-only on the host works when it needs no new files", async (workspace) => {
  const container = await workspace.container({ readonlyfs: true });
  const { code, stdout } = await container.sh("echo fine", {
    prefix: [
      "unshare",
      "--mount",
      "bash",
      "-c",
      `mount --bind ${workspace.rootfs} ${workspace.rootfs} && ` +
      `mount -o remount,bind,ro ${workspace.rootfs} && exec "$@"`,
      "bash",
    ],
  });
  assertEquals([code, stdout], [0, "fine\n"]);
});

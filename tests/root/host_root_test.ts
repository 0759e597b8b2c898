/** Host roots: the host's own programs, with everything else private. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { hostRootConfig } from "../../lib/config/host_root.ts";
import { deriveId } from "../../lib/container/identity.ts";
import {
  containerTests,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { InProcess, runInProcess } from "../support/in_process.ts";
import { nsinit, type RunOptions } from "../support/nsinit.ts";
import { OrdinaryUser } from "../support/ordinary_user.ts";

const test = containerTests("hostroot");

/** A container's directory without anything in it. */
async function emptyPlace(workspace: Workspace): Promise<TestContainer> {
  return await workspace.containerIn(await workspace.newDirectory(), undefined);
}

/** Runs a script with a host root, which must succeed; gives its output. */
async function output(
  container: TestContainer,
  script: string,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<string> {
  const args = ["--host-root", ...flags, "/bin/sh", "-c", script];
  const { code, stdout, stderr } = await container.exec(args, options);
  assertEquals([code, stderr], [0, ""], script);
  return stdout;
}

async function hasProgram(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

test("the host's programs run without any root file system", async (workspace) => {
  const container = await emptyPlace(workspace);
  const source = "int main(void) { return __builtin_popcount(255) - 8; }";
  const programs: [string, string, string][] = [
    ["/bin/bash", "/bin/bash -c 'echo $((6 * 7))'", "42\n"],
    ["/usr/bin/perl", `/usr/bin/perl -e 'print 6 * 7, "\\n"'`, "42\n"],
    ["/usr/bin/python3", "/usr/bin/python3 -c 'print(6 * 7)'", "42\n"],
    [
      "/usr/bin/cc",
      `echo '${source}' > a.c && /usr/bin/cc a.c && ./a.out && echo 42`,
      "42\n",
    ],
    ["/usr/bin/curl", "curl -s file:///etc/hostname", "sandbox\n"],
    ["/usr/bin/sort", "printf '2\\n1\\n' | sort | tr '\\n' ' '", "1 2 "],
  ];
  for (const [path, script, wanted] of programs) {
    if (!await hasProgram(path)) continue;
    assertEquals(await output(container, script), wanted, path);
  }
});

test("deno runs where its directory is shown", async (workspace) => {
  const container = await emptyPlace(workspace);
  const deno = await Deno.realPath(Deno.execPath());
  const dir = deno.slice(0, deno.lastIndexOf("/"));
  const script = `console.log(Deno.uid(), await new Blob(["a"]).text())`;
  const { code, stdout, stderr } = await container.exec([
    ...["--host-root", "--host-path", dir],
    ...[deno, "eval", script],
  ]);
  assertEquals([code, stdout], [0, "65534 a\n"], stderr);
});

test("a program is nobody, at home in a directory of its own", async (workspace) => {
  const container = await emptyPlace(workspace);
  const seen = await output(
    container,
    "id -un; id -gn; id -G; pwd; echo $HOME; umask; touch x /tmp/x /var/tmp/x;" +
      " stat -c '%a %U %n' . /tmp /var/tmp /root; hostname; hostname -i",
  );
  assertEquals(
    seen,
    "nobody\nnogroup\n65534\n/home/nobody\n/home/nobody\n0022\n" +
      "700 nobody .\n1777 root /tmp\n1777 root /var/tmp\n700 root /root\n" +
      "sandbox\n127.0.1.1\n",
  );
});

test("a user that is asked for has a home as well", async (workspace) => {
  const container = await emptyPlace(workspace);
  const script = "id; pwd; echo $HOME; touch x && stat -c %u:%g x";
  assertEquals(
    await output(container, script, ["--user", "1234"]),
    "uid=1234(user) gid=1234(user) groups=1234(user)\n" +
      "/home/user\n/home/user\n1234:1234\n",
  );
  assertMatch(
    await output(container, script, ["--user", "root"]),
    /^uid=0\(root\) .*\n\/root\n\/root\n0:0\n$/,
  );
  const { code, stderr } = await container.exec([
    ...["--host-root", "--user", "daemon", "/bin/true"],
  ]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "no matching entries in passwd");
});

test("the size limits all that can be written together", async (workspace) => {
  const container = await emptyPlace(workspace);
  const { stdout, stderr } = await container.exec([
    "--host-root=4m",
    "/bin/bash",
    "-c",
    "cd /tmp; for dir in /tmp /var/tmp $HOME; do" +
    " dd if=/dev/zero of=$dir/big bs=64k count=50; done;" +
    " cat /tmp/big /var/tmp/big $HOME/big | wc -c; rm $HOME/big;" +
    " for i in $(seq 2000); do mkdir $i || break; done; ls | wc -l",
  ]);
  assertStringIncludes(stderr, "No space left on device");
  const [bytes, names] = stdout.trim().split("\n").map(Number);
  assert(bytes && bytes <= 4 << 20 && bytes > 3 << 20, stdout);
  assert(names && names < 1024 && names > 900, stdout);
});

test("what a program has written is gone for the next", async (workspace) => {
  const container = await emptyPlace(workspace);
  await output(container, "touch x /tmp/x /var/tmp/x /dev/shm/x");
  const seen = await output(
    container,
    "ls -A . /tmp /var/tmp /dev/shm /run /root 2>/dev/null; true",
  );
  assertEquals(seen, ".:\n\n/dev/shm:\n\n/run:\n\n/tmp:\n\n/var/tmp:\n");
});

test("a second command joins, as the same nobody", async (workspace) => {
  const container = await emptyPlace(workspace);
  await using _running = await container.hold({ flags: ["--host-root"] });

  await output(container, "echo hello > /tmp/x; echo home > y");
  assertEquals(
    await output(
      container,
      "pwd; id -u; cat /tmp/x ~/y; ls /proc | grep -c ^1$",
    ),
    "/home/nobody\n65534\nhello\nhome\n1\n",
  );
  const status = await output(
    container,
    "grep -E '^(NoNewPrivs|Seccomp|CapBnd|CapEff):' /proc/self/status",
  );
  assertEquals(
    status.replaceAll(/\s+/g, " "),
    "CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 " +
      "Seccomp: 2 ",
  );
});

test("a host root is another container than that of the directory", async (workspace) => {
  const container = await workspace.container();
  await using _plain = await container.hold();
  await using _sandbox = await container.hold({ flags: ["--host-root"] });

  assertEquals(
    await container.output("hostname"),
    "testing\n",
  );
  assertEquals(await output(container, "hostname"), "sandbox\n");
  const { stdout } = await workspace.nsinit(["list"]);
  assertStringIncludes(stdout, await container.id());
  assertStringIncludes(stdout, await deriveId(container.dir, "host root"));
});

test("any directory will do, and nothing is written there", async (workspace) => {
  const closed = await workspace.newDirectory();
  await Deno.writeTextFile(`${closed}/container.json`, "not even JSON");
  await Deno.mkdir(`${closed}/state.json`);
  for (const [cwd, id] of [["/", "a"], ["/proc", "b"], [closed, "c"]]) {
    const { code, stdout, stderr } = await nsinit([
      ...["--root", workspace.stateRoot, "exec", "--host-root"],
      ...["--id", `${workspace.newName()}-${id}`, "/bin/sh", "-c", "pwd"],
    ], { cwd: cwd ?? "/" });
    assertEquals([code, stdout], [0, "/home/nobody\n"], stderr);
  }
  const names = await Array.fromAsync(Deno.readDir(closed));
  assertEquals(names.map(({ name }) => name).sort(), [
    "container.json",
    "state.json",
  ]);
});

test("further paths of the host are shown where they are", async (workspace) => {
  const container = await emptyPlace(workspace);
  await Deno.mkdir(`${container.dir}/code`);
  await Deno.writeTextFile(`${container.dir}/code/main.sh`, "echo ran $PWD\n");
  await Deno.symlink("code", `${container.dir}/link`);
  const volume = await workspace.newDirectory();
  await Deno.chmod(volume, 0o777);

  const seen = await output(
    container,
    `sh main.sh; cat ${container.dir}/link/main.sh; echo out > /out/x;` +
      ` ls ${container.dir}; touch new 2>/dev/null || echo read-only`,
    [
      ...["--host-path", "code", "--host-path", "link"],
      ...["--bind", `${volume}:/out`, "--cwd", `${container.dir}/code`],
    ],
  );

  assertEquals(
    seen,
    `ran ${container.dir}/code\necho ran $PWD\ncode\nlink\nread-only\n`,
  );
  assertEquals(await Deno.readTextFile(`${volume}/x`), "out\n");
});

test("there is no network but loopback, unless it is asked for", async (workspace) => {
  const container = await emptyPlace(workspace);
  const script = "ls /sys/class/net; test -e /etc/resolv.conf && echo resolver";
  assertEquals(await output(container, `${script}; true`), "lo\n");
  const resolver = await Deno.stat("/etc/resolv.conf").catch(() => undefined);
  if (resolver === undefined) return;
  const shared = await output(container, "cat /etc/resolv.conf", [
    ...["--net", "host"],
  ]);
  assertEquals(shared, await Deno.readTextFile("/etc/resolv.conf"));
});

test("a container.json can ask for a host root", async (workspace) => {
  const { rootfs: _, ...config } = workspace.config({
    host_root: { size: 1 << 20, paths: ["/srv"] },
  });
  const dir = await workspace.newDirectory();
  const container = await workspace.containerIn(dir, config);
  assertEquals(
    await container.output("id -u; hostname; pwd; stat -fc %T /; ls -d /srv"),
    "65534\ntesting\n/home/nobody\ntmpfs\n/srv\n",
  );
});

test("a host root goes with a terminal", async (workspace) => {
  const container = await emptyPlace(workspace);
  const { code, stdout } = await container.exec([
    ...["--host-root", "--tty", "/bin/sh", "-c", "tty; test -w /dev/tty"],
  ]);
  assertEquals([code, stdout], [0, "/dev/pts/0\r\n"]);
});

test("a host root goes with a user namespace", async (workspace) => {
  const map = [{ containerId: 0, hostId: 100_000, size: 65536 }];
  const config = hostRootConfig();
  const { code, stdout, stderr } = await runInProcess(workspace, {
    config: {
      ...config,
      parentDeathSignal: 0,
      cgroups: { ...config.cgroups, parent: workspace.tag },
      namespaces: [...config.namespaces, { type: "NEWUSER" }],
      uidMappings: map,
      gidMappings: map,
    },
    args: "id -u; pwd; touch x; stat -c '%U %n' x / /usr /root; " +
      "cat /proc/self/uid_map; (echo > /usr/x) 2>&1",
  });
  assertEquals(
    stdout.replaceAll(/ +/g, " "),
    "65534\n/home/nobody\nnobody x\nroot /\nnobody /usr\nroot /root\n" +
      " 0 100000 65536\n/bin/sh: 1: cannot create /usr/x: Read-only file system\n",
    stderr,
  );
  assertEquals(code, 2);
});

test(
  "an ordinary user gets a host root as well",
  async (workspace) => {
    const user = await OrdinaryUser.create(workspace);
    const secret = `${user.home}/secret`;
    await Deno.writeTextFile(secret, "secret\n");
    const { code, stdout, stderr } = await user.nsinit([
      ...["exec", "--host-root=1m", "/bin/sh", "-c"],
      `id -un; pwd; touch x && echo made; cat ${secret}; ` +
      "grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status; " +
      "grep processes /proc/self/limits",
    ]);
    assertEquals(
      [code, stdout.replaceAll(/\s+/g, " ")],
      [
        0,
        "root /root made CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 " +
        "Max processes 1024 1024 processes ",
      ],
      stderr,
    );
    assertStringIncludes(stderr, "No such file");
    assertEquals(user.states(), []);
  },
  { needs: ["user-namespaces"] },
);

test("its tasks are limited, and its cgroup is the one that was named", async (workspace) => {
  const config = hostRootConfig();
  await using container = await InProcess.start(workspace, {
    config: {
      ...config,
      parentDeathSignal: 0,
      cgroups: { ...config.cgroups, parent: workspace.tag },
    },
    args: ["/bin/sleep", "100"],
  });
  assertEquals(container.read("pids", "pids.max").trim(), "1024");
});

test("what a host root keeps private is never shown whole", async (workspace) => {
  const dir = await workspace.newDirectory();
  const { rootfs: _, ...config } = workspace.config({
    host_root: { paths: ["/home"] },
  });
  const container = await workspace.containerIn(dir, config);
  const { code, stderr } = await container.exec(["/bin/true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "would show the host's whole /home");
});

test("explain tells what a host root is made of", async (workspace) => {
  const container = await emptyPlace(workspace);
  const { code, stdout } = await workspace.nsinit(
    ["explain", "--host-root=1m", "/bin/true"],
    { cwd: container.dir },
  );
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /tree\.open +clone the mount tree \/usr with its submounts/,
  );
  assertMatch(stdout, /root\.make +make an empty root \(size=1048576,/);
  assertMatch(
    stdout,
    /mount\.tree .* at \/usr, MOUNT_ATTR_RDONLY\|MOUNT_ATTR_NOSUID\|MOUNT_ATTR_NODEV/,
  );
  assertMatch(stdout, /file\.write +write \/etc\/passwd, \d+ bytes, mode 0644/);
  assertMatch(stdout, /path\.own +give \/home\/nobody to user 65534:65534/);
});

/** Overlay roots: a layer of writes over the root, thrown away or kept. */
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
  type Workspace,
} from "../support/containers.ts";
import { describeTree } from "../support/hostile.ts";
import { mustRun } from "../support/nsinit.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("overlay");
const FIRST_ID = 100_000;

/** Runs a script that must succeed, with flags of `exec`; gives its output. */
async function output(
  container: TestContainer,
  flags: readonly string[],
  script: string,
): Promise<string> {
  const { code, stdout, stderr } = await container.exec([
    ...flags,
    "/bin/sh",
    "-c",
    script,
  ]);
  assertEquals([code, stderr], [0, ""], script);
  return stdout;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** A layer's directories that do not exist yet. */
async function newLayer(workspace: Workspace): Promise<string> {
  return `${await workspace.newDirectory()}/upper`;
}

const CHANGE = `
  echo new > /etc/new && echo changed:x:5:5::/: >> /etc/passwd && rm /etc/hosts &&
  chmod 700 /home && chown 5:6 /etc/shells && mv /home/user /home/other &&
  ln -s new /etc/link && mkdir -p /var/a/b && mknod /var/fifo p &&
  rm -r /usr/sbin && ln /etc/group /etc/group2`;

test("what is written to an overlay root is gone at its end, and the root untouched", async (workspace) => {
  const container = await workspace.container();
  const before = await describeTree(workspace.rootfs);

  const seen = await output(
    container,
    ["--overlay"],
    `${CHANGE}; cat /etc/link; ls /home /etc; stat -c %a /home`,
  );
  assertEquals(
    seen,
    "new\n/etc:\ngroup\ngroup2\nlink\nnew\npasswd\nshells\n\n/home:\nother\n700\n",
  );
  const again = await output(container, ["--overlay"], "ls /etc");
  assertEquals(again, "group\nhosts\npasswd\nshells\n");

  assertEquals(await describeTree(workspace.rootfs), before);
});

test("an overlay root is not mounted on the host", async (workspace) => {
  const container = await workspace.container();
  const before = await Deno.readTextFile("/proc/self/mountinfo");
  await using _running = await container.hold({ flags: ["--overlay=1m"] });

  const after = await Deno.readTextFile("/proc/self/mountinfo");
  const overlays = (text: string) => text.split(" - overlay ").length;
  assertEquals(overlays(after), overlays(before));
  const pid = await container.pid();
  const inside = await Deno.readTextFile(`/proc/${pid}/mountinfo`);
  assertMatch(inside, / \/ \/ rw\S* .*- overlay overlay /);
  assert(!inside.includes(workspace.rootfs), "names of the host are inside");
});

test("the size of an overlay limits bytes and names", async (workspace) => {
  const container = await workspace.container();

  const { stdout, stderr } = await container.exec([
    "--overlay=4m",
    "/bin/sh",
    "-c",
    "dd if=/dev/zero of=/big bs=64k count=100; stat -c %s /big; rm /big;" +
    "for i in $(seq 2000); do touch /var/$i || break; done; ls /var | wc -l",
  ]);

  assertStringIncludes(stderr, "No space left on device");
  const [bytes, names] = stdout.trim().split("\n").map(Number);
  assert(bytes && bytes <= 4 << 20 && bytes > 3 << 20, stdout);
  assert(names && names < 1024 && names > 900, stdout);
});

test("an overlay goes with a read-only root, and with a user namespace", async (workspace) => {
  const rootfs = await makeTestRootfs(await workspace.newDirectory());
  const container = await workspace.container({ rootfs });
  const fixed = await container.exec([
    ...["--overlay", "--read-only"],
    ...["/bin/sh", "-c", "echo x > /etc/x"],
  ]);
  assertEquals(fixed.code, 1);
  assertStringIncludes(fixed.stderr, "Read-only file system");

  await mustRun(["chown", "-hR", `${FIRST_ID}:${FIRST_ID}`, rootfs]);
  const map = [{ container_id: 0, host_id: FIRST_ID, size: 65536 }];
  const inside = await workspace.container({
    rootfs,
    uid_mappings: map,
    gid_mappings: map,
    namespaces: newNamespaces(
      ...["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET", "NEWUSER"],
    ),
  });
  const before = await describeTree(rootfs);
  const seen = await output(
    inside,
    ["--overlay=1m"],
    "echo x > /etc/x && chown 7:8 /etc/x && echo y >> /etc/passwd &&" +
      " stat -c %u:%g / /etc/x /etc/passwd",
  );
  assertEquals(seen, "0:0\n7:8\n0:0\n");
  assertEquals(await describeTree(rootfs), before);
});

test("an overlay goes with a terminal, mounts and hidden paths", async (workspace) => {
  const volume = await workspace.newDirectory();
  const container = await workspace.container({
    mask_paths: ["/etc/shells"],
    readonly_paths: ["/etc/group"],
  });
  const flags = ["--overlay", "--tty", "--bind", `${volume}:/new/volume`];
  const { code, stdout } = await container.exec([
    ...flags,
    "/bin/sh",
    "-c",
    "tty; cat /etc/shells; (echo x >> /etc/group) 2>/dev/null || echo fixed;" +
    " echo kept > /new/volume/file; test -c /dev/console && test -c /dev/null",
  ]);

  assertEquals([code, stdout], [0, "/dev/pts/0\r\nfixed\r\n"]);
  assertEquals(await Deno.readTextFile(`${volume}/file`), "kept\n");
  assert(!await exists(`${workspace.rootfs}/new`), "a mount point on the host");
});

test("a process that joins is in the same overlay", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold({ flags: ["--overlay=1m"] });

  assertEquals(await container.output("echo joined > /etc/new"), "");
  assertEquals(await container.output("cat /etc/new"), "joined\n");
  assert(!await exists(`${workspace.rootfs}/etc/new`));
});

test("two overlays over one root do not see each other", async (workspace) => {
  const [one, two] = [await workspace.container(), await workspace.container()];
  await using _first = await one.hold({ flags: ["--overlay"] });
  await using _second = await two.hold({ flags: ["--overlay"] });

  await one.output("echo one > /etc/name; rm /etc/hosts");
  await two.output("echo two > /etc/name");

  assertEquals(
    await one.output("cat /etc/name; ls /etc/hosts 2>&1 || true"),
    "one\nls: /etc/hosts: No such file or directory\n",
  );
  assertEquals(
    await two.output("cat /etc/name; ls /etc/hosts"),
    "two\n/etc/hosts\n",
  );
});

test("a kept layer is found again, and the root stays as it is", async (workspace) => {
  const rootfs = await makeTestRootfs(await workspace.newDirectory());
  await Deno.chmod(rootfs, 0o751);
  await Deno.chown(rootfs, 3, 4);
  const container = await workspace.container({ rootfs });
  const before = await describeTree(rootfs);
  const upper = await newLayer(workspace);
  const flags = ["--overlay-upper", upper];

  await output(container, flags, CHANGE);
  for (let run = 0; run < 3; run++) {
    const seen = await output(
      container,
      flags,
      `echo ${run} >> /etc/new; ls /etc /home; tail -n 1 /etc/new; stat -c %a:%u:%g /`,
    );
    assertEquals(
      seen,
      `/etc:\ngroup\ngroup2\nlink\nnew\npasswd\nshells\n\n/home:\nother\n${run}\n751:3:4\n`,
    );
  }

  assertEquals(await describeTree(rootfs), before);
  const { mode, uid, gid } = await Deno.stat(upper);
  assertEquals([(mode ?? 0) & 0o7777, uid, gid], [0o751, 3, 4]);
  const work = await Deno.stat(`${upper}.work`);
  assertEquals((work.mode ?? 0) & 0o7777, 0o700);
  assertStringIncludes(await Deno.readTextFile(`${upper}/etc/new`), "new\n0\n");
});

test("a kept layer is for one container at a time, and for one root", async (workspace) => {
  const upper = await newLayer(workspace);
  const flags = ["--overlay-upper", upper];
  const [one, two] = [await workspace.container(), await workspace.container()];
  {
    await using _running = await one.hold({ flags });
    const { code, stderr } = await two.exec([...flags, "/bin/true"]);
    assertEquals(code, 125);
    assertStringIncludes(stderr, "another container uses that layer");
  }
  assertEquals(await output(two, flags, "echo mine"), "mine\n");

  const rootfs = await makeTestRootfs(await workspace.newDirectory());
  const other = await workspace.container({ rootfs });
  const { code, stderr } = await other.exec([...flags, "/bin/true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "was written over another directory");
});

test("any name can be that of a layer", async (workspace) => {
  const dir = await workspace.newDirectory();
  for (const name of ["a:b", "a,b", "a\\b", "a b\n", "ä\"'", "x".repeat(250)]) {
    const rootfs = await makeTestRootfs(`${dir}/${name}r`);
    const container = await workspace.container({ rootfs });
    const flags = [
      ...["--overlay-upper", `${dir}/${name}u`],
      ...["--overlay-work", `${dir}/${name}w`],
    ];
    await output(container, flags, "echo new > /etc/new");
    assertEquals(
      await Deno.readTextFile(`${dir}/${name}u/etc/new`),
      "new\n",
      name,
    );
    assert(!await exists(`${rootfs}/etc/new`));
  }
});

test("a layer that cannot be used is refused and not left behind", async (workspace) => {
  const container = await workspace.container();
  const elsewhere = `/dev/shm/${workspace.newName()}`;
  const upper = await newLayer(workspace);
  const cases: [string[], string][] = [
    [
      ["--overlay-upper", upper, "--overlay-work", elsewhere],
      "one file system",
    ],
    [["--overlay-upper", `${upper}/a/b`], "make the directory"],
    [["--overlay-upper", "/proc/self"], "overlay"],
  ];
  for (const [flags, wanted] of cases) {
    const { code, stderr } = await container.exec([...flags, "/bin/true"]);
    assertEquals(code, 125, stderr);
    assertStringIncludes(stderr, wanted);
  }
  for (const path of [upper, `${upper}.work`, elsewhere]) {
    assert(!await exists(path), path);
  }
});

test("overlay of container.json is the same as the option", async (workspace) => {
  const upper = await newLayer(workspace);
  const container = await workspace.container({ overlay: { upper } });
  await container.output("echo new > /etc/new");
  assertEquals(await Deno.readTextFile(`${upper}/etc/new`), "new\n");
  assert(!await exists(`${workspace.rootfs}/etc/new`));
});

test("explain tells of the layers", async (workspace) => {
  const container = await workspace.container();
  const thrown = await workspace.nsinit(
    ["explain", "--overlay=1m", "/bin/true"],
    { cwd: container.dir },
  );
  assertMatch(
    thrown.stdout,
    /overlay\.open +lay a tmpfs \(size=1048576,nr_inodes=1024\) over \S+ as an overlay/,
  );
  const kept = await workspace.nsinit(
    ["explain", "--overlay-upper", "/srv/kept", "/bin/true"],
    { cwd: container.dir },
  );
  assertMatch(
    kept.stdout,
    /overlay\.open +lay \/srv\/kept \(with \/srv\/kept\.work\) over /,
  );
  assert(!await exists("/srv/kept"));
});

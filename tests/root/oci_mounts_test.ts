/** Mounts and their options of an OCI config.json, read back from the kernel. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Mount } from "../../lib/config/types.ts";
import { ConfigError, KernelError } from "../../lib/errors.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { type Ended, runInProcess } from "../support/in_process.ts";
import { mustRun } from "../support/nsinit.ts";
import { type OciChanges, ociConfig, type OciJson } from "../support/oci.ts";
import { type MountLine, parseMounts } from "../support/process_status.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("ocimounts");

/** A root of its own, in which mounts may leave their targets. */
async function newRoot(workspace: Workspace): Promise<string> {
  const path = `${await workspace.newDirectory()}/rootfs`;
  return await makeTestRootfs(path);
}

async function run(
  workspace: Workspace,
  mounts: readonly OciJson[],
  script: string,
  changes: OciChanges = {},
): Promise<Ended> {
  const path = await newRoot(workspace);
  const config = await ociConfig(workspace, {
    root: { path },
    mounts,
    ...changes,
  });
  return await runInProcess(workspace, { config, args: script });
}

async function output(
  ...args: Parameters<typeof run>
): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** Mounts of a new container by where they are; the last one on top. */
async function mountsOf(
  workspace: Workspace,
  mounts: readonly OciJson[],
): Promise<Map<string, MountLine>> {
  const text = await output(workspace, mounts, "cat /proc/self/mountinfo");
  return new Map(parseMounts(text).map((line) => [line.point, line]));
}

function optionsAt(
  lines: ReadonlyMap<string, MountLine>,
  point: string,
): string[] {
  const line = lines.get(point);
  if (line === undefined) throw new Error(`nothing is mounted at ${point}`);
  return [...line.options].sort();
}

function bind(
  source: string,
  destination: string,
  ...options: string[]
): OciJson {
  return { destination, type: "bind", source, options };
}

/** A tmpfs with another one below it, which last as long as the body runs. */
async function withTree(
  workspace: Workspace,
  body: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await workspace.newDirectory();
  // Of its own: the machine's /tmp may have attributes, which a bind keeps.
  await mustRun(["mount", "-t", "tmpfs", "tmpfs", dir]);
  try {
    await Deno.mkdir(`${dir}/below`);
    await Deno.writeTextFile(`${dir}/file`, "text\n");
    await mustRun(["mount", "-t", "tmpfs", "tmpfs", `${dir}/below`]);
    await body(dir);
  } finally {
    await mustRun(["umount", "-R", dir]);
  }
}

test("attributes hold for the top mount, those of r for all", async (workspace) => {
  await withTree(workspace, async (dir) => {
    const lines = await mountsOf(workspace, [
      bind(dir, "/a", "rbind", "ro", "nosuid"),
      bind(dir, "/b", "rbind", "rro", "rnoexec"),
      bind(dir, "/c", "rbind", "ro", "rnodev", "rnoatime"),
      bind(dir, "/d", "rbind", "rro", "rw"),
      bind(dir, "/e", "bind", "nosymfollow", "nodiratime"),
    ]);
    assertEquals(optionsAt(lines, "/a"), ["nosuid", "relatime", "ro"]);
    assertEquals(optionsAt(lines, "/a/below"), ["relatime", "rw"]);
    assertEquals(optionsAt(lines, "/b"), ["noexec", "relatime", "ro"]);
    assertEquals(optionsAt(lines, "/b/below"), ["noexec", "relatime", "ro"]);
    assertEquals(optionsAt(lines, "/c"), ["noatime", "nodev", "ro"]);
    assertEquals(optionsAt(lines, "/c/below"), ["noatime", "nodev", "rw"]);
    assertEquals(optionsAt(lines, "/d"), ["relatime", "rw"]);
    assertEquals(optionsAt(lines, "/d/below"), ["relatime", "ro"]);
    assertEquals(optionsAt(lines, "/e"), [
      "nodiratime",
      "nosymfollow",
      "relatime",
      "rw",
    ]);
    assertEquals(lines.has("/e/below"), false);
  });
});

test("attributes of the source are cleared only when asked", async (workspace) => {
  const dir = await workspace.newDirectory();
  await mustRun(["mount", "-t", "tmpfs", "-o", "ro,nosuid", "tmpfs", dir]);
  try {
    const lines = await mountsOf(workspace, [
      bind(dir, "/a", "bind"),
      bind(dir, "/b", "bind", "suid"),
      bind(dir, "/c", "rbind", "rrw", "strictatime"),
    ]);
    assertEquals(optionsAt(lines, "/a"), ["nosuid", "relatime", "ro"]);
    assertEquals(optionsAt(lines, "/b"), ["relatime", "ro"]);
    assertEquals(optionsAt(lines, "/c"), ["nosuid", "rw"]);
  } finally {
    await mustRun(["umount", dir]);
  }
});

test("any file system is mounted with its own options", async (workspace) => {
  const dir = await workspace.newDirectory();
  for (const name of ["lower", "upper", "work"]) {
    await Deno.mkdir(`${dir}/${name}`);
  }
  await Deno.writeTextFile(`${dir}/lower/file`, "lower\n");
  const text = await output(
    workspace,
    [{
      destination: "/a/b",
      type: "overlay",
      source: "overlay",
      options: [
        `lowerdir=${dir}/lower`,
        `upperdir=${dir}/upper`,
        `workdir=${dir}/work`,
      ],
    }, {
      destination: "/ram",
      type: "ramfs",
      source: "ramfs",
      options: ["nosuid", "nodev", "rprivate", "mode=700"],
    }],
    "cat /a/b/file; echo new >/a/b/file; stat -c %a /ram; stat -f -c %T /ram",
  );
  assertEquals(text, "lower\n700\nramfs\n");
  assertEquals(await Deno.readTextFile(`${dir}/upper/file`), "new\n");
  const config = await ociConfig(workspace, {
    mounts: [{ destination: "/tmp", type: "nosuchfs", source: "x" }],
  });
  const error = await assertRejects(
    () => runInProcess(workspace, { config, args: ["/bin/true"] }),
    KernelError,
  );
  assertStringIncludes(error.message, "nosuchfs");
});

test("files are bound over files, which are made with their parents", async (workspace) => {
  const dir = await workspace.newDirectory();
  await Deno.writeTextFile(`${dir}/file`, "of the host\n");
  const text = await output(
    workspace,
    [bind(`${dir}/file`, "/new/place/file", "bind", "ro")],
    "cat /new/place/file; (echo x >/new/place/file) 2>&1 | grep -c Read-only",
  );
  assertEquals(text, "of the host\n1\n");
});

test("mounts are made in the order of the file", async (workspace) => {
  const dir = await workspace.newDirectory();
  const inner = { type: "tmpfs", source: "inner" };
  const outer = { type: "tmpfs", source: "outer" };
  const lines = await mountsOf(workspace, [
    { destination: "/x/y", ...inner },
    { destination: "/x", ...outer },
    bind(dir, "/x/z", "bind"),
  ]);
  assertEquals(lines.get("/x")?.source, "outer");
  assert(lines.has("/x/z"));
});

/** A root whose directory /data has one of each kind of file. */
async function rootWithData(workspace: Workspace): Promise<string> {
  const rootfs = await newRoot(workspace);
  const data = `${rootfs}/data`;
  await Deno.mkdir(`${data}/sub/deep`, { recursive: true });
  await Deno.writeTextFile(`${data}/sub/deep/file`, "x".repeat(100_000));
  await Deno.chmod(`${data}/sub/deep/file`, 0o4750);
  await Deno.chown(`${data}/sub/deep/file`, 5, 6);
  await Deno.chmod(`${data}/sub/deep/file`, 0o4750);
  await Deno.chmod(`${data}/sub`, 0o1777);
  await Deno.symlink("/etc/passwd", `${data}/link`);
  await mustRun(["mknod", "-m", "640", `${data}/pipe`, "p"]);
  await mustRun(["mknod", "-m", "604", `${data}/node`, "c", "1", "3"]);
  for (let number = 0; number < 300; number++) {
    await Deno.writeTextFile(`${data}/sub/f${number}`, `${number}`);
  }
  return rootfs;
}

test("tmpcopyup fills a tmpfs with what it covers", async (workspace) => {
  const path = await rootWithData(workspace);
  const list =
    "find data | sort | xargs -n 50 stat -c '%n %F %a %u:%g %s %t:%T' |" +
    " grep -v 'directory' ; readlink data/link; md5sum data/sub/deep/file; " +
    "stat -c '%a %u' data/sub data/sub/deep";
  const script = `cd /; ${list}`;
  const capabilities = ["CAP_DAC_OVERRIDE"];
  const sets = { effective: capabilities, permitted: capabilities };
  const process = { capabilities: { bounding: capabilities, ...sets } };
  const before = await output(workspace, [], script, {
    root: { path },
    process,
  });
  const tmpfs = { destination: "/data", type: "tmpfs", source: "tmpfs" };
  const after = await output(workspace, [], script, {
    root: { path },
    mounts: [{ ...tmpfs, options: ["tmpcopyup", "ro"] }],
    process,
  });
  assertEquals(after, before);
  const { stdout } = await run(workspace, [], "touch /data/x", {
    root: { path },
    mounts: [{ ...tmpfs, options: ["tmpcopyup"] }],
  });
  assertEquals(stdout, "");
  assertEquals(
    (await Array.fromAsync(Deno.readDir(`${path}/data`)))
      .map(({ name }) => name).sort(),
    ["link", "node", "pipe", "sub"],
  );
});

test("tmpcopyup keeps within the size of its tmpfs, and the start fails", async (workspace) => {
  const path = await rootWithData(workspace);
  const config = await ociConfig(workspace, {
    root: { path },
    mounts: [{
      destination: "/data",
      type: "tmpfs",
      source: "tmpfs",
      options: ["tmpcopyup", "size=16k"],
    }],
  });
  const error = await assertRejects(
    () => runInProcess(workspace, { config, args: ["/bin/true"] }),
    KernelError,
  );
  assertEquals(error.errnoName, "ENOSPC");
  assertStringIncludes(error.message, "copying what it covers");
});

test("tmpcopyup leaves alone what is mounted below, and deep trees fail", async (workspace) => {
  await withTree(workspace, async (dir) => {
    await Deno.writeTextFile(`${dir}/below/hidden`, "");
    const text = await output(
      workspace,
      [bind(dir, "/a", "rbind"), {
        destination: "/a",
        type: "tmpfs",
        source: "tmpfs",
        options: ["tmpcopyup"],
      }],
      "cd /a; find . | sort | tr '\\n' ' '",
    );
    assertEquals(text, ". ./below ./file ");
  });
  const path = await newRoot(workspace);
  const deep = Array.from({ length: 70 }, () => "d").join("/");
  await Deno.mkdir(`${path}/data/${deep}`, { recursive: true });
  const config = await ociConfig(workspace, {
    root: { path },
    mounts: [{ destination: "/data", type: "tmpfs", options: ["tmpcopyup"] }],
  });
  const error = await assertRejects(
    () => runInProcess(workspace, { config, args: ["/bin/true"] }),
    KernelError,
  );
  assertEquals(error.errnoName, "ELOOP");
});

test("remount changes what is mounted, and nothing else", async (workspace) => {
  await withTree(workspace, async (dir) => {
    const lines = await mountsOf(workspace, [
      bind(dir, "/a", "rbind"),
      { destination: "/a", options: ["remount", "bind", "ro", "nosuid"] },
      bind(dir, "/b", "rbind", "rro"),
      { destination: "/b", options: ["remount", "bind", "rw", "rnodev"] },
    ]);
    assertEquals(optionsAt(lines, "/a"), ["nosuid", "relatime", "ro"]);
    assertEquals(optionsAt(lines, "/a/below"), ["relatime", "rw"]);
    assertEquals(optionsAt(lines, "/b"), ["nodev", "relatime", "rw"]);
    assertEquals(optionsAt(lines, "/b/below"), ["nodev", "relatime", "ro"]);
  });
  for (const destination of ["/etc", "/nowhere"]) {
    const config = await ociConfig(workspace, {
      mounts: [{ destination, options: ["remount", "ro"] }],
    });
    await assertRejects(
      () => runInProcess(workspace, { config, args: ["/bin/true"] }),
      KernelError,
      destination,
    );
  }
});

test("ids are mapped by idmap and ridmap", async (workspace) => {
  await withTree(workspace, async (dir) => {
    await Deno.chown(`${dir}/file`, 1000, 1000);
    await Deno.writeTextFile(`${dir}/below/file`, "");
    await Deno.chown(`${dir}/below/file`, 1000, 1000);
    const maps = [{ containerID: 1000, hostID: 7, size: 1 }];
    const mapped = { uidMappings: maps, gidMappings: maps };
    const text = await output(workspace, [
      { ...bind(dir, "/a", "rbind", "idmap"), ...mapped },
      { ...bind(dir, "/b", "rbind", "ridmap"), ...mapped },
      { ...bind(dir, "/c", "rbind"), ...mapped },
    ], "stat -c %u /a/file /a/below/file /b/file /b/below/file /c/file");
    assertEquals(text, "7\n1000\n7\n7\n7\n");
  });
});

test("a group is mounted by its type, read-only when asked", async (workspace) => {
  const lines = await mountsOf(workspace, [{
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  }]);
  assert(optionsAt(lines, "/sys/fs/cgroup").includes("ro"));
});

test("nothing but known files is mounted inside /proc", async (workspace) => {
  const mounts: OciJson[] = [
    bind("/tmp", "/proc/self/attr", "bind"),
    { destination: "/proc/sys", type: "tmpfs", source: "tmpfs" },
    { destination: "/proc", type: "tmpfs", source: "tmpfs" },
    { destination: "proc/../proc/sys", type: "ramfs", source: "x" },
  ];
  for (const mount of mounts) {
    await assertRejects(
      () => ociConfig(workspace, { mounts: [mount] }),
      ConfigError,
      "/proc",
    );
  }
  // A link in the root decides nothing either.
  const path = await newRoot(workspace);
  await Deno.symlink("/proc/sys", `${path}/link`);
  const config = await ociConfig(workspace, {
    root: { path },
    mounts: [{ destination: "/link", type: "tmpfs", source: "tmpfs" }],
  });
  await assertRejects(
    () => runInProcess(workspace, { config, args: ["/bin/true"] }),
    KernelError,
  );
  const [last]: readonly Mount[] = config.mounts.slice(-1);
  assertEquals(last?.destination, "/link");
});

test("groups that are shown read-only are there once", async (workspace) => {
  const cgroup = {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "ro"],
  };
  const text = await output(
    workspace,
    [cgroup],
    "cat /proc/self/mountinfo; ! mkdir /sys/fs/cgroup/new 2>/dev/null",
  );
  const points = parseMounts(text).map(({ point }) => point)
    .filter((point) => point.startsWith("/sys/fs/cgroup"));
  assert(points.length > 0);
  assertEquals(new Set(points).size, points.length);
});

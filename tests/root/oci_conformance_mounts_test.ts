/** Mounts and terminals of containers as conformance suites of the field look at them. */
import { assertEquals, assertMatch } from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { mustRun } from "../support/nsinit.ts";
import { ociNamespaces } from "../support/oci.ts";
import { type BundleChanges, OciBundle } from "../support/oci_program.ts";
import { parseMounts } from "../support/process_status.ts";

const test = containerTests("ociconformmounts");

test("a tmpfs takes a recursive propagation and the mode of what it covers", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/stat", "-c", "%A", "/tmp"] },
    mounts: [{
      destination: "/tmp",
      type: "tmpfs",
      source: "tmpfs",
      options: ["noexec", "nosuid", "nodev", "rprivate"],
    }],
  });
  await Deno.chmod(`${bundle.rootfs}/tmp`, 0o7777);
  assertEquals(await bundle.must(["run", bundle.id]), "drwsrwsrwt\n");
});

test("a terminal whose output goes to a pipe adds no carriage returns", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { terminal: true, args: ["/bin/sh", "-c", "tty; echo done"] },
  });
  assertMatch(await bundle.must(["run", bundle.id]), /^\/dev\/pts\/0\ndone\n$/);
});

test("a tmpfs is read-only when what lies in it has been made", async (workspace) => {
  const script = "grep -E ' (/dev|/ro) ' /proc/mounts | cut -d' ' -f2,4; " +
    "cat /ro/file; touch /dev/x /ro/x 2>/dev/null || echo refused; " +
    "test -c /dev/null && test -c /dev/ptmx && echo nodes";
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "inside\n");
  const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["ro", "nosuid"] };
  await bundle.write({
    process: { args: ["/bin/sh", "-c", script] },
    mounts: [
      { destination: "/dev", ...tmpfs },
      { destination: "/dev/pts", type: "devpts", source: "devpts" },
      { destination: "/ro", ...tmpfs },
      {
        destination: "/ro/file",
        type: "bind",
        source: `${source}/file`,
        options: ["bind"],
      },
    ],
  });
  const lines = (await bundle.must(["run", bundle.id])).trim().split("\n");
  const points = lines.filter((line) => line.startsWith("/"));
  assertEquals(points.map((line) => /^\S+ (ro|rw),/.exec(line)?.[1]), [
    "rw",
    "ro",
    "ro",
  ]);
  assertEquals(lines.slice(points.length), ["inside", "refused", "nodes"]);
});

test("a bind mount may be shared in a root that is not", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await bundle.write({
    process: { args: ["/bin/grep", " /shared ", "/proc/self/mountinfo"] },
    mounts: [{
      destination: "/shared",
      type: "bind",
      source,
      options: ["bind", "shared"],
    }],
  });
  assertMatch(await bundle.must(["run", bundle.id]), / shared:\d+ .*- /);
});

test("mounts are listed in the order of the configuration", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await Deno.mkdir(`${source}/dir`);
  // Up to the host's / and down again: not to the container's.
  await Deno.symlink(`../../../..${source}/dir`, `${source}/link`);
  const bind = (destination: string, path: string) => ({
    destination,
    type: "bind",
    source: path,
    options: ["rbind"],
  });
  const tmpfs = (destination: string) => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
  });
  await bundle.write({
    process: { args: ["/bin/cat", "/proc/self/mountinfo"] },
    mounts: [
      tmpfs("/a"),
      bind("/b", source),
      tmpfs("/c"),
      bind("/d", `${source}/link`),
      bind("/e", workspace.dir),
      tmpfs("/f"),
    ],
  });
  const points = parseMounts(await bundle.must(["run", bundle.id]))
    .map(({ point }) => point);
  assertEquals(points.filter((point) => /^\/[abcdf]$/.test(point)), [
    "/a",
    "/b",
    "/c",
    "/d",
    "/f",
  ]);
  // What holds the root is shown as it was before.
  assertEquals(points.filter((point) => point.startsWith("/e/")), []);
});

const ID_MAPS = {
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
};

/** A bundle in which later mounts have what earlier ones show as source. */
async function layered(
  bundle: OciBundle,
  source: string,
  { late = {}, linux = {} }: {
    readonly late?: Readonly<Record<string, unknown>>;
    readonly linux?: NonNullable<BundleChanges["linux"]>;
  } = {},
): Promise<void> {
  for (const path of ["a/x", "b/y", "c/z"]) {
    await Deno.mkdir(`${source}/${path}`, { recursive: true });
    await Deno.writeTextFile(`${source}/${path}/file`, `${path}\n`);
  }
  await Deno.mkdir(`${bundle.rootfs}/mnt`, { recursive: true });
  await Deno.mkdir(`${bundle.rootfs}/final`, { recursive: true });
  const bind = (from: string, destination: string) => ({
    destination,
    type: "bind",
    source: from,
    options: ["bind", "rprivate"],
  });
  const again = (from: string, to: string) => ({
    ...bind(`${bundle.rootfs}${from}`, `${bundle.rootfs}${to}`),
    options: ["rbind", "rprivate"],
    ...late,
  });
  await bundle.write({
    process: {
      args: [
        "/bin/sh",
        "-c",
        "cat /final/x/y/z/z/x/y/z/x/file; stat -c %u /final",
      ],
    },
    linux,
    mounts: [
      bind(`${source}/a`, "/mnt"),
      bind(`${source}/b`, "/mnt/x"),
      bind(`${source}/c`, "/mnt/x/y"),
      bind(`${source}/a`, "/mnt/x/y/z"),
      again("/mnt/x", "/mnt/x/y/z/x"),
      again("/mnt/x/y", "/mnt/x/y/z"),
      again("/mnt", "/final"),
    ],
  });
}

test("a bind mount finds what earlier mounts show inside", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await layered(bundle, await workspace.newDirectory());
  assertEquals(await bundle.must(["run", bundle.id]), "a/x\n0\n");
});

test("a bind mount in a user namespace finds what earlier mounts show", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const linux = {
    namespaces: ociNamespaces("mount", "pid", "network", "ipc", "uts", "user"),
    ...ID_MAPS,
  };
  await mustRun(["chown", "-R", "100000:100000", bundle.rootfs]);
  const source = await workspace.newDirectory();
  await layered(bundle, source, { linux });
  // Only the runtime can reach the sources.
  await Deno.chmod(source, 0o700);
  assertEquals(await bundle.must(["run", bundle.id]), "a/x\n65534\n");

  // Three that are mapped by the parent, one after the other.
  await layered(bundle, source, { linux, late: ID_MAPS });
  assertEquals(await bundle.must(["run", bundle.id]), "a/x\n0\n");
});

test("an id map shows what earlier mounts show with other owners", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await layered(bundle, await workspace.newDirectory(), { late: ID_MAPS });
  assertEquals(await bundle.must(["run", bundle.id]), "a/x\n100000\n");
});

test("no link is followed to what an earlier mount shows", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await Deno.symlink("/proc", `${source}/link`);
  await Deno.mkdir(`${source}/real`);
  for (const [name, wanted] of [["link", 1], ["real", 0]] as const) {
    await bundle.write({
      process: { args: ["/bin/true"] },
      mounts: [
        { destination: "/mnt", type: "bind", source, options: ["bind"] },
        {
          destination: "/again",
          type: "bind",
          source: `${bundle.rootfs}/mnt/${name}`,
          options: ["rbind"],
        },
      ],
    });
    const { code, stderr } = await bundle.oci(["run", bundle.id]);
    assertEquals([name, code], [name, wanted], stderr);
    if (wanted !== 0) assertMatch(stderr, /ELOOP/);
  }
});

/** A tmpfs of the host whose mount has attributes, while the body runs. */
async function withAttributes(
  workspace: Workspace,
  attributes: string,
  body: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await workspace.newDirectory();
  await mustRun(["mount", "-t", "tmpfs", "tmpfs", dir]);
  try {
    await mustRun(["mount", "-o", `remount,bind,${attributes}`, dir]);
    await body(dir);
  } finally {
    await mustRun(["umount", dir]);
  }
}

const SOURCE = "ro,nosuid,nodev,noexec,noatime,nosymfollow";

test("a bind with an option has no other attribute of its source's", async (workspace) => {
  await withAttributes(workspace, SOURCE, async (source) => {
    await using bundle = await OciBundle.make(workspace);
    const bind = (destination: string, ...options: string[]) => ({
      destination,
      type: "bind",
      source,
      options,
    });
    await bundle.write({
      process: { args: ["/bin/cat", "/proc/self/mountinfo"] },
      mounts: [
        bind("/a", "bind"),
        bind("/b", "bind", "rprivate"),
        bind("/c", "bind", "nodev"),
        bind("/d", "bind", "suid"),
        bind("/e", "bind", "atime"),
        bind("/f", "bind", "ro", "relatime", "nodiratime"),
        bind("/g", "rbind", "ro", "rnosuid"),
      ],
    });
    const lines = parseMounts(await bundle.must(["run", bundle.id]));
    const optionsOf = (point: string) =>
      lines.find((line) => line.point === point)?.options.toSorted().join();
    const all = "noatime,nodev,noexec,nosuid,nosymfollow,ro";
    assertEquals(["/a", "/b"].map(optionsOf), [all, all]);
    assertEquals(["/c", "/d", "/e", "/f", "/g"].map(optionsOf), [
      "noatime,nodev,rw",
      "noatime,rw",
      "noatime,rw",
      "nodiratime,relatime,ro",
      "noatime,nosuid,ro",
    ]);
  });
});

test("a bind for a user namespace keeps what its source has", async (workspace) => {
  await withAttributes(workspace, SOURCE, async (source) => {
    await using bundle = await OciBundle.make(workspace);
    await mustRun(["chown", "-R", "100000:100000", bundle.rootfs]);
    const run = async (...options: string[]) => {
      const namespaces = ociNamespaces("mount", "pid", "network", "user");
      await bundle.write({
        process: { args: ["/bin/cat", "/proc/self/mountinfo"] },
        mounts: [
          { destination: "/a", type: "bind", source, options },
        ],
        linux: { namespaces, ...ID_MAPS },
      });
      return await bundle.oci(["run", bundle.id]);
    };
    const kept = await run("bind", "nodev", "noatime");
    const line = parseMounts(kept.stdout).find(({ point }) => point === "/a");
    assertEquals(
      line?.options.toSorted().join(),
      // The kernel lets the last of all be cleared.
      "noatime,nodev,noexec,nosuid,ro",
    );
    for (const option of ["rw", "suid", "dev", "exec", "relatime"]) {
      const { code, stderr } = await run("bind", option);
      assertEquals([option, code], [option, 1]);
      assertMatch(
        stderr,
        /runc run failed: unable to start container process: error during container init: error mounting.*operation not permitted.*source has/,
      );
    }
  });
});

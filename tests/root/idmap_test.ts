/** Id-mapped mounts: other owners seen through them, nothing changed on disk. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  DEFAULT_NAMESPACES,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { mustRun } from "../support/nsinit.ts";

const test = containerTests("idmap");

const MS_BIND = 4096;

function range(containerId: number, hostId: number, size: number): ConfigJson {
  return { container_id: containerId, host_id: hostId, size };
}

/** A user namespace of two ranges: root, and everyone else. */
const USER_NAMESPACE = {
  namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
  uid_mappings: [range(0, 100000, 1), range(1, 200001, 65535)],
  gid_mappings: [range(0, 300000, 1), range(1, 400001, 65535)],
};

/** A directory with files of some owners, and a mount below it. */
async function newSource(workspace: Workspace): Promise<string> {
  const dir = await workspace.newDirectory();
  for (const id of [0, 1, 1000]) {
    await Deno.writeTextFile(`${dir}/of-${id}`, "");
    await Deno.chown(`${dir}/of-${id}`, id, id);
  }
  await Deno.mkdir(`${dir}/below`);
  return dir;
}

function bindMapped(
  source: string,
  keys: ConfigJson,
  flags: number = BIND,
): ConfigJson[] {
  const bound = mount("bind", source, "/tmp", flags);
  return [...SYSTEM_MOUNTS, { ...bound, ...keys }];
}

const LIST = "cd /tmp && stat -c '%n %u %g' of-0 of-1 of-1000";

async function idsOnDisk(dir: string): Promise<string> {
  return await mustRun(["stat", "-c", "%n %u %g", "of-0", "of-1", "of-1000"], {
    cwd: dir,
  });
}

test("a mount shows the ids that its maps say, on disk all stays", async (workspace) => {
  const dir = await newSource(workspace);
  const before = await idsOnDisk(dir);
  const container = await workspace.container({
    mounts: bindMapped(dir, {
      idmap: true,
      uid_mappings: [range(0, 500, 1), range(1, 7000, 10)],
      gid_mappings: [range(0, 600, 2)],
    }),
  });
  assertEquals(
    await container.output(LIST),
    "of-0 500 600\nof-1 7000 601\nof-1000 65534 65534\n",
  );
  assertEquals(await idsOnDisk(dir), before);
});

test("without maps a mount follows the container's own", async (workspace) => {
  const dir = await newSource(workspace);
  const container = await workspace.container({
    ...USER_NAMESPACE,
    mounts: bindMapped(dir, { idmap: true }),
  });
  const output = await container.output(
    `${LIST}; touch made && stat -c '%u %g' made`,
  );
  assertEquals(output, "of-0 0 0\nof-1 1 1\nof-1000 1000 1000\n0 0\n");
  // What root inside makes is root's on disk: the maps go both ways.
  const { uid, gid } = await Deno.stat(`${dir}/made`);
  assertEquals([uid, gid], [0, 0]);
});

test("without an id map the same mount shows nobody", async (workspace) => {
  const dir = await newSource(workspace);
  const container = await workspace.container({
    ...USER_NAMESPACE,
    mounts: bindMapped(dir, {}),
  });
  assertStringIncludes(await container.output(LIST), "of-0 65534 65534\n");
});

test("a mount without maps follows a joined user namespace", async (workspace) => {
  const dir = await newSource(workspace);
  const other = await workspace.container(USER_NAMESPACE);
  await using _holder = await other.hold();
  const path = `/proc/${await other.pid()}/ns/user`;
  const container = await workspace.container({
    namespaces: [
      ...newNamespaces(...DEFAULT_NAMESPACES),
      { type: "NEWUSER", path },
    ],
    mounts: bindMapped(dir, { idmap: true }),
  });
  assertEquals(
    await container.output(LIST),
    "of-0 0 0\nof-1 1 1\nof-1000 1000 1000\n",
  );
});

test("ridmap maps submounts, idmap the mount alone", async (workspace) => {
  const dir = await newSource(workspace);
  const script = `mount -t tmpfs -o mode=755,size=1m inner ${dir}/below && ` +
    `touch ${dir}/below/file && exec "$@"`;
  const prefix = ["unshare", "--mount", "sh", "-c", script, "sh"];
  for (const [key, wanted] of [["idmap", 65534], ["ridmap", 0]] as const) {
    const container = await workspace.container({
      ...USER_NAMESPACE,
      mounts: bindMapped(dir, { [key]: true }),
    });
    const inside = "stat -c %u /tmp/of-0 /tmp/below/file";
    const { code, stdout, stderr } = await container.sh(inside, { prefix });
    // A tmpfs can be mapped since Linux 6.3.
    if (key === "ridmap" && code === 125) {
      assertStringIncludes(stderr, "cannot be id-mapped");
    } else assertEquals([key, stdout], [key, `0\n${wanted}\n`]);
  }
});

test("a file system that cannot be id-mapped is refused clearly", async (workspace) => {
  const container = await workspace.container({
    mounts: [...SYSTEM_MOUNTS, {
      ...mount("bind", "/proc/sys/fs", "/tmp", MS_BIND),
      idmap: true,
      uid_mappings: [range(0, 1000, 1)],
      gid_mappings: [range(0, 1000, 1)],
    }],
  });
  const { code, stderr } = await container.sh("true");
  assertEquals(code, 125);
  assertStringIncludes(stderr, "Cannot map the ids of /proc/sys/fs");
  assertStringIncludes(stderr, "cannot be id-mapped");
});

test("a mapped mount gives a container no way to make files of host users", async (workspace) => {
  // The ids that the container does not have are nobody's through the mount:
  // they can be neither taken nor given.
  const dir = await newSource(workspace);
  await Deno.chmod(`${dir}/of-1000`, 0o600);
  const container = await workspace.container({
    ...USER_NAMESPACE,
    mounts: bindMapped(dir, {
      uid_mappings: [range(0, 100000, 1)],
      gid_mappings: [range(0, 300000, 1)],
    }),
  });
  const output = await container.output(
    "cd /tmp; cat of-1000 2>&1; chown 1000 of-0 2>&1; touch made; chmod u+s made; stat -c %u of-0 of-1000",
  );
  assertStringIncludes(output, "of-1000': Permission denied");
  assertStringIncludes(output, "chown: of-0: ");
  assertEquals(output.split("\n").slice(-3), ["0", "65534", ""]);
  assertEquals(await idsOnDisk(dir), "of-0 0 0\nof-1 1 1\nof-1000 1000 1000\n");
});

test("maps of a mount that cannot be are refused with their place", async (workspace) => {
  const cases: [ConfigJson, string][] = [
    [{ idmap: true }, "user namespace"],
    [{ uid_mappings: [range(0, 1, 1)] }, "gid_mappings"],
    [
      {
        uid_mappings: [range(0, 1, 2), range(1, 9, 1)],
        gid_mappings: [range(0, 1, 1)],
      },
      "mapped twice",
    ],
  ];
  for (const [keys, text] of cases) {
    const container = await workspace.container({
      mounts: bindMapped("/etc", keys),
    });
    const { code, stderr } = await container.sh("true");
    assertEquals(code, 125);
    assertStringIncludes(stderr, text);
    assertStringIncludes(stderr, "mounts[6]");
  }
});

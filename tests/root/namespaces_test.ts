/** Namespaces of containers: new, the host's, or joined by path. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
  type Workspace,
} from "../support/containers.ts";
import { descendantsOf } from "../support/host_state.ts";
import {
  isAlive,
  NAMESPACE_FILES,
  namespaceOf,
  parseMounts,
  statusOf,
} from "../support/process_status.ts";
import { writeProgram } from "../support/rootfs.ts";
import { SHARED_MOUNTS } from "../support/nsinit.ts";

const test = containerTests("namespaces");

const MAPPINGS = {
  uid_mappings: [{ container_id: 0, host_id: 100000, size: 65536 }],
  gid_mappings: [{ container_id: 0, host_id: 200000, size: 65536 }],
};

/** What makes sense without a namespace: what belongs to it must go as well. */
function withoutPartsOf(type: string): Record<string, unknown> {
  switch (type) {
    case "NEWNET":
      return { networks: [] };
    case "NEWUTS":
      return { hostname: "" };
    default:
      return {};
  }
}

test("every namespace of the template is a new one", async (workspace) => {
  const container = await workspace.container();
  await using _running = await container.hold();
  const pid = await container.pid();
  for (const type of DEFAULT_NAMESPACES) {
    const file = NAMESPACE_FILES[type] ?? "";
    assertNotEquals(namespaceOf(pid, file), namespaceOf("self", file), type);
  }
  assertEquals(namespaceOf(pid, "user"), namespaceOf("self", "user"));
});

for (const type of ["NEWUTS", "NEWIPC", "NEWPID", "NEWNET"]) {
  test(`${type} that is not listed is the host's`, async (workspace) => {
    const container = await workspace.container({
      namespaces: newNamespaces(
        ...DEFAULT_NAMESPACES.filter((name) => name !== type),
      ),
      ...withoutPartsOf(type),
    });
    await using _running = await container.hold();
    const pid = await container.pid();
    for (const other of DEFAULT_NAMESPACES) {
      const file = NAMESPACE_FILES[other] ?? "";
      const isShared = namespaceOf(pid, file) === namespaceOf("self", file);
      assertEquals([other, isShared], [other, other === type]);
    }
  });
}

test("without NEWNS the program runs on the host's root, in the rootfs", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces("NEWUTS", "NEWIPC", "NEWPID", "NEWNET"),
    mounts: [],
    devices: [],
    mask_paths: [],
    readonly_paths: [],
  });
  const output = await container.output("pwd; readlink /proc/self/ns/mnt");
  assertEquals(output.split("\n").slice(0, 2), [
    workspace.rootfs,
    namespaceOf("self", "mnt"),
  ]);
});

/** A process with all namespaces of its own, as the target of paths. */
async function withTarget(
  workspace: Workspace,
  body: (pid: number) => Promise<void>,
): Promise<void> {
  const other = await workspace.container({ hostname: "target" });
  await using _running = await other.hold();
  await body(await other.pid());
}

for (const type of ["NEWUTS", "NEWIPC", "NEWNET", "NEWPID"]) {
  test(`${type} is joined by its path`, async (workspace) => {
    await withTarget(workspace, async (pid) => {
      const file = NAMESPACE_FILES[type] ?? "";
      const container = await workspace.container({
        namespaces: [
          ...newNamespaces(
            ...DEFAULT_NAMESPACES.filter((name) => name !== type),
          ),
          { type, path: `/proc/${pid}/ns/${file}` },
        ],
        ...withoutPartsOf(type),
      });
      await using _running = await container.hold();
      const own = await container.pid();
      for (const name of DEFAULT_NAMESPACES) {
        const each = NAMESPACE_FILES[name] ?? "";
        const isSame = namespaceOf(own, each) === namespaceOf(pid, each);
        assertEquals([name, isSame], [name, name === type]);
      }
      assertNotEquals(namespaceOf(own, file), namespaceOf("self", file));
    });
  });
}

test("NEWUSER is joined by its path", async (workspace) => {
  const other = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...MAPPINGS,
  });
  await using _holder = await other.hold();
  const pid = await other.pid();
  const container = await workspace.container({
    namespaces: [
      ...newNamespaces(...DEFAULT_NAMESPACES),
      { type: "NEWUSER", path: `/proc/${pid}/ns/user` },
    ],
  });
  await using _running = await container.hold();
  assertEquals(
    namespaceOf(await container.pid(), "user"),
    namespaceOf(pid, "user"),
  );
  assertEquals(
    statusOf(await container.pid())["Uid"]?.split("\t")[0],
    "100000",
  );
});

test("NEWNS is joined by its path", async (workspace) => {
  await withTarget(workspace, async (pid) => {
    const container = await workspace.container({
      namespaces: [
        ...newNamespaces("NEWUTS", "NEWIPC", "NEWNET"),
        { type: "NEWNS", path: `/proc/${pid}/ns/mnt` },
        { type: "NEWPID", path: `/proc/${pid}/ns/pid` },
      ],
      mounts: [],
      devices: [],
      mask_paths: [],
      readonly_paths: [],
    });
    const { code, stdout, stderr } = await container.sh(
      "readlink /proc/self/ns/mnt",
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trim(), namespaceOf(pid, "mnt"));
  });
});

test("a path that is no namespace, or one of another kind, is refused", async (workspace) => {
  const file = `${workspace.dir}/no-namespace`;
  await Deno.writeTextFile(file, "");
  const paths: [string, RegExp][] = [
    [`${workspace.dir}/missing`, /missing/],
    [file, /no-namespace/],
    ["/proc/self/ns/uts", /\/proc\/self\/ns\/uts/],
    ["/dev/null", /\/dev\/null/],
  ];
  for (const [path, pattern] of paths) {
    const container = await workspace.container({
      namespaces: [
        ...newNamespaces("NEWNS", "NEWUTS", "NEWPID", "NEWNET"),
        { type: "NEWIPC", path },
      ],
    });
    const { code, stderr } = await container.sh("true");
    assertEquals([path, code], [path, 125]);
    assert(pattern.test(stderr), stderr);
  }
  await Deno.remove(file);
});

test("a user namespace maps ids", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...MAPPINGS,
  });
  const script = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map " +
    "/proc/self/setgroups; stat -c %u:%g /dev /proc /dev/pts; " +
    "stat -c %u:%g /dev/null";
  const output = (await container.output(script)).split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "));
  assertEquals(output, [
    "0",
    "0",
    "0 100000 65536",
    "0 200000 65536",
    "allow",
    "0:0",
    // The kernel's own, and the host's node: their owner is not mapped.
    "65534:65534",
    "0:0",
    "65534:65534",
    "",
  ]);
});

test("a user namespace's processes have the mapped ids on the host", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...MAPPINGS,
  });
  await using _running = await container.hold({ flags: ["--user=daemon"] });
  const status = statusOf(await container.pid());
  assertEquals(status["Uid"], "100001\t100001\t100001\t100001");
  assertEquals(status["Gid"], "200001\t200001\t200001\t200001");
  assertEquals(status["Groups"]?.trim(), "200029 200046");
});

test("an id that is not mapped is refused", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...MAPPINGS,
  });
  const { code, stderr } = await container.exec(["--user=70000", "/bin/id"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "uidMappings");
});

test("NEWUSER without mappings is refused", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
  });
  const { code, stderr } = await container.sh("true");
  assertEquals(code, 125);
  assertStringIncludes(stderr, "uid_mappings");
});

test("root of a user namespace has no power over the host's files", async (workspace) => {
  const container = await workspace.container({
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...MAPPINGS,
  });
  const { code } = await container.sh("touch /etc/passwd || exit 9");
  assertEquals(code, 9);
});

function propagationOf(
  output: string,
  point: string,
): readonly string[] | undefined {
  return parseMounts(output).filter((mount) => mount.point === point).at(-1)
    ?.tags.map((tag) => tag.replace(/:\d+$/, ""));
}

test("propagation of the root is as configured", async (workspace) => {
  // In a mount namespace that is shared, so that there is something to inherit.
  const prefix = SHARED_MOUNTS;
  const cases: [Record<string, unknown>, readonly string[]][] = [
    [{}, ["master"]],
    [{ privatefs: true }, []],
    [{ rootPropagation: 0x40000 }, []],
    [{ rootPropagation: 0x84000 }, ["master"]],
  ];
  for (const [changes, wanted] of cases) {
    const container = await workspace.container(changes);
    const output = await container.output("cat /proc/self/mountinfo", {
      prefix,
    });
    assertEquals([changes, propagationOf(output, "/")], [changes, wanted]);
  }
});

test("a mount made on the host reaches a slave, and none comes back", async (workspace) => {
  const shared = `${workspace.dir}/shared`;
  await Deno.mkdir(`${shared}/inner`, { recursive: true });
  const container = await workspace.container({
    capabilities: ["SYS_ADMIN"],
    mounts: [
      ...workspace.config()["mounts"] as Record<string, unknown>[],
      {
        device: "bind",
        source: shared,
        destination: "/mnt/shared",
        flags: 4096 | 16384 | 0x80000,
        data: "",
        relabel: "",
      },
    ],
  });
  const script = `${workspace.dir}/propagation.sh`;
  await writeProgram(
    script,
    `#!/bin/bash
set -e
mount --bind ${shared} ${shared}
mount --make-shared ${shared}
coproc "$@"
read -r line <&"\${COPROC[0]}"
mount -t tmpfs inner ${shared}/inner
touch ${shared}/inner/from-host
echo >&"\${COPROC[1]}"
read -r line <&"\${COPROC[0]}"
echo "$line"
ls ${shared}
wait
`,
  );
  const { stdout, stderr } = await container.sh(
    "echo ready; read -r line; ls /mnt/shared/inner; " +
      "mkdir -p /mnt/shared/back; mount -t tmpfs back /mnt/shared/back && touch /mnt/shared/back/x",
    { prefix: ["unshare", "--mount", script] },
  );
  assertEquals(stderr, "");
  assertStringIncludes(stdout, "from-host");
  assert(!stdout.includes("x\n"), "a mount of the container came back");
  await Deno.remove(shared, { recursive: true });
  await Deno.remove(`${workspace.rootfs}/mnt`, { recursive: true });
});

test("the first process is pid 1 and sees only its own", async (workspace) => {
  const container = await workspace.container();
  const output = await container.output(
    "echo $$; ls /proc | grep -E '^[0-9]+$'",
  );
  assertEquals(output.split("\n").slice(0, 2), ["1", "1"]);
  assert(output.split("\n").length < 7, output);
});

test("processes of a joined pid namespace die with their container only", async (workspace) => {
  await withTarget(workspace, async (pid) => {
    const container = await workspace.container({
      namespaces: [
        ...newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWNET"),
        { type: "NEWPID", path: `/proc/${pid}/ns/pid` },
      ],
    });
    const running = container.start([
      "/bin/sh",
      "-c",
      "sleep 1000 & echo ready; exec cat",
    ]);
    await using _running = running;
    await running.waitForOutput("ready");
    await running.closeStdin();
    assertEquals((await running.result()).code, 0);
    // The other container's first process inherits the dead and may not care.
    const left = descendantsOf(pid).filter((child) => isAlive(child));
    assertEquals(left, []);
    assert(isAlive(pid));
  });
});

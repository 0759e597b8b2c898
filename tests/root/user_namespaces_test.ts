/** User namespaces of several ranges, alone and shared by path. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type ConfigJson,
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { mustRun } from "../support/nsinit.ts";
import { namespaceOf, statusOf } from "../support/process_status.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("userns");

function range(containerId: number, hostId: number, size: number): ConfigJson {
  return { container_id: containerId, host_id: hostId, size };
}

/** Root, a hundred system users, and one far away. */
const RANGES = {
  uid_mappings: [
    range(0, 500000, 1),
    range(1, 600000, 100),
    range(60000, 700000, 10),
  ],
  gid_mappings: [
    range(0, 510000, 1),
    range(1, 610000, 100),
    range(60000, 710000, 10),
  ],
};

/** A container with a root of its own, whose files root inside owns. */
async function mapped(
  workspace: Workspace,
  changes: ConfigJson = {},
): Promise<TestContainer> {
  const rootfs = `${workspace.dir}/${workspace.newName()}`;
  await makeTestRootfs(rootfs);
  await mustRun(["chown", "-R", "500000:510000", rootfs]);
  return await workspace.container({
    rootfs,
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    ...RANGES,
    ...changes,
  });
}

function squeeze(text: string): string[] {
  return text.trim().split("\n").map((line) =>
    line.trim().replaceAll(/\s+/g, " ")
  );
}

test("every range is mapped, and what lies between is nobody's", async (workspace) => {
  const container = await mapped(workspace);
  const output = await container.output(
    "cat /proc/self/uid_map /proc/self/gid_map; cd /tmp; for id in 0 100 60009; do touch f$id && chown $id:$id f$id || exit; done; chown 101 f0 2>/dev/null; stat -c %u:%g f0 f100 f60009",
  );
  assertEquals(squeeze(output), [
    "0 500000 1",
    "1 600000 100",
    "60000 700000 10",
    "0 510000 1",
    "1 610000 100",
    "60000 710000 10",
    "0:0",
    "100:100",
    "60009:60009",
  ]);
});

test("files made by users of each range have its ids on the host", async (workspace) => {
  const container = await mapped(workspace);
  for (
    const [user, uid, gid] of [
      ["0:0", 500000, 510000],
      ["7:9", 600006, 610008],
      ["60003:60004", 700003, 710004],
    ] as const
  ) {
    const script = `touch /tmp/of-${uid} && stat -c %u:%g /tmp/of-${uid}`;
    const { code, stdout } = await container.exec([
      "--user",
      user,
      "/bin/sh",
      "-c",
      script,
    ]);
    assertEquals([code, stdout], [0, `${user}\n`]);
    const rootfs = String(
      JSON.parse(await Deno.readTextFile(`${container.dir}/container.json`))
        .rootfs,
    );
    const info = await Deno.stat(`${rootfs}/tmp/of-${uid}`);
    assertEquals([info.uid, info.gid], [uid, gid]);
  }
});

test("a joined process is in the same ranges, with groups, limits and its user", async (workspace) => {
  const container = await mapped(workspace, {
    additional_groups: ["60001", "50"],
    rlimits: [{ type: 7, soft: 300, hard: 400 }],
  });
  await using _running = await container.hold({
    flags: ["--user=60002:60002"],
  });
  const pid = await container.pid();
  assertEquals(statusOf(pid)["Uid"]?.split("\t")[0], "700002");
  assertEquals(statusOf(pid)["Groups"]?.trim(), "610049 710001");
  const { stdout } = await container.exec([
    "--user",
    "5:6",
    "/bin/sh",
    "-c",
    "id -u; id -g; id -G; ulimit -n; readlink /proc/self/ns/user",
  ]);
  const [uid, gid, groups, limit, namespace] = stdout.split("\n");
  assertEquals([uid, gid, limit], ["5", "6", "300"]);
  assertEquals(groups?.split(" ").sort(), ["50", "6", "60001"]);
  assertEquals(namespace, namespaceOf(pid, "user"));
  const { code, stderr } = await container.exec(["--user", "101", "/bin/true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "uidMappings");
});

test("parameters and interfaces of its namespaces are the container's", async (workspace) => {
  const container = await mapped(workspace, {
    sysctl: {
      "kernel.shmmni": "77",
      "net.ipv4.ip_forward": "1",
      "kernel.domainname": "inside",
    },
  });
  const output = await container.output(
    "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/domainname /proc/sys/kernel/hostname; ip addr show lo | grep -c 127.0.0.1",
  );
  assertEquals(
    squeeze(output),
    ["77", "1", "inside", "testing", "1", "changed"].filter((_, at) =>
      at !== 5
    ),
  );
});

test("another container shares the user namespace by its path", async (workspace) => {
  const first = await mapped(workspace);
  await using _running = await first.hold();
  const pid = await first.pid();
  const namespaces = [
    ...newNamespaces(...DEFAULT_NAMESPACES.filter((type) => type !== "NEWNET")),
    { type: "NEWUSER", path: `/proc/${pid}/ns/user` },
    // What the namespace owns may be shared along with it.
    { type: "NEWNET", path: `/proc/${pid}/ns/net` },
  ];
  const second = await mapped(workspace, {
    namespaces,
    networks: [],
    uid_mappings: null,
    gid_mappings: null,
  });
  await using _other = await second.hold({ flags: ["--user", "60001:1"] });
  const other = await second.pid();
  for (
    const [file, isSame] of [["user", true], ["net", true], ["mnt", false], [
      "pid",
      false,
    ]] as const
  ) {
    assertEquals([file, namespaceOf(other, file) === namespaceOf(pid, file)], [
      file,
      isSame,
    ]);
  }
  assertEquals(statusOf(other)["Uid"]?.split("\t")[0], "700001");
  const { code, stdout } = await second.exec([
    "--user",
    "100",
    "/bin/sh",
    "-c",
    "id -u; cat /proc/self/uid_map | wc -l",
  ]);
  assertEquals([code, squeeze(stdout)], [0, ["100", "3"]]);
});

test("a network that the joined user namespace does not own is joined by its path", async (workspace) => {
  const owner = await mapped(workspace);
  await using _running = await owner.hold();
  const pid = await owner.pid();
  // Of the host's user namespace: inside the joined one nobody has rights over it.
  const stranger = await workspace.container();
  await using _strange = await stranger.hold();
  const net = `/proc/${await stranger.pid()}/ns/net`;
  const container = await mapped(workspace, {
    namespaces: [
      ...newNamespaces(
        ...DEFAULT_NAMESPACES.filter((type) => type !== "NEWNET"),
      ),
      { type: "NEWUSER", path: `/proc/${pid}/ns/user` },
      { type: "NEWNET", path: net },
    ],
    // A new sysfs takes rights over the network.
    mounts: [{ device: "proc", source: "proc", destination: "/proc" }],
    networks: [],
    devices: [],
    mask_paths: [],
    readonly_paths: [],
    uid_mappings: null,
    gid_mappings: null,
  });
  await using _other = await container.hold();
  const own = await container.pid();
  for (
    const [file, other] of [["user", pid], [
      "net",
      await stranger.pid(),
    ]] as const
  ) {
    assertEquals([file, namespaceOf(own, file)], [
      file,
      namespaceOf(other, file),
    ]);
  }
  assertEquals(
    squeeze(await container.output("readlink /proc/self/ns/net")),
    [namespaceOf(own, "net")],
  );
  assertEquals(statusOf(own)["Uid"]?.split("\t")[0], "500000");
});

test("as many ranges as the kernel takes work, one more is refused", async (workspace) => {
  const ranges = (count: number, first = 2000): ConfigJson[] =>
    Array.from({ length: count }, (_, at) => range(at * 2, first + at * 2, 1));
  const full = await mapped(workspace, {
    uid_mappings: ranges(340),
    gid_mappings: ranges(340),
  });
  const lines = await full.output(
    "cat /proc/self/uid_map /proc/self/gid_map | wc -l",
  );
  assertEquals(lines, "680\n");
  const more = await mapped(workspace, { uid_mappings: ranges(341) });
  const { code, stderr } = await more.sh("true");
  assertEquals(code, 125);
  assertMatch(stderr, /uid_mappings.*341 lines, the kernel takes 340/);
  // The text of the lines has to fit into a page.
  const long = await mapped(workspace, { uid_mappings: ranges(340, 500000) });
  const refused = await long.sh("true");
  assertEquals(refused.code, 125);
  assertMatch(
    refused.stderr,
    /uid_mappings.*bytes of lines, the kernel takes 4095/,
  );
});

test("ranges that cannot be are refused with their place", async (workspace) => {
  const cases: [string, ConfigJson[], RegExp][] = [
    [
      "uid_mappings",
      [range(0, 1, 2), range(1, 9, 1)],
      /container ids from 1 are mapped twice/,
    ],
    [
      "gid_mappings",
      [range(0, 5, 2), range(9, 6, 1)],
      /host ids from 6 are mapped twice/,
    ],
    ["uid_mappings", [range(0, 1, 0)], /uid_mappings\[0\]\.size.*1 or more/],
    ["gid_mappings", [range(0, 4294967290, 10)], /gid_mappings\[0\].*beyond/],
    ["uid_mappings", [range(1, 1, 10)], /mapping of id 0/],
  ];
  for (const [key, value, pattern] of cases) {
    const container = await mapped(workspace, { [key]: value });
    const { code, stderr } = await container.sh("true");
    assertEquals(code, 125, stderr);
    assertMatch(stderr, pattern);
  }
});

test("where user namespaces are switched off the error says by what", async (workspace) => {
  const container = await mapped(workspace, {
    uid_mappings: [range(0, 0, 1)],
    gid_mappings: [range(0, 0, 1)],
  });
  // The setting counts for a user namespace and those below it, so it is
  // switched off in one that the test makes.
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const { code, stderr } = await container.sh("true", {
    prefix: [
      "unshare",
      "--user",
      "--map-root-user",
      "--mount",
      "sh",
      "-c",
      script,
      "sh",
    ],
  });
  assertEquals(code, 125);
  assertStringIncludes(stderr, "user.max_user_namespaces");
});

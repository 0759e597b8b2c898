/** Wrong input: one clear sentence, the right status, and nothing left. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { cgroupMounts } from "../support/host_state.ts";
import { TestNetwork } from "../support/network.ts";
import type { RunOptions } from "../support/nsinit.ts";

const test = containerTests("errors");

/** One fault: what is written, and what must be said of it. */
interface Fault {
  readonly name: string;
  readonly text: string | ((workspace: Workspace) => string);
  readonly pattern: RegExp;
  readonly lines?: number;
}

function changed(changes: ConfigJson): (workspace: Workspace) => string {
  return (workspace) => JSON.stringify(workspace.config(changes));
}

const FAULTS: readonly Fault[] = [
  {
    name: "broken JSON",
    text: '{\n  "rootfs": ,\n}',
    pattern: /container\.json:2:13: /,
  },
  {
    name: "an empty file",
    text: "",
    pattern: /container\.json:1:1: /,
  },
  {
    name: "text after the end",
    text: '{"namespaces": [{"type": "NEWNS"}]} x',
    pattern: /container\.json:1:37: /,
  },
  {
    name: "no object",
    text: "[1, 2]",
    pattern: /container\.json:1:1: .*object/,
  },
  {
    name: "wrong types, all at once",
    text:
      '{\n "namespaces": [{"type": "NEWNS"}],\n "readonlyfs": "yes",\n "mounts": {},\n "hostname": 5\n}',
    pattern:
      /:3:16: readonlyfs: (.|\n)*:4:12: mounts: (.|\n)*:5:14: hostname: /,
    lines: 3,
  },
  {
    name: "an unknown key",
    text: '{\n "namespaces": [{"type": "NEWNS"}],\n "hostnam": "x"\n}',
    pattern: /:3:2: .*did you mean "hostname"/,
  },
  {
    name: "an unknown capability",
    text: changed({ capabilities: ["KIL"] }),
    pattern: /capabilities\[0\]: .*did you mean "KILL"/,
  },
  {
    name: "an unknown namespace",
    text: '{"rootfs": "/", "namespaces": [{"type": "NEWNETT"}]}',
    pattern: /namespaces\[0\].*NEWNET/,
  },
  {
    name: "a key twice",
    text:
      '{"namespaces": [{"type": "NEWNS"}], "hostname": "a", "hostname": "b"}',
    pattern: /hostname.*(twice|duplicate|again)/,
  },
  {
    name: "a dialect that nothing decides",
    text: '{"capabilities": ["CHOWN"]}',
    pattern: /--dialect/,
  },
  {
    name: "an OCI configuration without a root",
    text: '{"ociVersion": "1.0.2", "root": {}}',
    pattern: /:1:\d+: root\.path: missing/,
  },
  {
    name: "a missing rootfs",
    text: changed({ rootfs: "/nowhere/rootfs" }),
    pattern: /rootfs \/nowhere\/rootfs: it does not exist/,
  },
  {
    name: "a rootfs that is a file",
    text: changed({ rootfs: "/etc/passwd" }),
    pattern: /\/etc\/passwd.*not a directory/,
  },
  {
    name: "a mount onto the root",
    text: changed({
      mounts: [...SYSTEM_MOUNTS, mount("bind", "/tmp", "/", BIND)],
    }),
    pattern: /mounts\[6\]\.destination/,
  },
  {
    name: "a mount inside /proc",
    text: changed({
      mounts: [...SYSTEM_MOUNTS, mount("bind", "/tmp", "/proc/self", BIND)],
    }),
    pattern: /mounts\[6\]\.destination.*\/proc/,
  },
  {
    name: "a host name without its namespace",
    text: changed({
      namespaces: newNamespaces("NEWNS", "NEWPID", "NEWIPC", "NEWNET"),
    }),
    pattern: /hostname.*NEWUTS/,
  },
  {
    name: "an interface without its namespace",
    text: changed({
      namespaces: newNamespaces("NEWNS", "NEWPID", "NEWIPC", "NEWUTS"),
    }),
    pattern: /networks?.*NEWNET/,
  },
  {
    name: "a cgroup that leaves its parent",
    text: changed({ cgroups: { parent: "../.." } }),
    pattern: /cgroups\.parent/,
  },
  {
    name: "swap below memory",
    text: changed({ cgroups: { memory: 33554432, memory_swap: 1048576 } }),
    pattern: /memory_swap/,
  },
  {
    name: "cpu shares that the kernel would change",
    text: changed({ cgroups: { cpu_shares: 1 } }),
    pattern: /cpu_shares/,
  },
  {
    name: "an interface on no bridge of this host",
    text: changed({
      networks: [{
        type: "veth",
        name: "eth0",
        bridge: "no-such-bridge",
        address: "10.9.8.7/24",
        gateway: "",
        host_interface_name: "nsitestno0",
      }],
    }),
    pattern: /bridge.*no-such-bridge|no-such-bridge.*bridge/,
  },
];

function isOneMessage(stderr: string, count: number): boolean {
  const lines = stderr.trimEnd().split("\n");
  return lines.length === count && (lines[0] ?? "").startsWith("nsinit: ") &&
    lines.slice(1).every((line) => line.startsWith("  ")) &&
    !/\bat (async )?\S+ \(|file:\/\/|Internal error/.test(stderr);
}

async function refuse(
  workspace: Workspace,
  fault: Fault,
  options: RunOptions = {},
): Promise<void> {
  const dir = await workspace.newDirectory();
  const { text } = fault;
  const config = typeof text === "string" ? text : text(workspace);
  const container = await workspace.containerIn(dir, config);
  const { code, stdout, stderr } = await container.sh("echo ran", options);
  assertEquals([code, stdout], [125, ""], stderr);
  assertMatch(stderr, fault.pattern);
  assert(isOneMessage(stderr, fault.lines ?? 1), stderr);
  const files = await Array.fromAsync(Deno.readDir(dir));
  assertEquals(files.map(({ name }) => name), ["container.json"]);
}

for (const fault of FAULTS) {
  test(`${fault.name} is refused`, (workspace) => refuse(workspace, fault));
}

test(
  "an interface on something that is no bridge is refused",
  async (workspace) => {
    await using network = await TestNetwork.create();
    await network.run("ip", "link", "add", "dummy0", "type", "veth");
    const before = await network.interfaces();
    await refuse(workspace, {
      name: "",
      text: changed({
        networks: [{
          type: "veth",
          name: "eth0",
          bridge: "dummy0",
          address: "10.9.8.7/24",
          gateway: "",
          host_interface_name: "nsitest0",
        }],
      }),
      pattern: /dummy0/,
    }, { prefix: network.prefix });
    assertEquals(await network.interfaces(), before);
  },
  { needs: ["ip"] },
);

test("an interface name that is taken is refused", async (workspace) => {
  await using network = await TestNetwork.create({
    name: "bridge0",
    addresses: [],
  });
  const before = await network.interfaces();
  await refuse(workspace, {
    name: "",
    text: changed({
      networks: [{
        type: "veth",
        name: "eth0",
        bridge: "bridge0",
        address: "10.9.8.7/24",
        gateway: "",
        host_interface_name: "bridge0",
      }],
    }),
    pattern: /bridge0/,
  }, { prefix: network.prefix });
  assertEquals(await network.interfaces(), before);
}, { needs: ["ip"] });

test("exec by a user in the state root of another is refused", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout, stderr } = await container.sh("echo ran", {
    prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    env: { XDG_RUNTIME_DIR: "" },
  });
  assertEquals([code, stdout], [125, ""], stderr);
  assertMatch(stderr, /belongs to user 0.*XDG_RUNTIME_DIR.*--root DIR\n$/);
});

test("explain works for another user than root", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await workspace.nsinit(["explain", "/bin/true"], {
    cwd: container.dir,
    prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  });
  assertEquals(code, 0);
  assertMatch(stdout, /exec/);
});

test(
  "a limit whose controller is not mounted is refused",
  async (workspace) => {
    const point = cgroupMounts().find((path) => path.endsWith("/memory"));
    await refuse(workspace, {
      name: "",
      text: changed({ cgroups: { memory: 33554432 } }),
      pattern: /memory/,
    }, {
      prefix: [
        "unshare",
        "--mount",
        "bash",
        "-c",
        `umount ${point} && exec "$@"`,
        "bash",
      ],
    });
  },
  { needs: ["cgroup-v1", "memory-cgroup"] },
);

test("a host without cgroups is refused", async (workspace) => {
  await refuse(workspace, {
    name: "",
    text: changed({}),
    pattern: /cgroup/,
  }, {
    prefix: [
      "unshare",
      "--mount",
      "bash",
      "-c",
      'umount -R /sys/fs/cgroup && exec "$@"',
      "bash",
    ],
  });
}, { needs: ["cgroup-v1"] });

test("a cgroup value that the kernel refuses is told with its file", async (workspace) => {
  await refuse(workspace, {
    name: "",
    text: changed({ cgroups: { cpuset_cpus: "4000" } }),
    pattern: /cpuset\.cpus/,
  });
});

test("containers of one configuration get groups of their own", async (workspace) => {
  const first = await workspace.container();
  await using _running = await first.hold();
  const text = await Deno.readTextFile(`${first.dir}/container.json`);
  const second = await workspace.containerIn(
    await workspace.newDirectory(),
    text,
  );
  const groups = await second.output("cat /proc/self/cgroup");
  const other = await Deno.readTextFile(`/proc/${await first.pid()}/cgroup`);
  assertStringIncludes(groups, workspace.tag);
  assertNotEquals(groups, other);
});

test("a device that is not what its name says is refused", async (workspace) => {
  const container = await workspace.container({ mounts: [] });
  const path = `${workspace.rootfs}/dev/null`;
  await Deno.writeTextFile(path, "");
  try {
    const { code, stderr } = await container.sh("true");
    assertEquals(code, 125);
    assertMatch(stderr, /\/dev\/null/);
  } finally {
    for (
      const name of await Array.fromAsync(
        Deno.readDir(`${workspace.rootfs}/dev`),
      )
    ) {
      await Deno.remove(`${workspace.rootfs}/dev/${name.name}`, {
        recursive: true,
      });
    }
  }
});

test("commands on a container that is none say so", async (workspace) => {
  for (const command of ["state", "ps", "kill", "delete"]) {
    const { code, stderr } = await workspace.nsinit([command, "no-such"]);
    assertEquals([command, code], [command, 125]);
    assertMatch(stderr, /^nsinit: Cannot .* no-such: .*does not exist.*\n$/);
  }
});

test("--log-format json prints errors as objects", async (workspace) => {
  const container = await workspace.container({ rootfs: "/nowhere" });
  const { code, stderr } = await container.exec([
    "--log-format=json",
    "/bin/true",
  ]);
  assertEquals(code, 125);
  const line = JSON.parse(stderr);
  assertEquals([line.level, line.code], ["error", "ConfigInvalid"]);
  assertMatch(line.msg, /nowhere/);
});

test("control characters of a hostile name do not reach the terminal", async (workspace) => {
  const container = await workspace.container();
  const { code, stderr } = await container.exec(["/bin/\x1b[2J\x07evil"]);
  assertEquals(code, 127);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f]/.test(stderr), JSON.stringify(stderr));
});

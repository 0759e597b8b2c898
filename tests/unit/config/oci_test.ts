import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadConfig, parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError, type ConfigProblem } from "../../../lib/errors.ts";

const FIXTURES = new URL("../../fixtures/oci/config/", import.meta.url)
  .pathname;

function listFixtures(kind: "good" | "bad"): string[] {
  return [...Deno.readDirSync(`${FIXTURES}${kind}`)].map(({ name }) => name)
    .sort();
}

/** A minimal config.json with further members. */
function text(members: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    ...members,
  });
}

function process(members: Record<string, unknown> = {}): unknown {
  return { cwd: "/", args: ["sh"], ...members };
}

const NAMESPACES = ["mount", "pid", "network", "ipc", "uts"].map((type) => ({
  type,
}));

function linux(members: Record<string, unknown> = {}): unknown {
  return { namespaces: NAMESPACES, ...members };
}

async function read(
  members: Record<string, unknown> = {},
  warnings: string[] = [],
): Promise<Config> {
  return await parseConfig(text(members), {
    path: "/bundle/config.json",
    onWarning: ({ message }) => warnings.push(message),
  });
}

async function problemsOf(source: string): Promise<readonly ConfigProblem[]> {
  const error = await assertRejects(() => parseConfig(source), ConfigError);
  return error.problems;
}

Deno.test("every good fixture of the specification is read", async () => {
  for (const name of listFixtures("good")) {
    const config = await loadConfig(`${FIXTURES}good/${name}`);
    assertEquals(config.dialect, "OCI", name);
    assertEquals(config.rootfs, `${FIXTURES}good/rootfs`, name);
  }
});

Deno.test("every bad fixture of the specification is refused at its place", async () => {
  const places: Record<string, [string, number]> = {
    "freebsd-vnet-disable.json": ["freebsd.jail.vnet", 8],
    "invalid-json.json": ["", 1],
    "linux-hugepage.json": ["linux.resources.hugepageLimits[0].pageSize", 11],
    "linux-netdevice.json": ["linux.netDevices.eth0.name", 9],
    "linux-rdma.json": ["linux.resources.rdma.mlx5_1.hcaHandles", 10],
  };
  for (const name of listFixtures("bad")) {
    const path = `${FIXTURES}bad/${name}`;
    const error = await assertRejects(() => loadConfig(path), ConfigError);
    const [problem] = error.problems;
    assertEquals([problem?.path, problem?.line], places[name], name);
    assert(error.message.startsWith(`${path}:`), error.message);
  }
});

Deno.test("the example of the specification is read in full", async () => {
  const config = await loadConfig(`${FIXTURES}good/spec-example.json`);
  assertEquals(config.process, {
    args: ["sh"],
    env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "TERM=xterm",
    ],
    user: "1:1",
    cwd: "/",
    tty: true,
    makeCwd: true,
  });
  assertEquals(config.additionalGroups, ["5", "6"]);
  assert(config.capabilities && "ambient" in config.capabilities);
  assertEquals(config.capabilities.ambient, ["NET_BIND_SERVICE"]);
  assertEquals(config.namespaces.length, 8);
  assertEquals(config.devices.slice(6).map(({ path }) => path), [
    "/dev/fuse",
    "/dev/sda",
  ]);
  const { cgroups } = config;
  assertEquals([cgroups?.parent, cgroups?.name], ["/myRuntime", "myContainer"]);
  assertEquals(cgroups?.hugetlbLimit?.[0]?.limit, 9223372036854772000n);
  assertEquals([cgroups?.kernelMemory, cgroups?.memorySwappiness], [-1, 0]);
  assertEquals(config.hooks?.poststart?.[0]?.timeout, 5);
  assertEquals(config.timeOffsets?.boottime?.secs, 604800);
  assertEquals(config.labels, [
    "com.example.key1=value1",
    "com.example.key2=value2",
  ]);
  assertEquals(config.mounts[1]?.flags, 0x1000002);
  assertEquals(config.mounts[1]?.data, "mode=755,size=65536k");
  assertEquals(config.seccomp?.syscalls.map(({ name }) => name), [
    "getcwd",
    "chmod",
  ]);
});

Deno.test("versions of the specification are checked", async () => {
  for (const version of ["1.0.0", "1.3.0", "1.2.0-dev", "0.5.0-dev+a.b"]) {
    await parseConfig(JSON.stringify({ ociVersion: version }));
  }
  for (const version of ["", "abc", "1.0", "01.0.0", "2.0.0", "9.0.0", 1]) {
    const [problem] = await problemsOf(JSON.stringify({ ociVersion: version }));
    assertEquals(problem?.path, "ociVersion", String(version));
  }
});

Deno.test("members that nobody knows are passed over, wrong types are not", async () => {
  const config = await read({
    future: { a: [1] },
    process: process({ Sidecar: null, sidecar: 5 }),
    linux: linux({ seccomp: { defaultAction: "SCMP_ACT_ALLOW", kind: "x" } }),
  });
  assertEquals(config.seccomp?.ignoreUnknown, true);
  const wrong = [
    [{ process: process({ args: "sh" }) }, "process.args"],
    [{ process: process({ terminal: 1 }) }, "process.terminal"],
    [{ process: { args: ["sh"] } }, "process.cwd"],
    [{ process: process({ cwd: "tmp" }) }, "process.cwd"],
    [{ process: process({ user: { uid: -1 } }) }, "process.user.uid"],
    [{ process: process({ user: { uid: 4294967295 } }) }, "process.user.uid"],
    [{ process: process({ user: { uid: 1.5 } }) }, "process.user.uid"],
    [{ process: process({ user: { uid: "0" } }) }, "process.user.uid"],
    [
      { process: process({ user: { additionalGids: [-5] } }) },
      "process.user.additionalGids[0]",
    ],
    [{ root: {} }, "root.path"],
    [{ annotations: { a: 1 } }, "annotations.a"],
    [{ annotations: { "": "x" } }, "annotations."],
    [{ mounts: [{ type: "proc" }] }, "mounts[0].destination"],
    [{ mounts: [{ destination: "/a" }] }, "mounts[0].type"],
    [
      { mounts: [{ destination: "/a", type: "tmpfs", options: "ro" }] },
      "mounts[0].options",
    ],
    [
      { mounts: [{ destination: "/proc/sys", type: "tmpfs" }], linux: linux() },
      "mounts[0].destination",
    ],
    [{ hooks: { poststop: [{}] } }, "hooks.poststop[0].path"],
    [
      { hooks: { poststop: [{ path: "/a", timeout: 0 }] } },
      "hooks.poststop[0].timeout",
    ],
    [{ linux: { namespaces: [{ type: "nets" }] } }, "linux.namespaces[0].type"],
    [{ linux: { namespaces: [{}] } }, "linux.namespaces[0].type"],
    [{ linux: linux({ sysctl: { "net.x": 1 } }) }, "linux.sysctl.net.x"],
    [
      { linux: linux({ rootfsPropagation: "slaves" }) },
      "linux.rootfsPropagation",
    ],
    [
      { linux: linux({ resources: { memory: { limit: "1m" } } }) },
      "linux.resources.memory.limit",
    ],
    [
      { linux: linux({ resources: { cpu: { period: 5 } } }) },
      "linux.resources.cpu.period",
    ],
    [
      { linux: linux({ seccomp: { syscalls: [] } }) },
      "linux.seccomp.defaultAction",
    ],
    [
      { linux: linux({ memoryPolicy: { mode: "MPOL_BIND" } }) },
      "linux.memoryPolicy.nodes",
    ],
    [
      { linux: linux({ intelRdt: { memBwSchema: "L3:0" } }) },
      "linux.intelRdt.memBwSchema",
    ],
    [{ hostname: "a", linux: { namespaces: [{ type: "pid" }] } }, "hostname"],
  ] as const;
  for (const [members, path] of wrong) {
    const problems = await problemsOf(text(members));
    const found = problems.map((problem) =>
      problem.path.replaceAll(/\["([^"]*)"\]/g, ".$1")
    );
    assert(found.includes(path), `${path}: ${found.join(" ")}`);
  }
});

Deno.test("unknown capabilities are told and left out", async () => {
  const warnings: string[] = [];
  const config = await read({
    process: process({
      capabilities: { bounding: ["CAP_KILL", "CAP_FUTURE", "CAP_KILL"] },
    }),
  }, warnings);
  assertEquals(config.capabilities, {
    bounding: ["KILL"],
    effective: [],
    inheritable: [],
    permitted: [],
    ambient: [],
  });
  assertEquals(warnings.length, 1);
  assert(warnings[0]?.includes("CAP_FUTURE"));
});

Deno.test("limits of a process keep 64 bits and come once each", async () => {
  const limit = (type: string): unknown => ({ type, soft: 5, hard: 6 });
  const source = text({ process: process({ rlimits: [limit("RLIMIT_CORE")] }) })
    .replace('"hard":6', '"hard":18446744073709551615');
  const { rlimits } = await parseConfig(source);
  assertEquals(rlimits, [{ type: 4, soft: 5, hard: 18446744073709551615n }]);
  for (
    const rlimits of [
      [limit("RLIMIT_CORES")],
      [limit("CORE")],
      [limit("RLIMIT_CPU"), limit("RLIMIT_CPU")],
      [{ type: "RLIMIT_CPU", soft: 5 }],
    ]
  ) await problemsOf(text({ process: process({ rlimits }) }));
});

Deno.test("options of mounts become flags, the rest goes to the file system", async () => {
  const mount = async (
    options: string[],
    members: Record<string, unknown> = {},
  ): Promise<Config["mounts"][number] | undefined> =>
    (await read({
      linux: linux(),
      mounts: [{ destination: "/a", type: "ext4", options, ...members }],
    })).mounts[0];
  const plain = await mount(["ro", "rw", "nosuid", "discard", "size=5", "acl"]);
  assertEquals(plain, {
    device: "ext4",
    source: "",
    destination: "/a",
    flags: 2,
    data: "discard,size=5,acl",
    relabel: "",
  });
  const bind = await mount(["rbind", "ro", "rnodev", "rslave", "shared"], {
    source: "data",
    type: "none",
  });
  assertEquals([bind?.device, bind?.source, bind?.flags], [
    "bind",
    "/bundle/data",
    0x5001,
  ]);
  assertEquals(bind?.recursive, { set: 4, clear: 0 });
  assertEquals(bind?.propagationFlags, [0x84000, 0x100000]);
  const cleared = await mount(["bind", "rw", "exec", "rexec", "rnoexec"], {
    source: "/x",
  });
  assertEquals(cleared?.clearFlags, 9);
  assertEquals(cleared?.recursive, { set: 8, clear: 0 });
  const copied = await mount(["tmpcopyup"], { type: "tmpfs" });
  assertEquals(copied?.tmpcopyup, true);
  const mapped = await mount(["bind", "ridmap"], {
    source: "/x",
    uidMappings: [{ containerID: 0, hostID: 5, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 5, size: 1 }],
  });
  assertEquals(mapped?.idmap?.recursive, true);
  assertEquals(mapped?.idmap?.uidMappings?.[0]?.hostId, 5);
});

Deno.test("every option that runtimes know is taken or told", async () => {
  const known =
    "async atime bind defaults dev diratime dirsync exec iversion " +
    "lazytime loud mand noatime nodev nodiratime noexec noiversion " +
    "nolazytime nomand norelatime nostrictatime nosuid nosymfollow rbind " +
    "relatime ro rw silent strictatime suid symfollow sync private " +
    "rprivate shared rshared slave rslave unbindable runbindable rro rrw " +
    "rnosuid rsuid rnodev rdev rnoexec rexec rnodiratime rdiratime rrelatime " +
    "rnorelatime rnoatime ratime rstrictatime rnostrictatime rnosymfollow " +
    "rsymfollow acl noacl";
  for (const option of known.split(" ")) {
    const { mounts: [mount] } = await read({
      linux: linux(),
      mounts: [{
        destination: "/a",
        type: "tmpfs",
        source: "/x",
        options: [option],
      }],
    });
    assertEquals(mount?.data, "", option);
  }
});

Deno.test("words that are no option of a bind are told and left out", async () => {
  const warnings: string[] = [];
  const { mounts: [mount] } = await read({
    linux: linux(),
    mounts: [{
      destination: "/a",
      type: "bind",
      source: "/x",
      options: ["rbind", "readonly"],
    }],
  }, warnings);
  assertEquals([mount?.data, mount?.flags], ["", 0x5000]);
  assert(warnings[0]?.includes('"readonly"'));
});

Deno.test("relative destinations count from the root, with a warning", async () => {
  const warnings: string[] = [];
  const { mounts } = await read({
    linux: linux(),
    mounts: [{ destination: "data", type: "tmpfs" }],
  }, warnings);
  assertEquals([mounts[0]?.destination, warnings.length], ["/data", 1]);
});

/** What a list of rules allows in the end, as lines of devices.list. */
async function rulesOf(devices: unknown): Promise<[boolean, string[]]> {
  const { cgroups } = await read({ linux: linux({ resources: { devices } }) });
  const { allowAllDevices = false, allowedDevices, deniedDevices } = cgroups ??
    {};
  const lines = (allowedDevices ?? deniedDevices ?? []).map((rule) =>
    `${rule.type} ${rule.major}:${rule.minor} ${rule.permissions}`
  );
  return [allowAllDevices, lines];
}

const DEFAULTS = [
  "c -1:-1 m",
  "b -1:-1 m",
  "c 1:3 rwm",
  "c 1:5 rwm",
  "c 1:7 rwm",
  "c 5:0 rwm",
  "c 1:9 rwm",
  "c 1:8 rwm",
  "c 136:-1 rwm",
  "c 5:2 rwm",
  "c 10:200 rwm",
];

Deno.test("device rules are applied in order, then those of every runtime", async () => {
  const all = { access: "rwm" };
  const rule = (allow: boolean, minor: number, access: string): unknown => ({
    allow,
    type: "c",
    major: 10,
    minor,
    access,
  });
  assertEquals(await rulesOf([]), [false, DEFAULTS]);
  assertEquals(await rulesOf([{ allow: false, ...all }]), [false, DEFAULTS]);
  assertEquals(await rulesOf([{ allow: true, ...all }]), [true, []]);
  assertEquals(
    await rulesOf([rule(true, 229, "rw"), rule(false, 229, "w")]),
    [false, ["c 10:229 r", ...DEFAULTS]],
  );
  assertEquals(
    await rulesOf([rule(true, 229, "rw"), { allow: false, ...all }]),
    [false, DEFAULTS],
  );
  assertEquals(
    await rulesOf([{ allow: true, type: "a" }, rule(false, 229, "rwm")]),
    [true, ["c 10:229 rwm"]],
  );
  assertEquals(
    await rulesOf([{ allow: true, type: "a" }, {
      allow: false,
      type: "c",
      major: 1,
      minor: 3,
      access: "rwm",
    }]),
    [true, []],
  );
});

Deno.test("a device rule of any type with numbers is one of both types", async () => {
  const [, any] = await rulesOf([
    { allow: true, type: "a", major: 7, minor: 1, access: "rw" },
  ]);
  const [, both] = await rulesOf([
    { allow: true, type: "b", major: 7, minor: 1, access: "rw" },
    { allow: true, type: "c", major: 7, minor: 1, access: "rw" },
  ]);
  assertEquals(any, both);
  assert(any.includes("b 7:1 rw"));
});

Deno.test("device rules that no kernel could keep are refused", async () => {
  const hole = [
    { allow: true, type: "c", major: 10, access: "rwm" },
    { allow: false, type: "c", major: 10, minor: 5, access: "w" },
  ];
  const wrong = [
    hole,
    [{ allow: true, type: "p", access: "rwm" }],
    [{ allow: true, type: "c", access: "x" }],
    [{ type: "c" }],
  ];
  for (const devices of wrong) {
    await problemsOf(text({ linux: linux({ resources: { devices } }) }));
  }
});

Deno.test("a node of the file takes the place of the default one", async () => {
  const { devices } = await read({
    linux: linux({
      devices: [{ type: "c", path: "/dev/null", major: 1, minor: 3, uid: 7 }],
    }),
  });
  assertEquals(devices.length, 6);
  assertEquals(devices.at(-1), {
    type: "c",
    path: "/dev/null",
    major: 1,
    minor: 3,
    permissions: "rwm",
    fileMode: 0o666,
    uid: 7,
    gid: 0,
  });
});

Deno.test("the mode of a node may hold its type as well", async () => {
  const { devices } = await read({
    linux: linux({
      devices: [{
        type: "c",
        path: "/dev/fuse",
        major: 10,
        minor: 229,
        fileMode: 0o20660,
      }],
    }),
  });
  assertEquals(devices.at(-1)?.fileMode, 0o660);
});

Deno.test("groups are placed by a path or by a unit of systemd", async () => {
  const place = async (cgroupsPath: string): Promise<unknown[]> => {
    const { cgroups } = await read({ linux: linux({ cgroupsPath }) });
    return [cgroups?.parent, cgroups?.name, cgroups?.slice];
  };
  assertEquals(await place("/a//b/c/"), ["/a/b", "c", undefined]);
  assertEquals(await place("/c"), ["/", "c", undefined]);
  assertEquals(await place("a/c"), ["a", "c", undefined]);
  assertEquals(await place("user.slice:podman:c"), [
    "",
    "podman-c",
    "user.slice",
  ]);
});

Deno.test("a file without an environment gives its process none", async () => {
  const { process: given } = await read({ process: process() });
  assertEquals(given?.env, []);
  const { process: none } = await read();
  assertEquals(none, undefined);
});

Deno.test("what is for another system is read, and warned of beside linux", async () => {
  const vm = { kernel: { path: "/boot/vmlinuz" } };
  assertEquals((await read({ vm })).platform, "vm");
  const warnings: string[] = [];
  const config = await read({ vm, linux: linux() }, warnings);
  assertEquals([config.platform, warnings.length], [undefined, 1]);
  const windows = { layerFolders: ["C:"], resources: { cpu: { shares: -1 } } };
  const [problem] = await problemsOf(text({ windows }));
  assertEquals(problem?.path, "windows.resources.cpu.shares");
});

Deno.test("two conditions on one argument are two rules", async () => {
  const op = "SCMP_CMP_EQ";
  const { seccomp } = await read({
    linux: linux({
      seccomp: {
        defaultAction: "SCMP_ACT_ERRNO",
        syscalls: [{
          names: ["socket"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 1, op }, { index: 0, value: 2, op }],
        }],
      },
    }),
  });
  assertEquals(seccomp?.syscalls.map(({ args }) => args[0]?.value), [1, 2]);
});

Deno.test("cgroupsPath is cleaned, and leads nowhere above its base", async () => {
  const cases: [string, string, string][] = [
    ["/a/../b", "/", "b"],
    ["/../../b/./c//", "/b", "c"],
    ["a/../../b", "", "b"],
    ["../../a/b", "a", "b"],
    ["a.slice:cri:b", "", "cri-b"],
  ];
  for (const [path, parent, name] of cases) {
    const text = JSON.stringify({
      ociVersion: "1.2.0",
      root: { path: "rootfs" },
      linux: { namespaces: [{ type: "mount" }], cgroupsPath: path },
    });
    const { cgroups } = await parseConfig(text, { path: "/b/config.json" });
    assertEquals([path, cgroups?.parent, cgroups?.name], [path, parent, name]);
  }
});

Deno.test("an annotation that labels cannot carry is left out with a warning", async () => {
  const warnings: string[] = [];
  const text = JSON.stringify({
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    linux: { namespaces: [{ type: "mount" }] },
    annotations: { "a=b": "c", d: "e=f" },
  });
  const { labels } = await parseConfig(text, {
    path: "/b/config.json",
    onWarning: ({ path, message }) => warnings.push(`${path}: ${message}`),
  });
  assertEquals([labels, warnings.length], [["d=e=f"], 1]);
});

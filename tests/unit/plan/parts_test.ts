import { assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { planDevices } from "../../../lib/plan/devices.ts";
import { planIdMaps } from "../../../lib/plan/id_maps.ts";
import { splitNamespaces } from "../../../lib/plan/namespaces.ts";
import { planProcess } from "../../../lib/plan/process.ts";
import { planRoot } from "../../../lib/plan/root.ts";
import { planSeccomp } from "../../../lib/plan/seccomp.ts";
import { planTerminal } from "../../../lib/plan/terminal.ts";
import { buildUndo } from "../../../lib/plan/undo.ts";
import { configWith, HOST_V2, names, PROCESS } from "./support.ts";

const NODE = {
  type: "c",
  path: "/dev/x",
  major: 1,
  minor: 3,
  permissions: "rwm",
  fileMode: 0o20666,
  uid: 0,
  gid: 0,
} as const;

Deno.test("planDevices makes nodes and links in a /dev of the container's own", () => {
  const ops = planDevices(configWith({ devices: [NODE] }), HOST_V2);
  assertEquals(ops[0], {
    op: "device.make",
    flags: 0,
    type: 0o20000,
    device: 0x103,
    mode: 0o666,
    uid: 0,
    gid: 0,
    path: "/dev/x",
  });
  assertEquals(ops.at(-1), {
    op: "link.make",
    flags: 1,
    path: "/dev/ptmx",
    target: "pts/ptmx",
  });
});

Deno.test("planDevices leaves a /dev of the host alone", () => {
  const mounts = [{
    device: "bind",
    source: "/dev",
    destination: "/dev/",
    flags: 0x5000,
    data: "",
    relabel: "",
  }] as const;
  assertEquals(planDevices(configWith({ mounts }), HOST_V2), []);
  assertEquals(
    planDevices(configWith({ mounts: [], devices: [] }), HOST_V2),
    [],
  );
});

Deno.test("planDevices refuses rules as nodes", () => {
  for (
    const changes of [
      { type: "a" },
      { major: -1 },
      { minor: 1 << 20 },
      { path: "dev/x" },
      { path: "" },
    ] as const
  ) {
    const devices = [{ ...NODE, ...changes }];
    assertThrows(
      () => planDevices(configWith({ devices }), HOST_V2),
      ConfigError,
    );
  }
});

Deno.test("planIdMaps needs a mapping of root and denies groups without root", () => {
  const config = configWith({
    namespaces: [{ type: "NEWUSER" }],
    uidMappings: [{ containerId: 0, hostId: 1000, size: 1 }],
    gidMappings: [{ containerId: 0, hostId: 1000, size: 1 }],
  });
  const split = splitNamespaces(config.namespaces);
  const part = planIdMaps(config, split, { euid: 1000 });
  assertEquals(part.groupsDenied, true);
  assertEquals(names(part.parent), ["await", "idmap.write", "release"]);
  assertEquals(part.child[1], { op: "user.root", flags: 1 });
  const line = { containerId: 1, hostId: 0, size: 1 };
  for (
    const uidMappings of [
      [],
      [line],
      new Array(341).fill(config.uidMappings?.[0]),
    ]
  ) {
    const bad = { ...config, uidMappings };
    assertThrows(() => planIdMaps(bad, split, { euid: 0 }), ConfigError);
  }
});

Deno.test("splitNamespaces refuses a type that is listed twice", () => {
  assertThrows(
    () => splitNamespaces([{ type: "NEWNET" }, { type: "NEWNET", path: "/x" }]),
    ConfigError,
  );
});

Deno.test("planRoot shares nothing before the root switch", () => {
  const table: readonly (readonly [number | undefined, number, number[]])[] = [
    [undefined, 0x84000, []],
    [0x40000, 0x44000, []],
    [0x44000, 0x44000, []],
    [0x80000, 0x84000, []],
    [0x104000, 0x84000, [0x104000]],
  ];
  for (const [rootPropagation, before, after] of table) {
    const changes: Partial<Config> = rootPropagation === undefined
      ? {}
      : { rootPropagation };
    const part = planRoot(configWith(changes), "own");
    assertEquals(part.propagation, before);
    assertEquals(part.attach, [
      { op: "mount.propagation", propagation: before },
      { op: "root.attach", slot: 3, propagation: before },
    ]);
    const late = part.enter.flatMap((op) =>
      op.op === "mount.propagation" ? [Number(op.propagation)] : []
    );
    assertEquals(late, after);
    assertEquals(names(part.enter)[0], "root.pivot");
  }
  const moved = planRoot(
    configWith({ noPivotRoot: true, readonlyfs: true }),
    "own",
  );
  assertEquals(names(moved.enter), ["root.readonly", "root.move"]);
});

Deno.test("planSeccomp sets no_new_privs without a filter when asked to", () => {
  const lock = [{ op: "privileges.lock" } as const];
  const table = [
    [{}, {}, []],
    [{ noNewPrivileges: true }, {}, lock],
    [{ noNewPrivileges: true }, { noNewPrivileges: false }, []],
    [{}, { noNewPrivileges: true }, lock],
  ] as const;
  for (const [config, process, early] of table) {
    const part = planSeccomp(configWith(config), process, undefined);
    assertEquals(part, { early: [...early], late: [] });
  }
});

Deno.test("planTerminal makes a terminal of the wanted size, or uses the given streams", () => {
  const terminal = planTerminal({
    ...PROCESS,
    tty: true,
    terminalSize: { rows: 24, columns: 80 },
  });
  assertEquals(terminal.open, [{
    op: "tty.open",
    rows: 24,
    columns: 80,
    uid: 0,
    gid: 0,
    mode: 0o600,
  }]);
  assertEquals(names(terminal.streams), ["tty.control", "stdio.set"]);
  const streams = planTerminal({
    ...PROCESS,
    stdio: { stdin: { fd: 9 }, stdout: "inherit", stderr: { fd: 0 } },
  });
  assertEquals(streams.slots, [0, 2]);
  assertEquals(streams.streams, [
    { op: "stdio.set", flags: 0, stdin: 0, stdout: -1, stderr: 2 },
  ]);
});

Deno.test("planProcess sets limits of the process and takes -1 as no limit", () => {
  const context = {
    config: configWith({ oomScoreAdj: -500 }),
    process: { ...PROCESS, rlimits: [{ type: 7, soft: 5, hard: -1 }] },
    host: HOST_V2,
    terminal: planTerminal(PROCESS),
    filter: undefined,
    defaultCwd: "/",
    groupsDenied: false,
    whenReady: [],
  };
  assertEquals(planProcess(context).child.slice(0, 2), [
    { op: "rlimit.set", resource: 7, soft: 5, hard: 18446744073709551615n },
    { op: "oom.adjust", value: "-500" },
  ]);
});

Deno.test("buildUndo kills first and forgets last, from the record alone", () => {
  const undo = buildUndo({
    cgroups: [
      { version: 1, controllers: ["pids"], base: "/p", path: "/p/a" },
      { version: 1, controllers: ["freezer"], base: "/f", path: "/f/a" },
    ],
    interfaces: [{ host: "veth1", alias: "nsinit:demo" }],
    files: [{ dir: "/srv", name: "pid", inode: "18446744073709551615" }],
  }, { stateDir: "/run/nsinit/demo", lockFd: 5 });
  assertEquals(undo, [
    { op: "lock.take", fd: 5 },
    { op: "cgroup.kill", version: 1, path: "/f/a", freezer: "/f/a" },
    { op: "link.remove", host: "veth1", alias: "nsinit:demo" },
    { op: "cgroup.remove", base: "/p", path: "/p/a" },
    { op: "cgroup.remove", base: "/f", path: "/f/a" },
    {
      op: "file.remove",
      inode: 18446744073709551615n,
      dir: "/srv",
      name: "pid",
    },
    {
      op: "file.remove",
      inode: 0,
      dir: "/run/nsinit/demo",
      name: "state.json",
    },
    { op: "dir.remove", path: "/run/nsinit/demo" },
  ]);
});

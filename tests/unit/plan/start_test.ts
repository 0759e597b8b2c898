import { assert, assertEquals, assertThrows } from "@std/assert";
import { defaultMounts } from "../../../lib/config/defaults.ts";
import { vethNetwork } from "../../../lib/config/shorthands.ts";
import { ConfigError, HostError, UsageError } from "../../../lib/errors.ts";
import type { Config } from "../../../lib/config/types.ts";
import { type OpName, type Plan, SLOTS } from "../../../lib/plan/ops.ts";
import { decodeSlots } from "../../../lib/plan/slots.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import { assertOrder, at, FILTER, SECCOMP, start, USERNS } from "./plans.ts";
import {
  configWith,
  find,
  HOST_HYBRID,
  HOST_NONE,
  HOST_V1,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

Deno.test("buildStartPlan starts the template with one clone", () => {
  const plan = start();
  assertEquals(find(plan, "spawn"), [
    { op: "spawn", flags: 0x20000000, cgroup: SLOTS.cgroup },
  ]);
  assertEquals(find(plan, "ns.unshare"), [
    { op: "ns.unshare", flags: 0x4c020000, slot: -1 },
  ]);
  assertEquals(find(plan, "ns.clone"), []);
  assertEquals(names(plan.parent).slice(-4), [
    "await",
    "state.save",
    "user.resolve",
    "await.exec",
  ]);
});

Deno.test("buildStartPlan makes the child before all groups but the one it is cloned into", () => {
  const parent = names(start().parent);
  assertEquals(parent.slice(0, 3), ["cgroup.make", "cgroup.open", "spawn"]);
  const onV1 = names(start({}, {}, HOST_V1).parent);
  assertEquals(onV1[0], "spawn");
  assert(onV1.lastIndexOf("cgroup.make") < onV1.lastIndexOf("fds.send"));
});

Deno.test("buildStartPlan has the child begin without its groups, and enter them before it sees them", () => {
  const cgroup = {
    device: "cgroup",
    source: "cgroup",
    destination: "/sys/fs/cgroup",
    flags: 1,
    data: "",
    relabel: "",
  } as const;
  const plan = start(
    { mounts: [...defaultMounts, cgroup] },
    {},
    HOST_HYBRID,
  );
  const list = names(plan.child);
  assert(list.indexOf("ns.unshare") < list.indexOf("net.loopback"));
  assert(list.indexOf("mount.fs") < list.indexOf("cgroup.join"));
  assert(list.lastIndexOf("cgroup.join") < list.indexOf("mount.tree"));
  assertEquals(find(plan, "fds.receive").length, 2);
  const parent = names(plan.parent);
  assert(parent.indexOf("fds.send") < parent.lastIndexOf("cgroup.make"));
  assert(parent.lastIndexOf("cgroup.make") < parent.lastIndexOf("tree.open"));
});

Deno.test("buildStartPlan has the child leave the host's mounts where nothing is done by their paths", () => {
  const started = (changes: Partial<Config>): Plan =>
    start(changes, {}, HOST_V1, { hasAnchor: true });
  const plan = started({});
  const [anchor] = find(plan, "anchor.open");
  assert(anchor);
  assertEquals(find(plan, "ns.unshare")[0]?.slot, anchor.slot);
  const [sent] = find(plan, "fds.send");
  assert(sent && decodeSlots(sent.slots).includes(Number(anchor.slot)));

  const command = { path: "/bin/true", args: [], env: [], dir: "" };
  const [first, ...rest] = defaultMounts;
  assert(first);
  const others: Partial<Config>[] = [
    { noPivotRoot: true },
    { hooks: { prestart: [{ path: "/bin/true" }] } },
    { mounts: [{ ...first, premountCmds: [command] }, ...rest] },
    { mounts: [{ ...first, postmountCmds: [command] }, ...rest] },
    USERNS,
    {
      networks: [],
      hostname: "",
      namespaces: [{ type: "NEWNS" }, { type: "NEWPID", path: "/run/pid" }],
    },
    { networks: [vethNetwork({ bridge: "br0", address: "10.0.0.2/24" })] },
  ];
  for (const changes of others) {
    assertEquals(find(started(changes), "anchor.open"), []);
  }
});

Deno.test("buildStartPlan has a child with networks to wait for begin in its groups", () => {
  const networks = [vethNetwork({ bridge: "br0", address: "10.0.0.2/24" })];
  const list = names(start({ networks }, {}, HOST_V1).child);
  assertEquals(list[0], "fds.receive");
  assert(list.lastIndexOf("cgroup.join") < list.indexOf("sync"));
});

Deno.test("buildStartPlan stops once more where something is to be done before the program", () => {
  const parent = names(
    start({ scheduler: { policy: "SCHED_BATCH" } }).parent,
  );
  assertEquals(parent.slice(-7), [
    "await",
    "user.resolve",
    "await",
    "scheduler.set",
    "state.save",
    "release",
    "await.exec",
  ]);
});

Deno.test("buildStartPlan keeps the order that security rests on", () => {
  const plan = start(
    {
      seccomp: SECCOMP,
      readonlyfs: true,
      sysctl: { "kernel.shmmni": "64" },
      maskPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/sys"],
    },
    { tty: true },
    HOST_V2,
    { filter: FILTER, protect: ["/container.json"] },
  );
  assertOrder(
    plan,
    "proc.open",
    "session.new",
    "fds.receive",
    "ns.unshare",
    "mount.propagation",
    "root.attach",
    "tty.open",
    "tty.console",
    "file.protect",
    "path.readonly",
    "path.mask",
    "sysctl.write",
    "root.readonly",
    "root.pivot",
    "hostname.set",
    "rlimit.set",
    "user.files",
    "stdio.set",
    "caps.bound",
    "user.apply",
    "privileges.lock",
    "caps.set",
    "umask.set",
    "fds.close",
    "tty.control",
    "cwd.enter",
    "death.signal",
    "seccomp.load",
    "exec",
  );
  assertEquals(names(plan.child).slice(-2), ["seccomp.load", "exec"]);
});

Deno.test("buildStartPlan loads a filter without no_new_privs before capabilities go", () => {
  const plan = start(
    { seccomp: SECCOMP, noNewPrivileges: false },
    {},
    HOST_V2,
    { filter: FILTER },
  );
  assertOrder(plan, "user.apply", "seccomp.load", "caps.set", "exec");
  assertEquals(find(plan, "privileges.lock"), []);
});

Deno.test("buildStartPlan gives a user namespace its maps before anything else", () => {
  const plan = start(USERNS);
  assertEquals(find(plan, "idmap.write"), [{
    op: "idmap.write",
    flags: 0,
    uids: "0 100000 65536\n",
    gids: "0 100000 65536\n",
  }]);
  assertOrder(plan, "proc.open", "user.root", "session.new", "root.attach");
  assert(find(plan, "device.make").every(({ flags }) => flags === 1));
  const joins = names(plan.child).lastIndexOf("cgroup.join");
  assert(joins < at(plan, "user.root"));
});

Deno.test("buildStartPlan stages a start that joins namespaces by path", () => {
  const plan = start(
    {
      namespaces: [
        { type: "NEWNS" },
        { type: "NEWPID" },
        { type: "NEWUTS" },
        { type: "NEWNET", path: "/run/netns/a" },
        { type: "NEWUSER", path: "/run/userns/a" },
      ],
    },
    {},
    HOST_V1,
  );
  assertEquals(find(plan, "spawn")[0]?.flags, 0);
  assertEquals(find(plan, "ns.open").map(({ type, path }) => [type, path]), [
    [0x10000000, "/run/userns/a"],
    [0x40000000, "/run/netns/a"],
  ]);
  assertEquals(find(plan, "ns.clone")[0]?.flags, 0x24020000);
  const list = names(plan.child);
  assert(list.lastIndexOf("cgroup.join") < list.indexOf("ns.enter"));
  assert(list.lastIndexOf("ns.enter") < list.indexOf("ns.clone"));
  assertOrder(plan, "ns.clone", "user.root", "session.new");
  assertEquals(find(plan, "idmap.write"), []);
});

Deno.test("buildStartPlan makes a cgroup namespace after joining the groups", () => {
  const plan = start(
    {
      namespaces: [...configWith({}).namespaces, { type: "NEWCGROUP" }],
    },
    {},
    HOST_V1,
  );
  const list = names(plan.child);
  assertEquals(find(plan, "spawn")[0]?.flags, 0);
  assert(list.lastIndexOf("cgroup.join") < list.indexOf("ns.clone"));
});

Deno.test("buildStartPlan leaves the host alone without a mount namespace", () => {
  const plan = start({
    namespaces: [{ type: "NEWPID" }],
    networks: [],
    hostname: "",
    maskPaths: [],
    readonlyPaths: [],
  });
  const touching: OpName[] = [
    "mount.fs",
    "mount.tree",
    "device.make",
    "link.make",
    "path.mask",
    "root.attach",
    "mount.propagation",
  ];
  assert(names(plan.child).every((name) => !touching.includes(name)));
  assertEquals(find(plan, "root.enter")[0]?.path, "/srv/root");
  assertEquals(find(plan, "cwd.enter")[0]?.path, "/srv/root");
});

Deno.test("buildStartPlan refuses what would reach the host", () => {
  const without = { namespaces: [{ type: "NEWPID" }], networks: [] } as const;
  for (
    const changes of [
      { ...without, hostname: "x", maskPaths: [], readonlyPaths: [] },
      { ...without, hostname: "" },
      { ...without, hostname: "", networks: configWith({}).networks ?? [] },
      { rootfs: "relative" },
    ]
  ) {
    assertThrows(() => start(changes), ConfigError);
  }
});

Deno.test("buildStartPlan protects, records and undoes what the placement names", () => {
  const { plan, resources } = buildStartPlan(
    configWith({}),
    PROCESS,
    HOST_HYBRID,
    {
      ...PLACEMENT,
      lockFd: 6,
      marker: { name: "state.json" },
      protect: ["/container.json", "/state.json"],
    },
  );
  assertEquals(find(plan, "file.protect").map(({ path }) => path), [
    "/container.json",
    "/state.json",
  ]);
  assertEquals(resources.files, [{ dir: "/srv", name: "state.json" }]);
  assertEquals(plan.undo[0], { op: "lock.take", fd: 6 });
  assertEquals(find(plan, "cgroup.kill").map(({ version }) => version), [2]);
  assertEquals(
    find(plan, "cgroup.remove").length,
    find(plan, "cgroup.make").length,
  );
  assertEquals(names(plan.undo).slice(-2), ["file.remove", "dir.remove"]);
});

Deno.test("buildStartPlan needs something that holds the processes", () => {
  const unlimited = { ...configWith({}) };
  const { cgroups: _, ...config } = unlimited;
  const plan = buildStartPlan(config, PROCESS, HOST_NONE, PLACEMENT).plan;
  assertEquals(find(plan, "cgroup.kill"), []);
  const shared = {
    ...config,
    namespaces: config.namespaces.filter(({ type }) => type !== "NEWPID"),
  };
  assertThrows(
    () => buildStartPlan(shared, PROCESS, HOST_NONE, PLACEMENT),
    HostError,
  );
  assertThrows(() => start({}, {}, HOST_NONE), HostError, "devices");
});

Deno.test("buildStartPlan refuses labels that the kernel cannot keep", () => {
  for (
    const changes of [
      { apparmorProfile: "docker-default" },
      { processLabel: "system_u:system_r:svirt_t:s0" },
      { mountLabel: "system_u:object_r:svirt_file_t:s0" },
    ]
  ) {
    assertThrows(() => start(changes), HostError);
  }
  const labelled = start(
    {
      apparmorProfile: "docker-default",
      processLabel: "a:b:c",
      mountLabel: "d:e:f",
    },
    {},
    { ...HOST_V2, apparmor: true, selinux: true },
  );
  assertEquals(
    find(labelled, "label.apparmor")[0]?.value,
    "exec docker-default",
  );
  assertEquals(find(labelled, "label.selinux")[0]?.value, "a:b:c");
  const [, dev] = find(labelled, "mount.fs");
  assertEquals(dev?.options, ["mode", "755", "context", "d:e:f"]);
  assertEquals(
    find(start({ apparmorProfile: "unconfined" }), "label.apparmor"),
    [],
  );
});

Deno.test("buildStartPlan refuses processes that cannot be", () => {
  assertThrows(() => start({}, { args: [] }), UsageError);
  const many = Array.from({ length: 500 }, () => 5);
  assertThrows(() => start({}, { extraFiles: many }), ConfigError);
  assertThrows(() => start({}, { cwd: "relative" }), ConfigError);
  assertThrows(() => start({}, { env: ["NOEQUALS"] }), ConfigError);
  assertThrows(() => start({ seccomp: SECCOMP }), ConfigError);
});

Deno.test("buildStartPlan is pure: the same input gives the same Plan", () => {
  assertEquals(start(USERNS, { tty: true }), start(USERNS, { tty: true }));
});

Deno.test("buildStartPlan has the child of an engine's container copy sources at their turn", () => {
  const bind = {
    device: "bind",
    source: "/srv/data",
    destination: "/data",
    flags: 0x5000,
    data: "",
    relabel: "",
  } as const;
  const sources = (plan: Plan, list: "parent" | "child"): string[] =>
    plan[list].flatMap((op) => op.op === "tree.open" ? [op.path] : []);
  const mounts = [...defaultMounts, bind];
  const engines = { isEngines: true };
  const plan = start({ mounts }, {}, HOST_V1, engines);
  assertEquals(sources(plan, "parent"), ["/srv/root"]);
  assertEquals(sources(plan, "child"), ["/srv/data"]);
  assertEquals(find(plan, "root.attach")[0]?.at, "/srv/root");
  assertOrder(plan, "root.attach", "tree.open", "mount.tree");
  const above = { ...bind, source: "/srv" };
  const cases: readonly [Partial<Config>, typeof engines?][] = [
    [{ dialect: "OCI", mounts }],
    [{ mounts, ...USERNS }, engines],
    [{ mounts, noPivotRoot: true }, engines],
    [{ mounts: [...defaultMounts, above] }, engines],
  ];
  for (const [changes, placement] of cases) {
    const other = start(changes, {}, HOST_V1, placement);
    assertEquals([changes, sources(other, "child")], [changes, []]);
    assertEquals(sources(other, "parent").length, 2);
  }
});

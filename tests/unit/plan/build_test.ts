import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError, HostError, UsageError } from "../../../lib/errors.ts";
import { buildJoinPlan, buildStartPlan } from "../../../lib/plan/build.ts";
import {
  type OpName,
  OPS,
  type OpSpec,
  type Plan,
  SLOTS,
} from "../../../lib/plan/ops.ts";
import { decodeSlots } from "../../../lib/plan/slots.ts";
import type { JoinTarget, ProcessSpec } from "../../../lib/plan/types.ts";
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

const FILTER = { flags: 0, program: new Uint8Array(16) };
const SECCOMP = {
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: [],
  syscalls: [],
} as const;
const USERNS = {
  uidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  gidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  namespaces: [
    ...configWith({}).namespaces,
    { type: "NEWUSER" },
  ],
} as const;

const TARGET: JoinTarget = {
  id: "demo",
  config: configWith({}),
  pid: 4321,
  pidfd: 9,
  namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET"],
  cgroupPaths: [{ version: 1, path: "/cg/pids/nsinit/demo", file: "tasks" }],
  cgroupV2: "/cg/unified/nsinit/demo",
};

function start(
  changes: Parameters<typeof configWith>[0] = {},
  process: Partial<ProcessSpec> = {},
  host = HOST_V2,
  placement: Partial<typeof PLACEMENT> = {},
): Plan {
  return buildStartPlan(
    configWith(changes),
    { ...PROCESS, ...process },
    host,
    { ...PLACEMENT, ...placement },
  ).plan;
}

/** Position of the only operation of a name in the child's list. */
function at(plan: Plan, name: OpName): number {
  const found = names(plan.child);
  assertEquals(found.indexOf(name), found.lastIndexOf(name), name);
  assert(found.includes(name), `${name} is missing`);
  return found.indexOf(name);
}

/** Asserts that the operations stand in this order in the child's list. */
function assertOrder(plan: Plan, ...wanted: OpName[]): void {
  const places = wanted.map((name) => at(plan, name));
  const sorted = [...places].sort((a, b) => a - b);
  assertEquals(places, sorted, wanted.join(" < "));
}

/** Every combination that changes the shape of a Plan. */
function allPlans(): Plan[] {
  const plans: Plan[] = [];
  for (const host of [HOST_V1, HOST_V2, HOST_HYBRID]) {
    for (const tty of [false, true]) {
      plans.push(start({}, { tty }, host));
      plans.push(start(USERNS, { tty }, host));
      plans.push(
        start(
          {
            namespaces: [{ type: "NEWCGROUP" }, { type: "NEWNS" }],
            networks: [],
            hostname: "",
          },
          { tty },
          host,
        ),
      );
      plans.push(
        start(
          { seccomp: SECCOMP, parentDeathSignal: 9 },
          { tty },
          host,
          { filter: FILTER },
        ),
      );
      plans.push(buildJoinPlan(TARGET, { ...PROCESS, tty }, host));
    }
  }
  return plans;
}

Deno.test("buildStartPlan starts the template with one clone", () => {
  const plan = start();
  assertEquals(find(plan, "spawn"), [
    { op: "spawn", flags: 0x6c020000, cgroup: SLOTS.cgroup },
  ]);
  assertEquals(find(plan, "ns.clone"), []);
  assertEquals(names(plan.parent).slice(-6), [
    "await",
    "user.resolve",
    "await",
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
    "fds.receive",
    "proc.open",
    "session.new",
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
    "tty.control",
    "stdio.set",
    "caps.bound",
    "user.apply",
    "privileges.lock",
    "caps.set",
    "umask.set",
    "fds.close",
    "cwd.enter",
    "death.signal",
    "seccomp.load",
    "exec",
  );
  assertEquals(names(plan.child).slice(-3), ["sync", "seccomp.load", "exec"]);
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

Deno.test("every Plan ends with closing, entering, meeting, executing", () => {
  for (const plan of allPlans()) {
    const list = names(plan.child).filter((name) =>
      name !== "seccomp.load" && name !== "death.signal"
    );
    assertEquals(list.slice(-4), ["fds.close", "cwd.enter", "sync", "exec"]);
    assertEquals(find(plan, "fds.close")[0]?.keep, 2);
    assertOrder(plan, "caps.bound", "user.apply", "caps.set", "fds.close");
  }
});

Deno.test("every Plan holds only operations of its lists, known to the table", () => {
  for (const plan of allPlans()) {
    for (const list of ["parent", "child", "undo"] as const) {
      for (const op of plan[list]) {
        const spec: OpSpec = OPS[op.op];
        assert(spec.lists.includes(list), `${op.op} in ${list}`);
      }
    }
  }
});

Deno.test("every Plan sends what the child uses, and nothing else", () => {
  for (const plan of allPlans()) {
    const [sent] = find(plan, "fds.send");
    const [received] = find(plan, "fds.receive");
    assertEquals(sent?.slots, received?.slots);
    const slots = sent ? decodeSlots(sent.slots) : [];
    const used = [
      ...find(plan, "root.attach").map(({ slot }) => Number(slot)),
      ...find(plan, "mount.tree").map(({ slot }) => Number(slot)),
      ...find(plan, "ns.enter").map(({ slot }) => Number(slot)),
      ...find(plan, "stdio.set").flatMap((op) =>
        [op.stdin, op.stdout, op.stderr].map(Number).filter((slot) => slot >= 0)
      ),
    ];
    assertEquals([...slots].sort(), [...used].sort());
    const opened = plan.parent.flatMap((op) =>
      op.op === "tree.open" || op.op === "ns.open" || op.op === "fd.use"
        ? [Number(op.slot)]
        : []
    );
    assertEquals([...slots].sort(), opened.sort());
  }
});

Deno.test("every point is awaited, met and released once", () => {
  for (const plan of allPlans()) {
    const met = find(plan, "sync").map(({ point }) => Number(point));
    const awaited = find(plan, "await").map(({ point }) => Number(point));
    assertEquals(met, awaited);
    const released = find(plan, "release").map(({ point }) => Number(point));
    // The lookup of the user releases its own point.
    assertEquals(awaited.filter((point) => point !== 4), released);
  }
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
  assertThrows(() => start({}, { extraFiles: [5] }), UsageError);
  assertThrows(() => start({}, { cwd: "relative" }), ConfigError);
  assertThrows(() => start({}, { env: ["NOEQUALS"] }), ConfigError);
  assertThrows(() => start({ seccomp: SECCOMP }), ConfigError);
});

Deno.test("buildStartPlan is pure: the same input gives the same Plan", () => {
  assertEquals(start(USERNS, { tty: true }), start(USERNS, { tty: true }));
});

Deno.test("buildJoinPlan enters groups, then all namespaces at once", () => {
  const plan = buildJoinPlan(TARGET, PROCESS, HOST_HYBRID);
  assertEquals(plan.undo, []);
  assertEquals(find(plan, "spawn"), [
    { op: "spawn", flags: 0, cgroup: SLOTS.cgroup },
  ]);
  assertEquals(find(plan, "ns.enter"), [
    { op: "ns.enter", slot: SLOTS.target, flags: 0x6c020000 },
  ]);
  assertOrder(
    plan,
    "fds.receive",
    "proc.open",
    "cgroup.join",
    "ns.enter",
    "ns.clone",
    "session.new",
    "root.current",
    "user.files",
    "caps.set",
    "exec",
  );
  assertEquals(find(plan, "state.save"), []);
});

Deno.test("buildJoinPlan becomes root of the container's user namespace first", () => {
  const target = {
    ...TARGET,
    namespaces: [...TARGET.namespaces, "NEWUSER"],
  } as const;
  const plan = buildJoinPlan(target, { ...PROCESS, tty: true }, HOST_V2);
  assertOrder(plan, "ns.clone", "user.root", "session.new", "tty.open");
});

Deno.test("buildJoinPlan ends as a start does", () => {
  const config = configWith({ seccomp: SECCOMP });
  const process = { ...PROCESS, user: "daemon", cwd: "/tmp" };
  const target = { ...TARGET, config, filter: FILTER };
  const join = buildJoinPlan(target, process, HOST_V2);
  const first = buildStartPlan(config, process, HOST_V2, {
    ...PLACEMENT,
    filter: FILTER,
  }).plan;
  const tail = (plan: Plan): Plan["child"] =>
    plan.child.slice(names(plan.child).indexOf("rlimit.set"));
  assertEquals(tail(join), tail(first));
});

Deno.test("buildJoinPlan works on the host's root where the container does", () => {
  const target = { ...TARGET, namespaces: [] };
  const plan = buildJoinPlan(target, PROCESS, HOST_V1);
  assertEquals(find(plan, "ns.enter"), []);
  assertEquals(find(plan, "fds.send"), []);
  assertEquals(find(plan, "root.enter")[0]?.path, "/srv/root");
});

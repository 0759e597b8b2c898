import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError, HostError, UsageError } from "../../../lib/errors.ts";
import { type OpName, SLOTS } from "../../../lib/plan/ops.ts";
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

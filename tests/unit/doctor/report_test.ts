import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { complaintOf, parseCriuVersion } from "../../../lib/doctor/criu.ts";
import type { Facts } from "../../../lib/doctor/facts.ts";
import { NAMESPACES, NEEDED_CALLS } from "../../../lib/doctor/facts.ts";
import type { Finding } from "../../../lib/doctor/findings.ts";
import { judge } from "../../../lib/doctor/report.ts";
import { formatReport, reportToJson } from "../../../lib/cli/doctor_text.ts";

const ENOSYS = 38;
const EPERM = 1;
const ENOSPC = 28;

/** A machine on which nothing is missing. */
const GOOD: Facts = {
  euid: 0,
  release: "6.12.1",
  kernel: [6, 12],
  architecture: "x86_64",
  isInitialUserNamespace: true,
  namespaces: NAMESPACES,
  tried: Object.fromEntries(NAMESPACES.map((name) => [name, 0])),
  start: 0,
  proc: 0,
  calls: Object.fromEntries(
    Object.keys(NEEDED_CALLS).map((name) => [name, 22]),
  ),
  cgroup: {
    mode: "v2",
    hierarchies: [{
      version: 2,
      controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"],
      mount: "/sys/fs/cgroup",
      root: "/",
      base: "/sys/fs/cgroup",
    }],
  },
  allCgroups: { mode: "none", hierarchies: [] },
  canMakeGroups: true,
  filesystems: ["overlay"],
  hasOverlayModule: false,
  seccompActions: [
    "kill_process",
    "kill_thread",
    "trap",
    "errno",
    "user_notif",
    "log",
    "allow",
  ],
  apparmor: true,
  selinux: true,
  sysctls: Object.fromEntries(
    NAMESPACES.map((name) => [`user/max_${name}_namespaces`, "15000"]),
  ),
  tools: { ip: "/sbin/ip", iptables: "/sbin/iptables", criu: "/sbin/criu" },
  criu: { path: "/sbin/criu", version: "4.2", works: true, tracksMemory: true },
};

const USER: Facts = {
  ...GOOD,
  euid: 1000,
  user: {
    gid: 1000,
    subordinateUids: [{ first: 100000, size: 65536 }],
    subordinateGids: [{ first: 100000, size: 65536 }],
    hasMappers: true,
  },
  tools: {
    ...GOOD.tools,
    newuidmap: "/usr/bin/newuidmap",
    newgidmap: "/usr/bin/newgidmap",
  },
  criu: { path: "/sbin/criu", version: "4.2" },
};

function find(facts: Facts, topic: string, name: string): Finding {
  const found = judge(facts).findings.find((each) =>
    each.topic === topic && each.name === name
  );
  assert(found, `${topic}, ${name}`);
  return found;
}

Deno.test("on a machine with everything all is ok", () => {
  const { canRun, findings } = judge(GOOD);
  assertEquals(canRun, true);
  assertEquals(findings.filter(({ status }) => status !== "ok"), []);
});

Deno.test("a user is told what is for root alone", () => {
  const { canRun, findings } = judge(USER);
  assertEquals(canRun, true);
  assertEquals(
    findings.filter(({ status }) => status !== "ok").map(({ name }) => name),
    ["overlay", "id-mapped mounts", "criu"],
  );
});

/** What makes every container impossible, and a part of what is said about it. */
const FATAL: readonly [Facts, string, string, string][] = [
  [
    { ...GOOD, kernel: [5, 10], release: "5.10.0" },
    "kernel",
    "version",
    "boot Linux 5.12",
  ],
  [
    { ...GOOD, architecture: "riscv64" },
    "kernel",
    "architecture",
    "x86_64 or aarch64",
  ],
  [
    { ...GOOD, libraryProblem: "No library" },
    "nsinit",
    "library",
    "deno task build",
  ],
  [
    { ...GOOD, calls: { ...GOOD.calls, openat2: ENOSYS } },
    "kernel",
    "system calls",
    "seccomp profile",
  ],
  [
    { ...GOOD, namespaces: NAMESPACES.filter((name) => name !== "pid") },
    "namespaces",
    "pid",
    "boot a kernel",
  ],
  [
    { ...GOOD, tried: { ...GOOD.tried, mnt: EPERM } },
    "namespaces",
    "mnt",
    "CAP_SYS_ADMIN",
  ],
  [
    {
      ...GOOD,
      tried: { ...GOOD.tried, net: ENOSPC },
      sysctls: { ...GOOD.sysctls, "user/max_net_namespaces": "0" },
    },
    "namespaces",
    "net",
    "sysctl user.max_net_namespaces=15000",
  ],
  [
    {
      ...USER,
      tried: Object.fromEntries(NAMESPACES.map((name) => [name, EPERM])),
      start: EPERM,
      sysctls: { ...USER.sysctls, "kernel/unprivileged_userns_clone": "0" },
    },
    "namespaces",
    "user",
    "sysctl kernel.unprivileged_userns_clone=1",
  ],
  [
    {
      ...USER,
      tried: { ...USER.tried, mnt: EPERM, uts: EPERM },
      start: EPERM,
      sysctls: {
        ...USER.sysctls,
        "kernel/apparmor_restrict_unprivileged_userns": "1",
      },
    },
    "namespaces",
    "mnt",
    "apparmor_restrict_unprivileged_userns=0",
  ],
  [{ ...GOOD, proc: EPERM }, "file systems", "/proc", "surrounding container"],
  [{ ...GOOD, start: EPERM }, "namespaces", "together", "CAP_SYS_ADMIN"],
];

for (const [facts, topic, name, fix] of FATAL) {
  Deno.test(`no container runs because of: ${topic}, ${name}, ${fix}`, () => {
    const found = find(facts, topic, name);
    assertEquals([found.status, found.isFatal], ["missing", true]);
    assertStringIncludes(found.fix ?? "", fix);
    const report = judge(facts);
    assertEquals(report.canRun, false);
    const last = formatReport(report, 80).split("\n").at(-1) ?? "";
    assertStringIncludes(last, `do not run here: `);
    assertStringIncludes(last, `${topic}, ${name}`);
  });
}

/** What containers can do without. */
const BEARABLE: readonly [Facts, string, string, string][] = [
  [
    { ...GOOD, tried: { ...GOOD.tried, user: EPERM } },
    "namespaces",
    "user",
    "missing",
  ],
  [
    { ...GOOD, namespaces: NAMESPACES.filter((name) => name !== "time") },
    "namespaces",
    "time",
    "missing",
  ],
  [
    { ...GOOD, cgroup: { mode: "none", hierarchies: [] } },
    "cgroups",
    "layout",
    "limited",
  ],
  [{ ...GOOD, canMakeGroups: false }, "cgroups", "layout", "limited"],
  [
    { ...USER, cgroup: { mode: "none", hierarchies: [] } },
    "cgroups",
    "delegation",
    "limited",
  ],
  [{ ...GOOD, filesystems: [] }, "file systems", "overlay", "missing"],
  [{ ...GOOD, apparmor: false }, "security", "AppArmor", "missing"],
  [{ ...GOOD, selinux: false }, "security", "SELinux", "missing"],
  [
    { ...GOOD, seccompActions: ["allow", "errno"] },
    "security",
    "seccomp",
    "limited",
  ],
  [
    { ...GOOD, seccompActions: ["allow"] },
    "security",
    "seccomp listeners",
    "missing",
  ],
  [
    { ...GOOD, sysctls: { "user/max_user_namespaces": "3" } },
    "settings",
    "namespace limits",
    "limited",
  ],
  [
    { ...GOOD, sysctls: { "kernel/unprivileged_userns_clone": "0" } },
    "settings",
    "user namespaces",
    "limited",
  ],
  [{ ...GOOD, systemdProblem: "not running" }, "systemd", "driver", "missing"],
  [{ ...GOOD, tools: {} }, "checkpoint", "iptables", "missing"],
  [
    { ...GOOD, criu: { path: "/x", complaint: "no" } },
    "checkpoint",
    "criu",
    "missing",
  ],
  [
    { ...GOOD, criu: { path: "/x", version: "3", works: false } },
    "checkpoint",
    "criu",
    "limited",
  ],
  [
    {
      ...GOOD,
      criu: { path: "/x", version: "4", works: true, tracksMemory: false },
    },
    "checkpoint",
    "memory tracking",
    "missing",
  ],
  [{ ...USER, tools: {} }, "ids", "newuidmap", "limited"],
  [
    {
      ...USER,
      user: {
        gid: 1,
        subordinateUids: [],
        subordinateGids: [],
        hasMappers: true,
      },
    },
    "ids",
    "subuid",
    "limited",
  ],
  [
    {
      ...USER,
      user: {
        gid: 1,
        subordinateUids: [],
        subordinateGids: [{ first: 1, size: 9 }],
        hasMappers: true,
      },
    },
    "ids",
    "subgid",
    "limited",
  ],
];

for (const [facts, topic, name, status] of BEARABLE) {
  Deno.test(`containers run with ${topic}, ${name} ${status}`, () => {
    assertEquals(find(facts, topic, name).status, status);
    assertEquals(judge(facts).canRun, true);
  });
}

Deno.test("facts that are absent are said to be", () => {
  const { criu: _, seccompActions: _actions, ...bare } = GOOD;
  assertEquals(find(bare, "checkpoint", "criu").status, "missing");
  assertEquals(find(bare, "security", "seccomp").status, "missing");
});

Deno.test("a missing controller is told with what enables it", () => {
  const [hierarchy] = GOOD.cgroup.hierarchies;
  assert(hierarchy);
  const cgroup = {
    mode: "v2",
    hierarchies: [{ ...hierarchy, controllers: ["pids"] }],
  } as const;
  const { status, fix = "" } = find({ ...GOOD, cgroup }, "cgroups", "memory");
  assertEquals(status, "missing");
  assertStringIncludes(fix, "cgroup_disable=memory");
  assertStringIncludes(
    find({ ...USER, cgroup }, "cgroups", "memory").fix ?? "",
    "Delegate=memory",
  );
});

Deno.test("the report fits the terminal, and foreign text cannot drive it", () => {
  const complaint = "\x1b[2J ".repeat(40);
  const facts = {
    ...GOOD,
    criu: { path: "/x", version: "3", works: false, complaint },
  };
  for (const columns of [80, 40]) {
    const text = formatReport(judge(facts), columns);
    for (const line of text.split("\n")) {
      assert(line.length <= columns, line);
      assert(!/\p{Cc}/u.test(line), JSON.stringify(line));
    }
  }
  const json = reportToJson(judge(facts));
  assertEquals(json["can_run"], true);
});

Deno.test("what criu prints is read", () => {
  assertEquals(parseCriuVersion("Version: 3.17.1\nGitID: 0\n"), "3.17.1");
  assertEquals(parseCriuVersion("GNU bash, version 5\n"), undefined);
  const text = `Error (criu/util.c:642): exited, status=1
Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds
Error (criu/crtools.c:260): Could not initialize kernel features detection.
`;
  assertEquals(complaintOf(text), "vdso: Unexpected rt vDSO area bounds");
  assertEquals(complaintOf(""), "");
});

import { assert, assertEquals } from "@std/assert";
import { planAttributes } from "../../../lib/plan/attributes.ts";
import { buildJoinPlan, buildStartPlan } from "../../../lib/plan/build.ts";
import type { Plan } from "../../../lib/plan/ops.ts";
import {
  configWith,
  find,
  HOST_V1,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";
import type { Config } from "../../../lib/config/types.ts";

function start(changes: Partial<Config>, host = HOST_V1): Plan {
  return buildStartPlan(configWith(changes), PROCESS, host, PLACEMENT).plan;
}

function join(changes: Partial<Config>): Plan {
  const target = {
    id: "demo",
    config: configWith(changes),
    pid: 100,
    pidfd: 9,
    namespaces: ["NEWNS", "NEWPID"],
    cgroupPaths: [{ version: 1, path: "/cg/pids/demo", file: "tasks" }],
    keyring: "nsinit:demo",
  } as const;
  return buildJoinPlan(target, PROCESS, HOST_V1);
}

const SCHEDULED: Partial<Config> = {
  scheduler: {
    policy: "SCHED_RR",
    priority: 4,
    flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
  },
  ioPriority: { class: "IOPRIO_CLASS_RT", priority: 1 },
  cpuAffinity: { initial: "0", final: "1" },
};

for (const [kind, plan] of [["start", start], ["join", join]] as const) {
  Deno.test(`a ${kind} is scheduled by the parent while the child waits for exec`, () => {
    const ops = names(plan(SCHEDULED).parent);
    const at = ops.indexOf("scheduler.set");
    assertEquals(ops.slice(at - 2, at + 2), [
      "await",
      "affinity.set",
      "scheduler.set",
      "ioprio.set",
    ]);
    assertEquals(find(plan(SCHEDULED), "scheduler.set"), [{
      op: "scheduler.set",
      flags: 3,
      policy: 2,
      nice: 0,
      priority: 4,
      runtime: 0,
      deadline: 0,
      period: 0,
    }]);
  });

  Deno.test(`a ${kind} takes its initial CPUs before it is in its groups`, () => {
    const ops = names(plan(SCHEDULED).child);
    const at = ops.indexOf("affinity.set");
    assert(at >= 0 && at < ops.indexOf("cgroup.join"));
  });

  Deno.test(`a ${kind} shares the container's keyring, or keeps the caller's`, () => {
    assertEquals(find(plan({}), "keyring.join"), [
      { op: "keyring.join", name: "nsinit:demo" },
    ]);
    assertEquals(find(plan({ noNewKeyring: true }), "keyring.join"), []);
  });
}

Deno.test("initial CPUs alone are given up for all of the group", () => {
  const { parent } = planAttributes(
    configWith({ cpuAffinity: { initial: "0" } }),
    {},
  );
  assertEquals(parent.map((op) => "mask" in op && op.mask), [
    new Uint8Array(1024).fill(0xff),
  ]);
});

Deno.test("a process's own attributes win over the configuration's", () => {
  const { umask, child } = planAttributes(
    configWith({ umask: 0o77, personality: { domain: "LINUX" } }),
    { umask: 0, personality: { domain: "LINUX32" } },
  );
  assertEquals([umask.mask, child], [0, [{
    op: "personality.set",
    domain: 8,
  }]]);
});

Deno.test("a time namespace is made by the child, after its last clone and before its ids", () => {
  const namespaces = [
    { type: "NEWNS" },
    { type: "NEWPID" },
    { type: "NEWUSER" },
    { type: "NEWTIME" },
  ] as const;
  const mapping = [{ containerId: 0, hostId: 1000, size: 10 }];
  const changes: Partial<Config> = {
    namespaces,
    networks: [],
    hostname: "",
    uidMappings: mapping,
    gidMappings: mapping,
    timeOffsets: { boottime: { secs: 7, nanosecs: 5 } },
  };
  const direct = start(changes, HOST_V2);
  assertEquals(find(direct, "spawn")[0]?.flags, 0x30020000);
  assertEquals(find(direct, "time.enter"), [
    { op: "time.enter", flags: 1, offsets: "boottime 7 5\n" },
  ]);
  const staged = start(
    { ...changes, namespaces: [...namespaces, { type: "NEWCGROUP" }] },
    HOST_V2,
  );
  const ops = names(staged.child);
  const at = ops.indexOf("time.enter");
  assertEquals(ops.slice(at - 1, at + 3), [
    "ns.clone",
    "time.enter",
    "sync",
    "user.root",
  ]);
  assertEquals(find(staged, "ns.clone")[0]?.flags, 0x32020000);
});

Deno.test("a memory policy is set by the process itself, with its nodes as bits", () => {
  const config = configWith({
    memoryPolicy: {
      mode: "MPOL_INTERLEAVE",
      nodes: "0,9",
      flags: ["MPOL_F_STATIC_NODES"],
    },
  });
  const [op] = planAttributes(config, {}).child;
  assert(op?.op === "memory.policy");
  assertEquals(op.mode, 0x8003);
  assertEquals([...op.nodes], [1, 2, 0, 0, 0, 0, 0, 0]);
  const local = configWith({ memoryPolicy: { mode: "MPOL_LOCAL" } });
  const [none] = planAttributes(local, {}).child;
  assert(none?.op === "memory.policy");
  assertEquals([none.mode, none.nodes.length], [4, 0]);
});

Deno.test("processes that join may have CPUs of their own", () => {
  const config = configWith({
    cpuAffinity: { initial: "1" },
    execCpuAffinity: { final: "0" },
  });
  const first = planAttributes(config, {});
  const joined = planAttributes(config, {}, { joins: true });
  assertEquals([first.first.length, first.parent.length], [1, 1]);
  assertEquals([joined.first.length, joined.parent.length], [0, 1]);
});

import { assertEquals } from "@std/assert";
import { buildJoinPlan } from "../../../lib/plan/join.ts";
import { type Plan, SLOTS } from "../../../lib/plan/ops.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import { assertOrder, FILTER, SECCOMP, TARGET } from "./plans.ts";
import {
  configWith,
  find,
  HOST_HYBRID,
  HOST_V1,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

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
    "root.current",
    "user.files",
    "caps.set",
    "fds.close",
    "ns.clone",
    "session.new",
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
  assertOrder(plan, "ns.enter", "user.root", "tty.open", "ns.clone");
  assertOrder(plan, "ns.clone", "session.new", "tty.control", "exec");
});

Deno.test("buildJoinPlan is seen inside only when it can do no more than the container", () => {
  const plan = buildJoinPlan(TARGET, PROCESS, HOST_V2);
  assertOrder(plan, "stdio.set", "user.apply", "caps.set", "ns.clone");
  // A filter that takes privilege to load could forbid the clone.
  const config = {
    ...configWith({ seccomp: SECCOMP }),
    noNewPrivileges: false,
  };
  const filtered = buildJoinPlan(
    { ...TARGET, config, filter: FILTER },
    PROCESS,
    HOST_V2,
  );
  assertOrder(filtered, "fds.close", "ns.clone", "seccomp.load", "caps.set");
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
    plan.child.slice(names(plan.child).indexOf("rlimit.set"))
      .filter(({ op }) => op !== "ns.clone" && op !== "session.new");
  assertEquals(tail(join), tail(first));
});

Deno.test("buildJoinPlan works on the host's root where the container does", () => {
  const target = { ...TARGET, namespaces: [] };
  const plan = buildJoinPlan(target, PROCESS, HOST_V1);
  assertEquals(find(plan, "ns.enter"), []);
  assertEquals(find(plan, "fds.send"), []);
  assertEquals(find(plan, "root.enter")[0]?.path, "/srv/root");
});

Deno.test("buildJoinPlan enters the root of a container in the host's mounts", () => {
  const place = "/run/nsinit/demo/root";
  const target = { ...TARGET, namespaces: ["NEWPID"] as const, place };
  const plan = buildJoinPlan(target, PROCESS, HOST_V1);
  assertEquals(find(plan, "root.change")[0]?.path, place);
  assertEquals(find(plan, "root.enter"), []);
  assertOrder(plan, "ns.enter", "root.change", "exec");
});

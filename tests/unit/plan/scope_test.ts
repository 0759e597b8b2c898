import { assertEquals, assertThrows } from "@std/assert";
import { HostError } from "../../../lib/errors.ts";
import { planScope } from "../../../lib/plan/scope.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import type { StartPlan } from "../../../lib/plan/types.ts";
import type { Config } from "../../../lib/config/types.ts";
import type { Host } from "../../../lib/host/types.ts";
import {
  configWith,
  find,
  HOST_HYBRID,
  HOST_NONE,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

const SCOPE = {
  bus: "system",
  unit: "nsinit-demo.scope",
  slice: "a-b.slice",
  root: "",
} as const;
const GROUP = "a.slice/a-b.slice/nsinit-demo.scope";

function plan(changes: Partial<Config>, host: Host): StartPlan {
  const config = configWith(changes);
  const cgroups = planScope(config, host, {
    id: "demo",
    alias: "nsinit:demo",
    scope: SCOPE,
  });
  return buildStartPlan(config, PROCESS, host, { ...PLACEMENT, cgroups });
}

Deno.test("planScope has the unit made around the child, which waits", () => {
  const { plan: made, resources } = plan(
    { cgroups: { name: "", parent: "nsinit", pidsLimit: 5 } },
    HOST_V2,
  );
  const order = names(made.parent);
  const at = order.indexOf("spawn");
  assertEquals(order.slice(at, at + 5), [
    "spawn",
    "tree.open",
    "await",
    "systemd.scope",
    "cgroup.adopt",
  ]);
  assertEquals(made.child[0]?.op, "sync");
  assertEquals(order.includes("cgroup.make"), false);
  assertEquals(find(made, "spawn")[0]?.cgroup, -1);
  assertEquals(resources.cgroups.map(({ path }) => path), [`/cg/${GROUP}`]);
  assertEquals(resources.scope, { bus: "system", unit: SCOPE.unit });
});

Deno.test("planScope writes a quota as systemd keeps it", () => {
  const cpu = { cpuQuota: 500_000, cpuPeriod: 900_000 };
  const { plan: made } = plan(
    { cgroups: { name: "", parent: "nsinit", ...cpu } },
    HOST_V2,
  );
  const [scope] = find(made, "systemd.scope");
  assertEquals(scope?.properties.includes("CPUQuotaPerSecUSec=560000"), true);
  const written = find(made, "cgroup.write")
    .find(({ file }) => file === "cpu.max");
  assertEquals(written?.value, "504000 900000");
});

Deno.test("planScope writes limits before the child goes on, and tells systemd", () => {
  const { plan: made } = plan(
    { cgroups: { name: "", parent: "nsinit", pidsLimit: 5, memory: 4096 } },
    HOST_V2,
  );
  const [scope] = find(made, "systemd.scope");
  const properties = scope?.properties ?? [];
  assertEquals(properties.includes("TasksMax=5"), true);
  assertEquals(properties.includes("MemoryMax=4096"), true);
  assertEquals(properties.includes("Slice=a-b.slice"), true);
  const order = names(made.parent);
  const write = order.lastIndexOf("cgroup.write");
  assertEquals(write < order.indexOf("release"), true);
  assertEquals(write > order.indexOf("cgroup.adopt"), true);
});

Deno.test("planScope keeps systemd's default limit of tasks away", () => {
  const [scope] = find(plan({}, HOST_V2).plan, "systemd.scope");
  assertEquals(scope?.properties.includes("TasksMax=infinity"), true);
});

Deno.test("planScope makes the version 1 groups that systemd does not", () => {
  const { plan: made } = plan(
    { cgroups: { name: "", parent: "nsinit", allowedDevices: [] } },
    HOST_HYBRID,
  );
  const paths = find(made, "cgroup.make").map(({ path }) => path);
  assertEquals(paths.includes(`/cg/freezer/${GROUP}`), true);
  assertEquals(paths.includes(`/cg/systemd/${GROUP}`), false);
  const adopted = find(made, "cgroup.adopt").map(({ path }) => path);
  assertEquals(adopted.includes(`/cg/systemd/${GROUP}`), true);
  assertEquals(adopted.includes(`/cg/unified/${GROUP}`), true);
  const [scope] = find(made, "systemd.scope");
  assertEquals(scope?.properties.includes("DevicePolicy=strict"), true);
  const joined = find(made, "cgroup.join").map(({ path }) => path);
  assertEquals(joined.includes(`/cg/pids/${GROUP}`), true);
});

Deno.test("planScope makes a cgroup namespace only once the child is in its group", () => {
  const { namespaces } = configWith({});
  const { plan: made } = plan(
    { namespaces: [...namespaces, { type: "NEWCGROUP" }] },
    HOST_V2,
  );
  const order = names(made.child);
  assertEquals(order[0], "sync");
  assertEquals(order.indexOf("ns.clone") > 0, true);
});

Deno.test("planScope needs a hierarchy that systemd uses", () => {
  assertThrows(() => plan({}, HOST_NONE), HostError, "name=systemd");
});

Deno.test("planScope has properties of annotations in the place of its own", () => {
  const { plan: made } = plan({
    labels: [
      "org.systemd.property.TimeoutStopUSec=uint64 2000000",
      "org.systemd.property.KillSignal=15",
    ],
  }, HOST_V2);
  const [{ properties = [] } = {}] = find(made, "systemd.scope");
  assertEquals(
    properties.filter((each) => /^(TimeoutStop|KillSignal)/.test(each)),
    ["TimeoutStopUSec:t=2000000", "KillSignal:i=15"],
  );
});

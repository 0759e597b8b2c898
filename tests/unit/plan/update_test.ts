import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../lib/config/types.ts";
import { HostError } from "../../../lib/errors.ts";
import { planCgroups } from "../../../lib/plan/cgroups.ts";
import type { Host } from "../../../lib/host/types.ts";
import { planUpdate, type UpdatePlan } from "../../../lib/plan/update.ts";
import { configWith, HOST_V1, HOST_V2, PLACEMENT } from "./support.ts";

const CGROUPS = { name: "", parent: "nsinit", memory: 8, memorySwap: 16 };

function update(host: Host, resources: Resources): UpdatePlan {
  const config = configWith({ cgroups: CGROUPS });
  const { groups } = planCgroups(config, host, PLACEMENT);
  return planUpdate({ id: "demo", cgroups: CGROUPS, groups }, resources, host);
}

Deno.test("planUpdate writes to the container's own groups", () => {
  const { limits } = update(HOST_V1, { pidsLimit: 3, memory: 4 });
  assertEquals(
    limits.map((op) => op.op === "cgroup.write" && `${op.path}/${op.file}`),
    [
      "/cg/memory/nsinit/demo/memory.limit_in_bytes",
      "/cg/memory/nsinit/demo/memory.memsw.limit_in_bytes",
      "/cg/pids/nsinit/demo/pids.max",
    ],
  );
});

Deno.test("planUpdate enables a controller of version 2 before it is used", () => {
  const { limits } = update(HOST_V2, { cpusetCpus: "0" });
  assertEquals(limits.map(({ op }) => op), ["cgroup.enable", "cgroup.write"]);
});

Deno.test("planUpdate rounds a quota to what systemd keeps, where it made the groups", () => {
  const config = configWith({ cgroups: CGROUPS });
  const { groups } = planCgroups(config, HOST_V2, PLACEMENT);
  const change = { cpuQuota: 500_000, cpuPeriod: 900_000 };
  const written = (isScope: boolean): unknown[] =>
    planUpdate(
      { id: "demo", cgroups: CGROUPS, groups, isScope },
      change,
      HOST_V2,
    ).limits.flatMap((op) => op.op === "cgroup.write" ? [op.value] : []);
  assertEquals(written(false), ["500000 900000"]);
  assertEquals(written(true), ["504000 900000"]);
});

Deno.test("planUpdate replaces the program of version 2 and can go back", () => {
  const { devices } = update(HOST_V2, { allowAllDevices: true });
  assertEquals(devices.ops.map(({ op }) => op), ["cgroup.devices"]);
  assertEquals(devices.back.map(({ op }) => op), ["cgroup.devices"]);
  assertEquals(devices.needsPause, false);
});

Deno.test("planUpdate holds the container still where version 1 opens a gap", () => {
  const deniedDevices = [{
    type: "c",
    path: "",
    major: 1,
    minor: 5,
    permissions: "r",
    fileMode: 0,
    uid: 0,
    gid: 0,
  }] as const;
  const change = { allowAllDevices: true, deniedDevices };
  assertEquals(update(HOST_V1, change).devices.needsPause, true);
  const open = update(HOST_V1, { allowAllDevices: true });
  assertEquals(open.devices.needsPause, false);
});

Deno.test("planUpdate names the controller that a container has no group for", () => {
  const target = { id: "demo", groups: [] };
  assertThrows(
    () => planUpdate(target, { pidsLimit: 3 }, HOST_V1),
    HostError,
    "pids",
  );
});

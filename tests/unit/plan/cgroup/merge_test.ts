import { assertEquals } from "@std/assert";
import { mergeResources } from "../../../../lib/plan/cgroup/merge.ts";

const PLACE = { name: "a", parent: "b" } as const;

Deno.test("mergeResources changes only what is given", () => {
  const current = { ...PLACE, memory: 8, pidsLimit: 5, cpusetCpus: "0" };
  const { next, written, changesDevices } = mergeResources(current, {
    pidsLimit: 6,
    memory: 0,
    cpusetCpus: "",
    freezer: "",
  });
  assertEquals(next, { ...current, pidsLimit: 6 });
  assertEquals([written, changesDevices], [{ pidsLimit: 6 }, false]);
});

Deno.test("mergeResources takes -1, 0 where it is a setting, and false", () => {
  const given = {
    memory: -1,
    cpuBurst: 0,
    cpuIdle: 0,
    oomKillDisable: false,
    memorySwappiness: 0,
  } as const;
  assertEquals(mergeResources(PLACE, given).written, given);
});

Deno.test("mergeResources keeps the place of the groups", () => {
  const moved = { name: "x", parent: "y", pidsLimit: 1 };
  assertEquals(mergeResources(PLACE, moved).next, { ...PLACE, pidsLimit: 1 });
});

Deno.test("mergeResources writes limits together that depend on each other", () => {
  const current = { ...PLACE, memory: 8, memorySwap: 16, cpuPeriod: 5000 };
  assertEquals(mergeResources(current, { memorySwap: 32 }).written, {
    memory: 8,
    memorySwap: 32,
  });
  assertEquals(mergeResources(current, { cpuQuota: 1000 }).written, {
    cpuQuota: 1000,
    cpuPeriod: 5000,
  });
});

Deno.test("mergeResources sets free what leaves a list", () => {
  const device = (minor: number, value: number) => ({ major: 8, minor, value });
  const current = {
    ...PLACE,
    blkioThrottleReadBpsDevice: [device(0, 5), device(1, 6)],
    hugetlbLimit: [{ pageSize: "2MB", limit: 1 }],
    netPrioIfpriomap: [{ interface: "lo", priority: 4 }],
  };
  const given = {
    blkioThrottleReadBpsDevice: [device(1, 7)],
    hugetlbLimit: [],
    netPrioIfpriomap: [],
  };
  const { next, written } = mergeResources(current, given);
  assertEquals(next, { ...current, ...given });
  assertEquals(written, {
    blkioThrottleReadBpsDevice: [device(0, 0), device(1, 7)],
    hugetlbLimit: [{ pageSize: "2MB", limit: -1 }],
    netPrioIfpriomap: [{ interface: "lo", priority: 0 }],
  });
});

Deno.test("mergeResources gives a group its weight back that stops being idle", () => {
  const current = { ...PLACE, cpuShares: 512, cpuIdle: 1 } as const;
  assertEquals(mergeResources(current, { cpuIdle: 0 }).written, {
    cpuIdle: 0,
    cpuShares: 512,
  });
});

Deno.test("mergeResources ends that a group is idle with a weight of its own", () => {
  const current = { ...PLACE, cpuShares: 512, cpuIdle: 1 } as const;
  const { next, written } = mergeResources(current, { cpuShares: 64 });
  assertEquals(written, { cpuShares: 64, cpuIdle: 0 });
  assertEquals([next.cpuIdle, next.cpuShares], [0, 64]);
  const byFile = { ...PLACE, unified: { "cpu.idle": "1" } };
  assertEquals(
    mergeResources(byFile, { unified: { "cpu.weight": "8" } }).written,
    { cpuIdle: 0, unified: { "cpu.idle": "0", "cpu.weight": "8" } },
  );
});

Deno.test("mergeResources writes no weight of a group that becomes idle", () => {
  const shares = mergeResources(PLACE, { cpuShares: 64, cpuIdle: 1 });
  assertEquals(shares.written, { cpuIdle: 1 });
  assertEquals(shares.next.cpuShares, 64);
  const unified = { "cpu.idle": "1", "cpu.weight": "8", "pids.max": "5" };
  assertEquals(mergeResources(PLACE, { unified }).written, {
    unified: { "cpu.idle": "1", "pids.max": "5" },
  });
});

Deno.test("mergeResources adds no device rules to a container that has none", () => {
  const { next } = mergeResources(undefined, { pidsLimit: 3 });
  assertEquals([next.allowAllDevices, next.pidsLimit], [true, 3]);
});

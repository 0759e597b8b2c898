import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { cpuWrites } from "../../../../lib/plan/cgroup/cpu.ts";

type Pairs = readonly (readonly [file: string, value: string])[];

const TABLE: readonly (readonly [Resources, v1: Pairs, v2: Pairs])[] = [
  [{}, [], []],
  [{ cpuShares: 0, cpuQuota: 0, cpuPeriod: 0 }, [], []],
  [{ cpuShares: 2 }, [["cpu.shares", "2"]], [["cpu.weight", "1"]]],
  [{ cpuShares: 1024 }, [["cpu.shares", "1024"]], [["cpu.weight", "100"]]],
  [{ cpuShares: 262144 }, [["cpu.shares", "262144"]], [[
    "cpu.weight",
    "10000",
  ]]],
  [
    { cpuQuota: 50000, cpuPeriod: 20000 },
    [["cpu.cfs_period_us", "20000"], ["cpu.cfs_quota_us", "50000"]],
    [["cpu.max", "50000 20000"]],
  ],
  [
    { cpuQuota: 50000 },
    [["cpu.cfs_quota_us", "50000"]],
    [["cpu.max", "50000 100000"]],
  ],
  [
    { cpuQuota: -1 },
    [["cpu.cfs_quota_us", "-1"]],
    [["cpu.max", "max 100000"]],
  ],
  [
    { cpuPeriod: 5000 },
    [["cpu.cfs_period_us", "5000"]],
    [["cpu.max", "max 5000"]],
  ],
];

Deno.test("cpuWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    for (const [version, wanted] of [[1, v1], [2, v2]] as const) {
      const writes = cpuWrites(resources, version);
      const found: Pairs = writes.map(({ file, value }) =>
        [file, value] as const
      );
      assertEquals(found, wanted);
    }
  }
});

Deno.test("cpuWrites has version 1 shares read back, since old kernels clamp", () => {
  assertEquals(cpuWrites({ cpuShares: 512 }, 1)[0]?.verify, true);
  assertEquals(cpuWrites({ cpuShares: 512 }, 2)[0]?.verify, undefined);
});

Deno.test("cpuWrites refuses shares that the kernel would clamp", () => {
  for (const cpuShares of [1, -1, 262145]) {
    assertThrows(() => cpuWrites({ cpuShares }, 1), ConfigError);
    assertThrows(() => cpuWrites({ cpuShares }, 2), ConfigError);
  }
});

Deno.test("cpuWrites keeps real-time limits for version 1", () => {
  const resources = { cpuRtPeriod: 1000000, cpuRtRuntime: 950000 };
  assertEquals(cpuWrites(resources, 1).map(({ file }) => file), [
    "cpu.rt_period_us",
    "cpu.rt_runtime_us",
  ]);
  assertThrows(() => cpuWrites(resources, 2), HostError, "cpuRtPeriod");
});

/** Files in the order of writing. */
function order(resources: Resources, current: Resources): string[] {
  return cpuWrites(resources, 1, current).map(({ file }) => file);
}

Deno.test("cpuWrites writes burst and idle in both versions", () => {
  const resources: Resources = { cpuQuota: 50000, cpuBurst: 10000, cpuIdle: 1 };
  const pairs = (version: 1 | 2): Pairs =>
    cpuWrites(resources, version).map(({ file, value }) => [file, value]);
  assertEquals(pairs(1), [
    ["cpu.cfs_quota_us", "50000"],
    ["cpu.cfs_burst_us", "10000"],
    ["cpu.idle", "1"],
  ]);
  assertEquals(pairs(2), [
    ["cpu.max", "50000 100000"],
    ["cpu.max.burst", "10000"],
    ["cpu.idle", "1"],
  ]);
});

Deno.test("cpuWrites takes a living group through mixtures that are not more than both", () => {
  const wide = { cpuQuota: 50000, cpuPeriod: 100000 };
  const narrow = { cpuQuota: 25000, cpuPeriod: 50000 };
  assertEquals(order(narrow, wide), ["cpu.cfs_quota_us", "cpu.cfs_period_us"]);
  assertEquals(order(wide, narrow), ["cpu.cfs_period_us", "cpu.cfs_quota_us"]);
});

Deno.test("cpuWrites lowers the burst before the quota and raises it after", () => {
  const small = { cpuQuota: 10000, cpuBurst: 5000 };
  const large = { cpuQuota: 90000, cpuBurst: 50000 };
  assertEquals(order(small, large), ["cpu.cfs_burst_us", "cpu.cfs_quota_us"]);
  assertEquals(order(large, small), ["cpu.cfs_quota_us", "cpu.cfs_burst_us"]);
});

Deno.test("cpuWrites sets weights only while the group is not idle", () => {
  assertEquals(order({ cpuShares: 512, cpuIdle: 0 }, { cpuIdle: 1 }), [
    "cpu.idle",
    "cpu.shares",
  ]);
  assertEquals(order({ cpuShares: 512, cpuIdle: 1 }, {}), [
    "cpu.shares",
    "cpu.idle",
  ]);
});

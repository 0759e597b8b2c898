import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { cpuWrites } from "../../../../lib/plan/cgroup/cpu.ts";

type Pairs = readonly (readonly [file: string, value: string])[];

const TABLE: readonly (readonly [Resources, v1: Pairs, v2: Pairs])[] = [
  [{}, [], []],
  [{ cpuShares: 0, cpuQuota: 0, cpuPeriod: 0 }, [], []],
  [{ cpuShares: 2 }, [["cpu.shares", "2"]], [["cpu.weight", "1"]]],
  [{ cpuShares: 1024 }, [["cpu.shares", "1024"]], [["cpu.weight", "39"]]],
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

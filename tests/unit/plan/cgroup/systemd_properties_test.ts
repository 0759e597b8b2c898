import { assertEquals, assertThrows } from "@std/assert";
import { HostError } from "../../../../lib/errors.ts";
import {
  deviceProperties,
  systemdProperties,
  withKeptQuota,
} from "../../../../lib/plan/cgroup/systemd_properties.ts";

const TABLE: readonly (readonly [string, string, readonly string[]])[] = [
  ["memory.max", "max", ["MemoryMax=infinity"]],
  ["memory.high", "5", ["MemoryHigh=5"]],
  ["memory.limit_in_bytes", "-1", ["MemoryLimit=infinity"]],
  ["pids.max", "7", ["TasksMax=7"]],
  ["cpu.weight", "20", ["CPUWeight=20"]],
  ["cpu.idle", "1", ["CPUWeight=0"]],
  ["cpu.max", "max 50000", [
    "CPUQuotaPerSecUSec=infinity",
    "CPUQuotaPeriodUSec=50000",
  ]],
  ["cpuset.cpus", "0-1", ["AllowedCPUs=0-1"]],
  ["io.weight", "300", ["IOWeight=300"]],
  ["io.weight", "8:0 300", ["IODeviceWeight=/dev/block/8:0 300"]],
  ["io.bfq.weight", "1000", ["IOWeight=10000"]],
  ["io.bfq.weight", "50", ["IOWeight=50"]],
  ["io.max", "8:0 rbps=5 wiops=max", [
    "IOReadBandwidthMax=/dev/block/8:0 5",
    "IOWriteIOPSMax=/dev/block/8:0 infinity",
  ]],
  ["blkio.throttle.read_bps_device", "8:0 0", [
    "BlockIOReadBandwidth=/dev/block/8:0 infinity",
  ]],
  ["hugetlb.2MB.max", "5", []],
  ["memory.swappiness", "5", []],
];

Deno.test("systemdProperties says what systemd knows of each file", () => {
  for (const [file, value, properties] of TABLE) {
    assertEquals(systemdProperties([{ file, value }]), [...properties]);
  }
});

Deno.test("systemdProperties takes quota and period of version 1 together", () => {
  assertEquals(
    systemdProperties([
      { file: "cpu.cfs_period_us", value: "50000" },
      { file: "cpu.cfs_quota_us", value: "25000" },
    ]),
    ["CPUQuotaPerSecUSec=500000", "CPUQuotaPeriodUSec=50000"],
  );
});

Deno.test("systemdProperties rounds a quota up to whole percents", () => {
  for (const [quota, period] of [[33333n, 77777n], [1000n, 999999n]] as const) {
    const [first = ""] = systemdProperties([
      { file: "cpu.max", value: `${quota} ${period}` },
    ]);
    const perSecond = BigInt(first.slice(first.indexOf("=") + 1));
    assertEquals(perSecond % 10_000n, 0n);
    assertEquals(perSecond * period / 1_000_000n >= quota, true);
    assertEquals((perSecond - 10_000n) * period / 1_000_000n < quota, true);
  }
});

Deno.test("systemdProperties lets the later of two writes win, but keeps lists", () => {
  assertEquals(
    systemdProperties([
      { file: "pids.max", value: "5" },
      { file: "io.weight", value: "8:0 5" },
      { file: "io.weight", value: "8:1 6" },
      { file: "pids.max", value: "7" },
    ]),
    [
      "IODeviceWeight=/dev/block/8:0 5",
      "IODeviceWeight=/dev/block/8:1 6",
      "TasksMax=7",
    ],
  );
});

Deno.test("deviceProperties names devices as systemd does", () => {
  const rule = (
    type: "a" | "b" | "c",
    major: number,
    minor: number,
    access: number,
  ) => ({ type, major, minor, access });
  assertEquals(
    deviceProperties({
      allow: false,
      rules: [
        rule("c", 1, 3, 6),
        rule("c", 136, -1, 2),
        rule("a", -1, -1, 1),
        rule("b", 7, 0, 7),
      ],
    }).slice(2),
    [
      "DeviceAllow=/dev/char/1:3 rw",
      "DeviceAllow=char-136 r",
      "DeviceAllow=char-* m",
      "DeviceAllow=block-* m",
      "DeviceAllow=/dev/block/7:0 rwm",
    ],
  );
});

Deno.test("deviceProperties refuses rules that systemd cannot keep", () => {
  const rule = { type: "c", major: -1, minor: 5, access: 7 } as const;
  assertThrows(
    () => deviceProperties({ allow: false, rules: [rule] }),
    HostError,
  );
  assertThrows(
    () => deviceProperties({ allow: true, rules: [{ ...rule, major: 1 }] }),
    HostError,
  );
});

Deno.test("withKeptQuota leaves alone what is no quota", () => {
  for (
    const resources of [
      {},
      { cpuQuota: -1, cpuPeriod: 50_000 },
      { cpuQuota: 0 },
      { cpuPeriod: 50_000 },
    ]
  ) assertEquals(withKeptQuota(resources), resources);
  assertEquals(withKeptQuota({ cpuQuota: 123_456 }), { cpuQuota: 124_000n });
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LIMIT_OPTIONS } from "../../../lib/cli/limit_options.ts";
import { checkLimitsGiven, limitsOf } from "../../../lib/cli/limits.ts";
import { parseArgs } from "../../../lib/cli/parse_args.ts";
import { Values } from "../../../lib/cli/values.ts";
import { defaultAllowedDevices } from "../../../lib/config/defaults.ts";
import type { Resources } from "../../../lib/config/types.ts";
import { UsageError } from "../../../lib/errors.ts";

function valuesOf(...args: string[]): Values {
  const how = { stopEarly: false, command: "update" };
  const { given } = parseArgs(args, LIMIT_OPTIONS, how);
  return new Values(LIMIT_OPTIONS, given);
}

/** The device of every path is 8:16. */
function limits(current: Resources | undefined, ...args: string[]): Resources {
  return limitsOf(valuesOf(...args), current, () => [8, 16]);
}

/** A value for each option, and what it changes. */
const CASES: readonly [string, string, Resources][] = [
  ["memory-limit", "64m", { memory: 64 << 20 }],
  ["memory-swap", "-1", { memorySwap: -1 }],
  ["memory-reservation", "1g", { memoryReservation: 1 << 30 }],
  ["kernel-memory", "1m", { kernelMemory: 1 << 20 }],
  ["kernel-memory-tcp", "1m", { kernelMemoryTcp: 1 << 20 }],
  ["memory-swappiness", "0", { memorySwappiness: 0 }],
  ["hugetlb-limit", "2MB=4m", {
    hugetlbLimit: [{ pageSize: "2MB", limit: 4 << 20 }],
  }],
  ["cpushares", "512", { cpuShares: 512 }],
  ["cpu-quota", "50000", { cpuQuota: 50000 }],
  ["cpu-period", "100000", { cpuPeriod: 100000 }],
  ["cpu-burst", "0", { cpuBurst: 0 }],
  ["cpu-idle", "1", { cpuIdle: 1 }],
  ["cpu-rt-runtime", "5", { cpuRtRuntime: 5 }],
  ["cpu-rt-period", "6", { cpuRtPeriod: 6 }],
  ["cpuset-cpus", "0-1", { cpusetCpus: "0-1" }],
  ["cpuset-mems", "0", { cpusetMems: "0" }],
  ["pids-limit", "-1", { pidsLimit: -1 }],
  ["blkio-weight", "100", { blkioWeight: 100 }],
  ["blkio-weight-device", "8:0:50", {
    blkioWeightDevice: [{ major: 8, minor: 0, value: 50 }],
  }],
  ["device-read-bps", "/dev/a:b:1m", {
    blkioThrottleReadBpsDevice: [{ major: 8, minor: 16, value: 1 << 20 }],
  }],
  ["device-write-bps", "8:0:1", {
    blkioThrottleWriteBpsDevice: [{ major: 8, minor: 0, value: 1 }],
  }],
  ["device-read-iops", "8:0:2", {
    blkioThrottleReadIopsDevice: [{ major: 8, minor: 0, value: 2 }],
  }],
  ["device-write-iops", "8:0:3", {
    blkioThrottleWriteIopsDevice: [{ major: 8, minor: 0, value: 3 }],
  }],
  ["net-cls-classid", "7", { netClsClassid: 7 }],
  ["net-prio", "eth0=3", {
    netPrioIfpriomap: [{ interface: "eth0", priority: 3 }],
  }],
  ["unified", "memory.high=max", { unified: { "memory.high": "max" } }],
];

Deno.test("limitsOf reads the value of every option", () => {
  for (const [name, value, change] of CASES) {
    assertEquals(limits(undefined, `--${name}`, value), change, name);
  }
  assertEquals(limits(undefined, "--oom-kill-disable"), {
    oomKillDisable: true,
  });
  assertEquals(limits(undefined, "--oom-kill-disable=false"), {
    oomKillDisable: false,
  });
  const tested = [...CASES.map(([name]) => name), "oom-kill-disable"];
  const others = LIMIT_OPTIONS.filter(({ name }) => !tested.includes(name));
  assertEquals(others.map(({ name }) => name), ["device-allow", "device-deny"]);
});

Deno.test("limitsOf takes the names of other runtimes", () => {
  assertEquals(
    limits(undefined, "--memory=1k", "--cpu-shares=2"),
    { memory: 1024, cpuShares: 2 },
  );
});

Deno.test("limitsOf changes what has the same name in a list, and keeps the rest", () => {
  const current: Resources = {
    blkioThrottleReadBpsDevice: [
      { major: 8, minor: 0, value: 1 },
      { major: 8, minor: 32, value: 2 },
    ],
    hugetlbLimit: [{ pageSize: "1GB", limit: 1 }],
    netPrioIfpriomap: [{ interface: "lo", priority: 1 }],
  };
  assertEquals(
    limits(
      current,
      "--device-read-bps=8:32:0",
      "--device-read-bps=8:48:5",
      "--hugetlb-limit=2MB=0",
      "--net-prio=lo=2",
    ),
    {
      blkioThrottleReadBpsDevice: [
        { major: 8, minor: 0, value: 1 },
        { major: 8, minor: 32, value: 0 },
        { major: 8, minor: 48, value: 5 },
      ],
      hugetlbLimit: [
        { pageSize: "1GB", limit: 1 },
        { pageSize: "2MB", limit: 0 },
      ],
      netPrioIfpriomap: [{ interface: "lo", priority: 2 }],
    },
  );
});

Deno.test("limitsOf adds and takes away device rules", () => {
  const current = {
    allowAllDevices: false,
    allowedDevices: defaultAllowedDevices,
  };
  const { allowAllDevices, allowedDevices = [] } = limits(
    current,
    "--device-allow=c 10:229 rw",
    "--device-deny=c 1:3 w",
    "--device-deny",
    "c 10:200 rwm",
  );
  const lettersOf = (major: number, minor: number): string | undefined =>
    allowedDevices.find((rule) => rule.major === major && rule.minor === minor)
      ?.permissions;
  assertEquals(allowAllDevices, false);
  assertEquals(
    [lettersOf(10, 229), lettersOf(1, 3), lettersOf(10, 200), lettersOf(1, 5)],
    ["rw", "rm", undefined, "rwm"],
  );
  const again = limits(
    { allowAllDevices: false, allowedDevices },
    "--device-allow=c 1:3 w",
  );
  assertEquals(again.allowedDevices?.length, allowedDevices.length);
  assert(
    again.allowedDevices?.some(({ permissions }) => permissions === "rmw"),
  );
});

Deno.test("limitsOf forbids devices where all are allowed", () => {
  const denied = limits(undefined, "--device-deny=b 8:* rwm");
  assertEquals(denied.allowAllDevices, true);
  assertEquals(
    denied.deniedDevices?.map(({ major, minor }) => [major, minor]),
    [
      [8, -1],
    ],
  );
  assertEquals(limits(denied, "--device-allow=b 8:* rwm").deniedDevices, []);
});

const WRONG: readonly [string, string][] = [
  ["--memory-limit=0", "-1 to lift"],
  ["--cpuset-cpus=", "a list"],
  ["--device-read-bps=8:0", "DEV:N"],
  ["--device-read-bps=sda:1m", "DEV:N"],
  ["--hugetlb-limit=2MB", "SIZE=BYTES"],
  ["--net-prio==3", "INTERFACE=N"],
  ["--unified=memory.high", "FILE=VALUE"],
  ["--device-allow=c 1:3", "type, numbers"],
  ["--device-deny=d 1:3 rwm", "type, numbers"],
  ["--device-allow=c 1:3 rwm", "none to take away"],
];

Deno.test("limitsOf refuses values that make no sense", () => {
  for (const [arg, says] of WRONG) {
    assertThrows(() => limits(undefined, arg), UsageError, says);
  }
});

Deno.test("checkLimitsGiven wants one limit at least", () => {
  assertThrows(() => checkLimitsGiven(valuesOf()), UsageError, "Nothing");
  checkLimitsGiven(valuesOf("--pids-limit=1"));
});

import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ConfigError, UsageError } from "../../../lib/errors.ts";
import {
  completeUpdate,
  readUpdate,
  updateOfOptions,
  type UpdateRequest,
} from "../../../lib/oci/update_resources.ts";

function ofOptions(options: Record<string, string>): UpdateRequest {
  return updateOfOptions((name) => options[name]);
}

Deno.test("readUpdate takes every limit of a live container", async () => {
  const device = { major: 8, minor: 0 };
  const { resources, warnings, checksMemory } = await readUpdate(
    JSON.stringify({
      memory: {
        limit: 67108864,
        reservation: 33554432,
        swap: -1,
        checkBeforeUpdate: true,
      },
      cpu: {
        shares: 100,
        quota: 500000,
        period: 1000000,
        burst: 0,
        realtimeRuntime: 900,
        realtimePeriod: 1000,
        cpus: "0",
        mems: "0",
        idle: 0,
      },
      pids: { limit: 20 },
      blockIO: {
        weight: 500,
        weightDevice: [{ ...device, weight: 10 }],
        throttleReadBpsDevice: [{ ...device, rate: 1024 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2048 }],
        throttleReadIOPSDevice: [{ ...device, rate: 10 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 0 }],
      },
      hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
      unified: { "memory.high": "1000000" },
    }),
    "-",
  );
  assertEquals(warnings, []);
  assertEquals(checksMemory, true);
  assertEquals(resources, {
    memory: 67108864,
    memoryReservation: 33554432,
    memorySwap: -1,
    cpuShares: 100,
    cpuQuota: 500000,
    cpuPeriod: 1000000,
    cpuBurst: 0,
    cpuRtRuntime: 900,
    cpuRtPeriod: 1000,
    cpuIdle: 0,
    cpusetCpus: "0",
    cpusetMems: "0",
    pidsLimit: 20,
    blkioWeight: 500,
    blkioWeightDevice: [{ ...device, value: 10 }],
    blkioThrottleReadBpsDevice: [{ ...device, value: 1024 }],
    blkioThrottleWriteBpsDevice: [{ ...device, value: 2048 }],
    blkioThrottleReadIopsDevice: [{ ...device, value: 10 }],
    blkioThrottleWriteIopsDevice: [{ ...device, value: 0 }],
    hugetlbLimit: [{ pageSize: "2MB", limit: 4194304 }],
    unified: { "memory.high": "1000000" },
  });
});

Deno.test("readUpdate leaves alone what is absent, 0 or empty, and what no update touches", async () => {
  const texts = [
    {},
    {
      memory: { limit: 0, reservation: 0, swap: 0 },
      cpu: { shares: 0, quota: 0, period: 0, cpus: "", mems: "" },
      blockIO: { weight: 0 },
      pids: { limit: 0 },
    },
    {
      devices: [{ allow: true, type: "x" }],
      memory: { swappiness: 50, disableOOMKiller: true },
      network: { classID: 5 },
      unknown: [1],
    },
  ];
  for (const text of texts) {
    const { resources } = await readUpdate(JSON.stringify(text), "-");
    assertEquals(resources, {}, JSON.stringify(text));
  }
});

Deno.test("readUpdate warns of kernel memory, which no kernel limits any more", async () => {
  const text = '{"memory":{"kernel":4096,"limit":8192}}';
  const { resources, warnings } = await readUpdate(text, "-");
  assertEquals(resources, { memory: 8192 });
  assertEquals(warnings.length, 1);
  assertEquals(ofOptions({ "kernel-memory": "4m" }).warnings, warnings);
});

Deno.test("readUpdate keeps 64 bits", async () => {
  const text = '{"memory":{"limit":9223372036854771712}}';
  const { resources } = await readUpdate(text, "-");
  assertEquals(resources.memory, 9223372036854771712n);
});

Deno.test("readUpdate tells all faults with their places", async () => {
  const text = '{"memory":{"limit":"1"},\n"pids":{"limit":-5}}';
  const error = await assertRejects(() => readUpdate(text, "-"), ConfigError);
  assertEquals(error.problems.map(({ path, line }) => [path, line]), [
    ["memory.limit", 1],
    ["pids.limit", 2],
  ]);
  await assertRejects(() => readUpdate("{", "-"), ConfigError);
  await assertRejects(() => readUpdate("[]", "-"), ConfigError);
});

Deno.test("updateOfOptions takes sizes with suffixes, numbers, and -1 for no limit", () => {
  const { resources, warnings } = ofOptions({
    "memory": "64M",
    "memory-reservation": "1.5g",
    "memory-swap": "-1",
    "cpu-period": "900000",
    "cpu-quota": "-1",
    "cpu-burst": "0",
    "cpu-share": "200",
    "cpu-rt-period": "1000",
    "cpu-rt-runtime": "900",
    "cpu-idle": "1",
    "cpuset-cpus": "0-1",
    "cpuset-mems": "0",
    "pids-limit": "-1",
    "blkio-weight": "1000",
  });
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "unable to apply both");
  assertEquals(resources, {
    memory: 67108864,
    memoryReservation: 1610612736,
    memorySwap: -1,
    blkioWeight: 1000,
    cpuPeriod: 900000,
    cpuQuota: -1,
    cpuShares: 200,
    cpuRtPeriod: 1000,
    cpuRtRuntime: 900,
    pidsLimit: -1,
    cpuBurst: 0,
    cpuIdle: 1,
    cpusetCpus: "0-1",
    cpusetMems: "0",
  });
  assertEquals(ofOptions({}).resources, {});
  assertEquals(ofOptions({ memory: "0", "pids-limit": "0" }).resources, {});
});

Deno.test("updateOfOptions names the option of a wrong value", () => {
  const cases: [string, string][] = [
    ["memory", "10foo"],
    ["memory-swap", "-2"],
    ["cpu-period", "-1"],
    ["cpu-quota", "fast"],
    ["cpu-idle", "2"],
    ["pids-limit", "1.5"],
    ["blkio-weight", "70000"],
    ["kernel-memory", "x"],
  ];
  for (const [name, text] of cases) {
    const error = assertThrows(() => ofOptions({ [name]: text }), UsageError);
    assertEquals(error.message.startsWith(`invalid value for ${name}: `), true);
  }
});

Deno.test("completeUpdate lifts the limit of memory and swap with that of memory", () => {
  const current = { memory: 4096, memorySwap: 8192 };
  assertEquals(completeUpdate({ memory: -1 }, current), {
    memory: -1,
    memorySwap: -1,
  });
  const both = { memory: -1, memorySwap: 16384 };
  assertEquals(completeUpdate(both, current), both);
  assertEquals(completeUpdate({ memory: -1 }, { memory: 4096 }), {
    memory: -1,
  });
  assertEquals(completeUpdate({ memory: 8192 }, current), { memory: 8192 });
  assertEquals(completeUpdate({ memory: -1 }, undefined), { memory: -1 });
});

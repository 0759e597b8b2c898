import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import { cpuStats } from "../../../lib/stats/cpu.ts";
import { group } from "./fixture.ts";

const CPUACCT = {
  "cpuacct.usage": "300000000\n",
  "cpuacct.stat": "user 20\nsystem 10\n",
  "cpuacct.usage_percpu": "100000000 200000000 \n",
  "cpuacct.usage_all": "cpu user system\n0 60 40\n1 150 50\n",
};
const CPU = {
  "cpu.stat":
    "nr_periods 7\nnr_throttled 3\nthrottled_time 5000\nnr_bursts 0\nburst_time 0\n",
};
const UNIFIED = {
  "cpu.stat":
    "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnice_usec 0\nnr_periods 7\nnr_throttled 3\nthrottled_usec 5\nnr_bursts 2\nburst_usec 4\n",
  "cpu.pressure":
    "some avg10=1.25 avg60=0.50 avg300=0.10 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
};

Deno.test("version 1 gives nanoseconds, those of user and kernel from ticks", () => {
  const stats = cpuStats({ cpuacct: group(1, CPUACCT), cpu: group(1, CPU) });

  assertEquals(stats, {
    usage: {
      total: 300000000,
      user: 200000000,
      kernel: 100000000,
      perCpu: [100000000, 200000000],
      perCpuUser: [60, 150],
      perCpuKernel: [40, 50],
    },
    throttling: {
      periods: 7,
      throttledPeriods: 3,
      throttledTime: 5000,
      bursts: 0,
      burstTime: 0,
    },
  });
});

Deno.test("version 2 gives the same, from microseconds", () => {
  const stats = cpuStats({ unified: group(2, UNIFIED) });

  assertEquals(stats?.usage, { total: 300000, user: 200000, kernel: 100000 });
  assertEquals(stats?.throttling, {
    periods: 7,
    throttledPeriods: 3,
    throttledTime: 5000,
    bursts: 2,
    burstTime: 4000,
  });
  assertEquals(stats?.pressure?.some, {
    avg10: 1.25,
    avg60: 0.5,
    avg300: 0.1,
    total: 77,
  });
});

Deno.test("where both are, version 1 counts and version 2 adds the pressure", () => {
  const stats = cpuStats({
    cpuacct: group(1, CPUACCT),
    cpu: group(1, CPU),
    unified: group(2, { ...UNIFIED, "cpu.stat": "usage_usec 1\n" }),
  });

  assertEquals(stats?.usage?.total, 300000000);
  assertEquals(stats?.throttling?.periods, 7);
  assertEquals(stats?.pressure?.full?.total, 0);
});

Deno.test("without the cpu controller there is no throttling", () => {
  const unified = group(2, { "cpu.stat": "usage_usec 1\n" });
  assertEquals(cpuStats({ unified })?.throttling, undefined);
});

Deno.test("an old kernel's cpuacct has no figures by mode and CPU", () => {
  const { "cpuacct.usage": usage, "cpuacct.stat": stat } = CPUACCT;
  const files = group(1, { "cpuacct.usage": usage, "cpuacct.stat": stat });
  assertEquals(cpuStats({ cpuacct: files })?.usage, {
    total: 300000000,
    user: 200000000,
    kernel: 100000000,
  });
});

Deno.test("no files, no figures", () => {
  assertEquals(
    cpuStats({ cpuacct: group(1, {}), unified: group(2, {}) }),
    undefined,
  );
  assertEquals(cpuStats({}), undefined);
});

for (
  const [name, text] of [
    ["cpuacct.usage", "many\n"],
    ["cpuacct.stat", "user\n"],
    ["cpuacct.usage_percpu", "1 x\n"],
    ["cpuacct.usage_all", "cpu user\n0 1\n"],
    ["cpuacct.usage_all", "cpu user system\n0 1\n"],
  ] as const
) {
  Deno.test(`${name} of ${JSON.stringify(text)} is refused`, () => {
    const cpuacct = group(1, { ...CPUACCT, [name]: text });
    assertThrows(() => cpuStats({ cpuacct }), KernelError, name);
  });
}

for (
  const text of [
    "some avg10=1 avg60=0.00 avg300=0.00 total=1\n",
    "most avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
    "some avg10=0.00\n",
  ]
) {
  Deno.test(`cpu.pressure of ${JSON.stringify(text)} is refused`, () => {
    const unified = group(2, { "cpu.pressure": text });
    assertThrows(() => cpuStats({ unified }), KernelError, "cpu.pressure");
  });
}

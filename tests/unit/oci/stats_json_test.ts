import { assertEquals } from "@std/assert";
import type { MemoryStats, Stats } from "../../../lib/stats/types.ts";
import { oomEvent, statsEvent } from "../../../lib/oci/stats_json.ts";
import { formatJson } from "../../../lib/cli/output.ts";

const MEMORY: MemoryStats = {
  usage: { usage: 720896, max: 2535424, failcnt: 0 },
  swap: { usage: 0, failcnt: 3, limit: 4096 },
  cache: 0,
  rss: 53248,
  raw: { cache: 0, rss: 53248 },
};

/** The `data` as a client reads it. */
function dataOf(stats: Omit<Stats, "time">): Record<string, unknown> {
  const text = formatJson(statsEvent("a", { time: 0, ...stats }), 0);
  return JSON.parse(text)["data"];
}

Deno.test("statsEvent of nothing has every section", () => {
  assertEquals(
    formatJson(statsEvent("a", { time: 0 }), 0),
    '{"type":"stats","id":"a","data":{' +
      '"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},' +
      '"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,' +
      '"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,' +
      '"memory_pressure":0,"sched_load_balance":0,' +
      '"sched_relax_domain_level":0},' +
      '"memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,' +
      '"failcnt":0},"kernel":{"limit":0,"failcnt":0},' +
      '"kernelTCP":{"limit":0,"failcnt":0}},' +
      '"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},' +
      '"network_interfaces":null}}',
  );
});

Deno.test("statsEvent names cpu times in nanoseconds by their usual keys", () => {
  const line = { avg10: 1, avg60: 2, avg300: 3, total: 4 };
  const { cpu, cpuset } = dataOf({
    cpu: {
      usage: {
        total: 30,
        user: 20,
        kernel: 10,
        perCpu: [30, 0],
        perCpuKernel: [10, 0],
        perCpuUser: [20, 0],
      },
      throttling: { periods: 5, throttledPeriods: 0, throttledTime: 7 },
      pressure: { some: line },
    },
    cpuset: {
      cpus: [0, 1],
      mems: [0],
      raw: { sched_load_balance: 1, sched_relax_domain_level: -1 },
    },
  });
  assertEquals(cpu, {
    usage: {
      total: 30,
      percpu: [30, 0],
      percpu_kernel: [10, 0],
      percpu_user: [20, 0],
      kernel: 10,
      user: 20,
    },
    throttling: { periods: 5, throttledTime: 7 },
    psi: { some: line },
  });
  const { cpus, mems, sched_load_balance, sched_relax_domain_level } =
    cpuset as Record<string, unknown>;
  assertEquals(
    [cpus, mems, sched_load_balance, sched_relax_domain_level],
    [[0, 1], [0], 1, -1],
  );
});

Deno.test("statsEvent writes the kernel's largest number for no limit of memory", () => {
  const limits = (memory: MemoryStats): unknown[] => {
    const text = formatJson(statsEvent("a", { time: 0, memory }), 0);
    return [...text.matchAll(/"(usage|swap)":\{"limit":(\d+)/g)]
      .map(([, key, limit]) => `${key} ${limit}`);
  };
  assertEquals(limits(MEMORY), ["usage 9223372036854771712", "swap 4096"]);
  assertEquals(limits({ ...MEMORY, events: { max: 0 } }), [
    "usage 18446744073709551615",
    "swap 4096",
  ]);
  const { memory } = dataOf({ memory: MEMORY });
  assertEquals((memory as Record<string, unknown>)["raw"], {
    cache: 0,
    rss: 53248,
  });
});

Deno.test("statsEvent lists devices, huge pages, pids and interfaces", () => {
  const entry = { major: 8, minor: 0, op: "Read", value: 512 };
  const list = [entry, { major: 8, minor: 1, op: "", value: 0 }];
  const rest = {
    ioServicedRecursive: [],
    ioQueueRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
  };
  const data = dataOf({
    blkio: { ioServiceBytesRecursive: list, ...rest },
    hugetlb: { "2MB": { usage: 0, max: 4, failcnt: 0, limit: 8 } },
    pids: { current: 2, limit: 10 },
    interfaces: [{
      name: "eth0",
      rxBytes: 1,
      rxPackets: 2,
      rxErrors: 3,
      rxDropped: 4,
      txBytes: 5,
      txPackets: 6,
      txErrors: 7,
      txDropped: 8,
    }],
  });
  assertEquals(data["blkio"], {
    ioServiceBytesRecursive: [
      { major: 8, op: "Read", value: 512 },
      { major: 8, minor: 1 },
    ],
  });
  assertEquals(data["hugetlb"], { "2MB": { max: 4, failcnt: 0 } });
  assertEquals(data["pids"], { current: 2, limit: 10 });
  assertEquals(data["network_interfaces"], [{
    Name: "eth0",
    RxBytes: 1,
    RxPackets: 2,
    RxErrors: 3,
    RxDropped: 4,
    TxBytes: 5,
    TxPackets: 6,
    TxErrors: 7,
    TxDropped: 8,
  }]);
});

Deno.test("oomEvent has nothing but type and id", () => {
  assertEquals(formatJson(oomEvent("a"), 0), '{"type":"oom","id":"a"}');
});

import { assert, assertEquals } from "@std/assert";
import { eventToJson, formatEvent } from "../../../lib/cli/event_lines.ts";
import { formatJson } from "../../../lib/cli/output.ts";
import { statsToJson } from "../../../lib/cli/stats_json.ts";
import { formatStats } from "../../../lib/cli/stats_table.ts";
import type { Stats } from "../../../lib/stats/types.ts";

const STATS: Stats = {
  time: 0,
  cpu: {
    usage: { total: 1.5e9, user: 1e9, kernel: 5e8, perCpu: [1e9, 5e8] },
    throttling: { periods: 10, throttledPeriods: 2, throttledTime: 3e8 },
  },
  cpuset: { cpus: [0, 1], mems: [0], raw: { cpu_exclusive: 0 } },
  memory: {
    usage: { usage: 33554432, max: 50331648, failcnt: 1, limit: 67108864 },
    swapOnly: { usage: 4096, failcnt: 0, limit: 2n ** 63n - 4096n },
    cache: 4096,
    rss: 8192,
    oomKills: 1,
    raw: { cache: 4096 },
  },
  blkio: {
    ioServiceBytesRecursive: [
      { major: 8, minor: 0, op: "Read", value: 1024 },
      { major: 8, minor: 16, op: "Read", value: 1024 },
      { major: 8, minor: 0, op: "Write", value: 512 },
    ],
    ioServicedRecursive: [{ major: 8, minor: 0, op: "Read", value: 1 }],
    ioQueueRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
  },
  hugetlb: { "2MB": { usage: 0, max: 2097152, failcnt: 0 } },
  pids: { current: 3, limit: 100 },
  interfaces: [{
    name: "eth0",
    rxBytes: 2048,
    rxPackets: 2,
    rxErrors: 0,
    rxDropped: 1,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  }],
};

Deno.test("formatStats tells what is used, of how much", () => {
  assertEquals(
    formatStats(STATS),
    `WHAT               USE
cpu time           1.5 s (1 s in programs, 500 ms in the kernel)
cpu held back      300 ms, in 2 of 10 periods
memory             32 MiB of 64 MiB (50.0 %), at most 48 MiB, limit hit 1 time
of that            8 KiB of programs, 4 KiB of files
swap               4 KiB
out of memory      1 process killed
huge pages of 2MB  0 B, at most 2 MiB
processes          3 of 100
block devices      2 KiB read (1 operation), 512 B written (0 operations)
network eth0       2 KiB received (2 packets), 0 B sent (0 packets), 1 lost`,
  );
});

Deno.test("formatStats fits a narrow terminal", () => {
  const lines = formatStats(STATS, { width: 40 }).split("\n");
  assertEquals(Math.max(...lines.map((line) => line.length)), 40);
});

Deno.test("formatStats shows pressure where it is measured", () => {
  const line = { avg10: 1.25, avg60: 0, avg300: 0, total: 1 };
  const text = formatStats({ time: 0, cpu: { pressure: { some: line } } });
  assertEquals(
    text,
    "WHAT                 USE\nwaiting for the cpu  1.3 % of the last 10 s",
  );
});

Deno.test("formatStats does not let a container drive the terminal", () => {
  const [eth0] = STATS.interfaces ?? [];
  assert(eth0);
  const interfaces = [{ ...eth0, name: "\x1b]0;x\x07\u202e" }];
  const text = formatStats({ time: 0, interfaces });
  assert(text.includes("network \\u001b]0;x\\u0007\\u202e"), text);
  assertEquals(text.split("\n").length, 2);
});

Deno.test("statsToJson has the keys of nsinit 2", () => {
  const json = JSON.parse(formatJson(statsToJson("demo", STATS), 0));
  assertEquals(Object.keys(json), ["id", "time", "Interfaces", "CgroupStats"]);
  assertEquals(json.Interfaces[0].RxBytes, 2048);
  const { cpu_stats, memory_stats, blkio_stats, hugetlb_stats, pids_stats } =
    json.CgroupStats;
  assertEquals(cpu_stats.cpu_usage, {
    total_usage: 1.5e9,
    percpu_usage: [1e9, 5e8],
    usage_in_kernelmode: 5e8,
    usage_in_usermode: 1e9,
  });
  assertEquals(cpu_stats.throttling_data.throttled_time, 3e8);
  assertEquals(memory_stats.usage, {
    usage: 33554432,
    max_usage: 50331648,
    failcnt: 1,
    limit: 67108864,
  });
  assertEquals(memory_stats.stats, { cache: 4096 });
  assertEquals(blkio_stats.io_service_bytes_recursive.length, 3);
  assertEquals(hugetlb_stats["2MB"], {
    usage: 0,
    max_usage: 2097152,
    failcnt: 0,
  });
  assertEquals(pids_stats, { current: 3, limit: 100 });
});

Deno.test("statsToJson rounds no number and breaks at no name", () => {
  const [eth0] = STATS.interfaces ?? [];
  assert(eth0);
  const name = '"\n\x1b\uf8ff12';
  const stats = {
    time: 0,
    interfaces: [{ ...eth0, name, rxBytes: 2n ** 60n }],
  };
  const text = formatJson(statsToJson("demo", stats), 0);
  assert(!text.includes("\n") && !text.includes("\x1b"));
  assert(text.includes('"RxBytes":1152921504606846976'));
  assertEquals(JSON.parse(text).Interfaces[0].Name, name);
});

Deno.test("events are lines for people, and objects for programs", () => {
  const at = "1970-01-01T00:00:00.000Z";
  const base = { time: 0, pid: 7 } as const;
  const lines = [
    formatEvent("a", { type: "start", ...base }),
    formatEvent("a", { type: "oom", time: 0, count: 1 }),
    formatEvent("a", { type: "pressure", time: 0, level: "low", count: 3 }),
    formatEvent("a", { type: "exit", ...base, status: { code: 3 } }),
    formatEvent("a", {
      type: "exit",
      ...base,
      status: { code: 137, signal: 9 },
    }),
    formatEvent("a", { type: "exit", ...base }),
  ];
  assertEquals(lines, [
    `${at}  a  runs as process 7`,
    `${at}  a  out of memory`,
    `${at}  a  short of memory, low (3 times)`,
    `${at}  a  ended with status 3`,
    `${at}  a  killed by signal 9 (SIGKILL)`,
    `${at}  a  ended, nobody knows how`,
  ]);
  const exit = {
    type: "exit",
    ...base,
    status: { code: 137, signal: 9 },
  } as const;
  assertEquals(eventToJson("a", exit), {
    type: "exit",
    id: "a",
    time: at,
    pid: 7,
    status: { code: 137, signal: 9 },
  });
});

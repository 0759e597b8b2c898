import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import { memoryStats } from "../../../lib/stats/memory.ts";
import { group } from "./fixture.ts";

const V1 = {
  "memory.usage_in_bytes": "4096\n",
  "memory.max_usage_in_bytes": "8192\n",
  "memory.failcnt": "2\n",
  "memory.limit_in_bytes": "16384\n",
  "memory.stat":
    "cache 10\nrss 20\nswap 5\ntotal_cache 11\ntotal_rss 22\ntotal_swap 6\n",
  "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
};
const MEMSW = {
  "memory.memsw.usage_in_bytes": "5000\n",
  "memory.memsw.max_usage_in_bytes": "9000\n",
  "memory.memsw.failcnt": "1\n",
  "memory.memsw.limit_in_bytes": "9223372036854771712\n",
};
const V2 = {
  "memory.current": "4096\n",
  "memory.peak": "8192\n",
  "memory.max": "16384\n",
  "memory.stat": "anon 20\nfile 10\nkernel 300\nsock 40\n",
  "memory.events":
    "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n",
  "memory.events.local": "low 0\nhigh 0\nmax 2\noom 1\noom_kill 1\n",
  "memory.swap.current": "100\n",
  "memory.swap.peak": "200\n",
  "memory.swap.max": "1000\n",
  "memory.swap.events": "high 0\nmax 7\nfail 0\n",
};

Deno.test("version 1 counts groups below in cache and rss", () => {
  const stats = memoryStats(group(1, { ...V1, ...MEMSW }), undefined);

  assertEquals(stats?.usage, {
    usage: 4096,
    max: 8192,
    failcnt: 2,
    limit: 16384,
  });
  assertEquals(stats?.swap, { usage: 5000, max: 9000, failcnt: 1 });
  assertEquals(stats?.swapOnly, { usage: 6, failcnt: 0 });
  assertEquals([stats?.cache, stats?.rss, stats?.oomKills], [11, 22, 3]);
  assertEquals(stats?.raw["total_rss"], 22);
});

Deno.test("without swap accounting there is no swap", () => {
  const stats = memoryStats(group(1, V1), undefined);
  assertEquals([stats?.swap, stats?.swapOnly], [undefined, undefined]);
});

Deno.test("kernel memory of version 1 is there when the kernel counts it", () => {
  const kmem = {
    "memory.kmem.usage_in_bytes": "1\n",
    "memory.kmem.max_usage_in_bytes": "2\n",
    "memory.kmem.failcnt": "0\n",
    "memory.kmem.limit_in_bytes": "9223372036854771712\n",
    "memory.kmem.tcp.usage_in_bytes": "3\n",
    "memory.kmem.tcp.failcnt": "0\n",
  };
  const stats = memoryStats(group(1, { ...V1, ...kmem }), undefined);

  assertEquals(stats?.kernel, { usage: 1, max: 2, failcnt: 0 });
  assertEquals(stats?.kernelTcp, { usage: 3, failcnt: 0 });
});

Deno.test("version 2 adds memory to swap, as version 1 counts it", () => {
  const stats = memoryStats(undefined, group(2, V2));

  assertEquals(stats?.usage, {
    usage: 4096,
    max: 8192,
    failcnt: 2,
    limit: 16384,
  });
  assertEquals(stats?.swap, { usage: 4196, failcnt: 7, limit: 17384 });
  assertEquals(stats?.swapOnly, {
    usage: 100,
    max: 200,
    failcnt: 7,
    limit: 1000,
  });
  assertEquals(stats?.kernel, { usage: 300, failcnt: 0 });
  assertEquals(stats?.kernelTcp, { usage: 40, failcnt: 0 });
  assertEquals([stats?.cache, stats?.rss, stats?.oomKills], [10, 20, 3]);
  assertEquals(stats?.events?.["oom"], 4);
});

Deno.test("memory and swap together have no limit where one of them has none", () => {
  const files = group(2, { ...V2, "memory.swap.max": "max\n" });
  assertEquals(memoryStats(undefined, files)?.swap?.limit, undefined);
});

Deno.test("version 2 without events of its own counts those of all", () => {
  const { "memory.events.local": _, ...older } = V2;
  assertEquals(memoryStats(undefined, group(2, older))?.usage.failcnt, 9);
});

Deno.test("where both are, version 2 adds the pressure", () => {
  const pressure = "some avg10=2.00 avg60=0.00 avg300=0.00 total=5\n";
  const unified = group(2, { "memory.pressure": pressure });
  const stats = memoryStats(group(1, V1), unified);

  assertEquals(stats?.usage.usage, 4096);
  assertEquals(stats?.pressure?.some?.avg10, 2);
  assertEquals(memoryStats(undefined, unified), undefined);
});

Deno.test("no files, no figures", () => {
  assertEquals(memoryStats(group(1, {}), group(2, {})), undefined);
});

for (
  const [name, text] of [
    ["memory.usage_in_bytes", ""],
    ["memory.stat", "cache ten\n"],
    ["memory.failcnt", "-4\n"],
  ] as const
) {
  Deno.test(`${name} of ${JSON.stringify(text)} is refused`, () => {
    const files = group(1, { ...V1, [name]: text });
    assertThrows(() => memoryStats(files, undefined), KernelError, name);
  });
}

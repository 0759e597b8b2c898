import { assertEquals } from "@std/assert";
import { restoreText } from "../../../../lib/plan/cgroup/restore.ts";

const TABLE: readonly (readonly [
  file: string,
  value: string,
  before: string,
  text: string,
])[] = [
  ["memory.limit_in_bytes", "5", "4096\n", "4096"],
  ["cpu.max", "1000 5000", "max 100000\n", "max 100000"],
  ["cpuset.cpus", "0", "\n", ""],
  ["io.max", "8:0 rbps=5", "8:0 rbps=1 wbps=max\n", "8:0 rbps=1 wbps=max"],
  ["io.max", "8:0 rbps=5", "", "8:0 rbps=max wbps=max riops=max wiops=max"],
  ["io.weight", "20", "default 100\n8:0 50\n", "100"],
  ["io.weight", "8:0 20", "default 100\n8:0 50\n", "8:0 50"],
  ["io.weight", "8:0 20", "default 100\n", "8:0 default"],
  ["blkio.bfq.weight_device", "8:0 20", "", "8:0 0"],
  ["net_prio.ifpriomap", "lo 5", "eth0 1\nlo 2\n", "lo 2"],
  ["memory.oom_control", "0", "oom_kill_disable 1\nunder_oom 0\n", "1"],
];

Deno.test("restoreText says in a file's own words what was there", () => {
  for (const [file, value, before, text] of TABLE) {
    assertEquals(restoreText(file, value, before), text);
  }
});

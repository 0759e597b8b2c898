import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { cpusetWrites } from "../../../../lib/plan/cgroup/cpuset.ts";
import { freezerWrite } from "../../../../lib/plan/cgroup/freezer.ts";
import { hugetlbWrites } from "../../../../lib/plan/cgroup/hugetlb.ts";
import { networkWrites } from "../../../../lib/plan/cgroup/network.ts";
import { pidsWrites } from "../../../../lib/plan/cgroup/pids.ts";
import type {
  CgroupVersion,
  LimitWrite,
} from "../../../../lib/plan/cgroup/types.ts";

type Writer = (resources: Resources, version: CgroupVersion) => LimitWrite[];

const TABLE: readonly (readonly [Writer, Resources, string, string])[] = [
  [pidsWrites, {}, "", ""],
  [pidsWrites, { pidsLimit: 5 }, "pids.max=5", "pids.max=5"],
  [pidsWrites, { pidsLimit: 0 }, "pids.max=max", "pids.max=max"],
  [pidsWrites, { pidsLimit: -1 }, "pids.max=max", "pids.max=max"],
  [cpusetWrites, { cpusetCpus: "" }, "", ""],
  [
    cpusetWrites,
    { cpusetCpus: "0-1", cpusetMems: "0" },
    "cpuset.cpus=0-1 cpuset.mems=0",
    "cpuset.cpus=0-1 cpuset.mems=0",
  ],
  [
    hugetlbWrites,
    { hugetlbLimit: [{ pageSize: "1GB", limit: 0 }] },
    "hugetlb.1GB.limit_in_bytes=0",
    "hugetlb.1GB.max=0",
  ],
  [
    hugetlbWrites,
    { hugetlbLimit: [{ pageSize: "64KB", limit: -1 }] },
    "hugetlb.64KB.limit_in_bytes=-1",
    "hugetlb.64KB.max=max",
  ],
  [networkWrites, { netClsClassid: 0, netPrioIfpriomap: [] }, "", ""],
];

Deno.test("each small limit is said in both versions", () => {
  for (const [writes, resources, v1, v2] of TABLE) {
    const text = (version: CgroupVersion): string =>
      writes(resources, version).map(({ file, value }) => `${file}=${value}`)
        .join(" ");
    assertEquals(text(1), v1);
    assertEquals(text(2), v2);
  }
});

Deno.test("networkWrites is for version 1 only", () => {
  const resources = {
    netClsClassid: 0x10001,
    netPrioIfpriomap: [{ interface: "eth0", priority: 5 }],
  };
  assertEquals(
    networkWrites(resources, 1).map(({ file, value }) => [file, value]),
    [["net_cls.classid", "65537"], ["net_prio.ifpriomap", "eth0 5"]],
  );
  assertThrows(() => networkWrites(resources, 2), HostError);
});

Deno.test("hugetlbWrites refuses sizes that would leave the directory", () => {
  for (const pageSize of ["", "2mb", "../x", "2MB/..", "0KB"]) {
    const resources = { hugetlbLimit: [{ pageSize, limit: 1 }] };
    assertThrows(() => hugetlbWrites(resources, 1), ConfigError);
  }
});

Deno.test("freezerWrite freezes and thaws in both versions", () => {
  assertEquals(freezerWrite("FROZEN", 1).value, "FROZEN");
  assertEquals(freezerWrite("FROZEN", 2).file, "cgroup.freeze");
  assertEquals(freezerWrite("THAWED", 2).value, "0");
});

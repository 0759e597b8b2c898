import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import {
  cpusetStats,
  hugetlbStats,
  pidsStats,
  rdmaStats,
} from "../../../lib/stats/small.ts";
import { group } from "./fixture.ts";

Deno.test("pids have a limit only where there is one", () => {
  const files = { "pids.current": "3\n", "pids.max": "max\n" };

  assertEquals(pidsStats(group(1, files)), { current: 3 });
  assertEquals(
    pidsStats(group(2, {
      ...files,
      "pids.max": "10\n",
      "pids.peak": "4\n",
      "pids.events": "max 2\n",
    })),
    { current: 3, limit: 10, max: 4, failcnt: 2 },
  );
});

Deno.test("huge pages of version 1 are told by size", () => {
  const stats = hugetlbStats(group(1, {
    "hugetlb.2MB.usage_in_bytes": "2097152\n",
    "hugetlb.2MB.max_usage_in_bytes": "4194304\n",
    "hugetlb.2MB.failcnt": "1\n",
    "hugetlb.2MB.limit_in_bytes": "9223372036854771712\n",
    "hugetlb.2MB.rsvd.usage_in_bytes": "0\n",
    "hugetlb.1GB.usage_in_bytes": "0\n",
  }));

  assertEquals(stats, {
    "1GB": { usage: 0, failcnt: 0 },
    "2MB": {
      usage: 2097152,
      max: 4194304,
      failcnt: 1,
      reserved: { usage: 0, failcnt: 0 },
    },
  });
});

Deno.test("huge pages of version 2 count what was refused", () => {
  const stats = hugetlbStats(group(2, {
    "hugetlb.2MB.current": "2097152\n",
    "hugetlb.2MB.max": "4194304\n",
    "hugetlb.2MB.events": "max 5\n",
  }));
  assertEquals(stats, {
    "2MB": { usage: 2097152, limit: 4194304, failcnt: 5 },
  });
});

Deno.test("rdma has use and limits by device", () => {
  const stats = rdmaStats(group(1, {
    "rdma.current": "mlx4_0 hca_handle=2 hca_object=2000\n",
    "rdma.max": "mlx4_0 hca_handle=3 hca_object=max\n",
  }));
  assertEquals(stats, {
    current: { mlx4_0: { hca_handle: 2, hca_object: 2000 } },
    limit: { mlx4_0: { hca_handle: 3 } },
  });
});

Deno.test("cpusets are lists of numbers", () => {
  const stats = cpusetStats(group(1, {
    "cpuset.cpus": "0-2,8\n",
    "cpuset.mems": "0\n",
    "cpuset.cpu_exclusive": "1\n",
    "cpuset.sched_relax_domain_level": "-1\n",
  }));
  assertEquals(stats, {
    cpus: [0, 1, 2, 8],
    mems: [0],
    raw: { cpu_exclusive: 1, sched_relax_domain_level: -1 },
  });
});

Deno.test("the effective cpuset of version 2 counts", () => {
  const stats = cpusetStats(group(2, {
    "cpuset.cpus": "\n",
    "cpuset.cpus.effective": "1\n",
    "cpuset.mems.effective": "0-1\n",
  }));
  assertEquals(stats, { cpus: [1], mems: [0, 1], raw: {} });
});

Deno.test("no files, no figures", () => {
  const none = group(2, {});
  assertEquals(
    [pidsStats(none), hugetlbStats(none), rdmaStats(none), cpusetStats(none)],
    [undefined, undefined, undefined, undefined],
  );
});

for (const text of ["0-", "a", "3-1", "0,,1", "0-99999999"]) {
  Deno.test(`a cpuset of ${JSON.stringify(text)} is refused`, () => {
    const files = group(1, { "cpuset.cpus": text, "cpuset.mems": "0" });
    assertThrows(() => cpusetStats(files), KernelError, "cpuset.cpus");
  });
}

Deno.test("pids.current without a number is refused", () => {
  const files = group(1, { "pids.current": "few\n" });
  assertThrows(() => pidsStats(files), KernelError, "pids.current");
});

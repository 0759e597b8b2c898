import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { HostError } from "../../../../lib/errors.ts";
import { limitWrites } from "../../../../lib/plan/cgroup/limits.ts";
import {
  HOST_HYBRID,
  HOST_NONE,
  HOST_V1,
  HOST_V2,
  V1,
  V2,
} from "../support.ts";

const EACH: readonly Resources[] = [
  { memory: 1 },
  { memorySwap: 2, memory: 1 },
  { memoryReservation: 1 },
  { cpuShares: 512 },
  { cpuQuota: 1000 },
  { cpusetCpus: "0" },
  { pidsLimit: 1 },
  { blkioWeight: 100 },
  { hugetlbLimit: [{ pageSize: "2MB", limit: 0 }] },
];

Deno.test("limitWrites places every limit in the hierarchy of its controller", () => {
  for (const host of [HOST_V1, HOST_V2, HOST_HYBRID]) {
    for (const resources of EACH) {
      for (const { hierarchy, write } of limitWrites(resources, host)) {
        assertEquals(hierarchy.controllers.includes(write.controller), true);
      }
    }
  }
});

Deno.test("limitWrites fails closed for every limit without a controller", () => {
  for (const resources of EACH) {
    assertThrows(() => limitWrites(resources, HOST_NONE), HostError);
  }
  assertThrows(
    () => limitWrites({ netClsClassid: 1 }, HOST_V2),
    HostError,
    "netClsClassid",
  );
});

Deno.test("limitWrites uses the version 2 controller that version 1 leaves", () => {
  const host = {
    ...HOST_HYBRID,
    cgroup: {
      mode: "hybrid",
      hierarchies: [
        ...V1.filter(({ controllers }) => !controllers.includes("hugetlb")),
        { ...V2, controllers: ["hugetlb"] },
      ],
    },
  } as const;
  const [placed] = limitWrites(
    { hugetlbLimit: [{ pageSize: "2MB", limit: 0 }] },
    host,
  );
  assertEquals(placed?.hierarchy.version, 2);
  assertEquals(placed?.write.file, "hugetlb.2MB.max");
});

Deno.test("limitWrites fills cpuset before anything joins", () => {
  const writes = limitWrites({ memory: 1, cpusetCpus: "0" }, HOST_V1);
  assertEquals(writes.map(({ write }) => write.file), [
    "cpuset.cpus",
    "memory.limit_in_bytes",
  ]);
});

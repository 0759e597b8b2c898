import { assertEquals } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { cpusetWrites } from "../../../../lib/plan/cgroup/cpuset.ts";

/** Limits, then what is written in version 1 and in version 2. */
const TABLE: readonly (readonly [Resources, string, string])[] = [
  [{ cpusetCpus: "" }, "", ""],
  [
    { cpusetCpus: "0-1", cpusetMems: "0" },
    "cpuset.cpus=0-1 cpuset.mems=0",
    "cpuset.cpus=0-1 cpuset.mems=0",
  ],
];

Deno.test("cpusetWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    const text = (version: 1 | 2): string =>
      cpusetWrites(resources, version).map(({ file, value }) =>
        `${file}=${value}`
      )
        .join(" ");
    assertEquals(text(1), v1);
    assertEquals(text(2), v2);
  }
});

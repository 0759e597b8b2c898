import { assertEquals } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { pidsWrites } from "../../../../lib/plan/cgroup/pids.ts";

/** Limits, then what is written in version 1 and in version 2. */
const TABLE: readonly (readonly [Resources, string, string])[] = [
  [{}, "", ""],
  [{ pidsLimit: 5 }, "pids.max=5", "pids.max=5"],
  [{ pidsLimit: 0 }, "pids.max=max", "pids.max=max"],
  [{ pidsLimit: -1 }, "pids.max=max", "pids.max=max"],
];

Deno.test("pidsWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    const text = (version: 1 | 2): string =>
      pidsWrites(resources, version).map(({ file, value }) =>
        `${file}=${value}`
      )
        .join(" ");
    assertEquals(text(1), v1);
    assertEquals(text(2), v2);
  }
});

import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError } from "../../../../lib/errors.ts";
import { hugetlbWrites } from "../../../../lib/plan/cgroup/hugetlb.ts";

/** Limits, then what is written in version 1 and in version 2, with ? where it may be missing. */
const TABLE: readonly (readonly [Resources, string, string])[] = [
  [{}, "", ""],
  [
    { hugetlbLimit: [{ pageSize: "1GB", limit: 0 }] },
    "hugetlb.1GB.limit_in_bytes=0 hugetlb.1GB.rsvd.limit_in_bytes=0?",
    "hugetlb.1GB.max=0 hugetlb.1GB.rsvd.max=0?",
  ],
  [
    { hugetlbLimit: [{ pageSize: "64KB", limit: -1 }] },
    "hugetlb.64KB.limit_in_bytes=-1 hugetlb.64KB.rsvd.limit_in_bytes=-1?",
    "hugetlb.64KB.max=max hugetlb.64KB.rsvd.max=max?",
  ],
];

Deno.test("hugetlbWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    const text = (version: 1 | 2): string =>
      hugetlbWrites(resources, version).map(
        ({ file, value, optional }) => `${file}=${value}${optional ? "?" : ""}`,
      )
        .join(" ");
    assertEquals(text(1), v1);
    assertEquals(text(2), v2);
  }
});

Deno.test("hugetlbWrites refuses sizes that would leave the directory", () => {
  for (const pageSize of ["", "2mb", "../x", "2MB/..", "0KB"]) {
    const resources = { hugetlbLimit: [{ pageSize, limit: 1 }] };
    assertThrows(() => hugetlbWrites(resources, 1), ConfigError);
  }
});

import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { limitWrites } from "../../../../lib/plan/cgroup/limits.ts";
import { unifiedWrites } from "../../../../lib/plan/cgroup/unified.ts";
import { HOST_HYBRID, HOST_V1, HOST_V2 } from "../support.ts";

Deno.test("unifiedWrites refuses files that are no controller's", () => {
  for (
    const file of ["cgroup.procs", "cgroup.kill", "../memory.max", "", "a"]
  ) {
    assertThrows(
      () => unifiedWrites({ unified: { [file]: "1" } }),
      ConfigError,
    );
  }
});

Deno.test("unifiedWrites writes each line of a text by itself", () => {
  const unified = { "io.max": "8:0 riops=3\n8:1 riops=5\n", "pids.max": "" };
  assertEquals(
    unifiedWrites({ unified }).map(({ file, value }) => [file, value]),
    [["io.max", "8:0 riops=3"], ["io.max", "8:1 riops=5"], ["pids.max", ""]],
  );
});

Deno.test("limitWrites writes unified files last, so that they have the last word", () => {
  const resources = { pidsLimit: 5, unified: { "pids.max": "7" } };
  assertEquals(
    limitWrites(resources, HOST_V2).map(({ write }) => write.value),
    ["5", "7"],
  );
});

Deno.test("limitWrites refuses unified files without a version 2 controller", () => {
  for (const host of [HOST_V1, HOST_HYBRID]) {
    assertThrows(
      () => limitWrites({ unified: { "memory.high": "1" } }, host),
      HostError,
      "memory.high",
    );
  }
});

Deno.test("limitWrites says which kernel burst and idle need", () => {
  assertThrows(() => limitWrites({ cpuBurst: 1 }, HOST_V1), HostError, "5.14");
  assertThrows(() => limitWrites({ cpuIdle: 1 }, HOST_V1), HostError, "5.15");
});

import { assertEquals, assertThrows } from "@std/assert";
import { HostError } from "../../../../lib/errors.ts";
import { networkWrites } from "../../../../lib/plan/cgroup/network.ts";

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

Deno.test("networkWrites takes zero and an empty list as nothing", () => {
  const resources = { netClsClassid: 0, netPrioIfpriomap: [] };
  assertEquals(networkWrites(resources, 1), []);
  assertEquals(networkWrites(resources, 2), []);
});

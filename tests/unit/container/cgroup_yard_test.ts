import { assertEquals } from "@std/assert";
import { yardLinks } from "../../../lib/container/cgroup_yard.ts";
import type { CgroupHierarchy } from "../../../lib/host/types.ts";

function hierarchy(
  version: 1 | 2,
  controllers: readonly string[],
  mount: string,
  root = "/",
): CgroupHierarchy {
  return { version, controllers, mount, root, base: mount };
}

const CPU = hierarchy(1, ["cpuacct", "cpu"], "/cg/cpu");
const SYSTEMD = hierarchy(1, ["name=systemd"], "/cg/systemd");
const UNIFIED = hierarchy(2, ["pids"], "/cg/unified");

Deno.test("yardLinks gives each hierarchy the name that CRIU has for it", () => {
  const groups = "9:name=systemd:/a\n4:cpu,cpuacct:/x:y\n0::/\n";
  assertEquals(yardLinks(groups, [CPU, SYSTEMD, UNIFIED]), [
    { name: "systemd", target: "/cg/systemd" },
    { name: "cpu,cpuacct", target: "/cg/cpu" },
    { name: "unified", target: "/cg/unified" },
  ]);
});

Deno.test("yardLinks leaves it to CRIU where a hierarchy cannot be reached", () => {
  const tries: readonly (readonly [string, readonly CgroupHierarchy[]])[] = [
    ["0::/\n", []],
    ["0::/\n", [CPU]],
    ["2:pids:/\n0::/\n", [CPU, UNIFIED]],
    ["0::/\n", [hierarchy(2, [], "/cg", "/below")]],
    // Without version 2 nothing is lost.
    ["4:cpu,cpuacct:/\n", [CPU]],
    ["what is this\n", [UNIFIED]],
    ["", [UNIFIED]],
  ];
  for (const [groups, hierarchies] of tries) {
    assertEquals(yardLinks(groups, hierarchies), undefined, groups);
  }
});

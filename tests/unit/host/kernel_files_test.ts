import { assertEquals } from "@std/assert";
import {
  groupBelowMount,
  parseCgroupMounts,
  parseKernelRelease,
  parseProcCgroup,
} from "../../../lib/host/kernel_files.ts";

Deno.test("parseProcCgroup reads shared, named and unified hierarchies", () => {
  const text = [
    "12:cpu,cpuacct:/a",
    "3:name=systemd:/user.slice/user-0.slice",
    "2:memory:/with:colon",
    "0::/init.scope",
    "",
    "nonsense",
    "5:pids:relative",
  ].join("\n");
  assertEquals(parseProcCgroup(text), [
    { version: 1, controllers: ["cpu", "cpuacct"], path: "/a" },
    {
      version: 1,
      controllers: ["name=systemd"],
      path: "/user.slice/user-0.slice",
    },
    { version: 1, controllers: ["memory"], path: "/with:colon" },
    { version: 2, controllers: [], path: "/init.scope" },
  ]);
});

Deno.test("parseCgroupMounts finds cgroup mounts among others", () => {
  const text = [
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate",
    "31 25 0:27 /pod/a /mnt/a\\040b rw shared:9 master:3 - cgroup cgroup rw,cpu,cpuacct",
    "",
  ].join("\n");
  assertEquals(parseCgroupMounts(text), [
    {
      version: 2,
      root: "/",
      mount: "/sys/fs/cgroup",
      options: ["rw", "nsdelegate"],
    },
    {
      version: 1,
      root: "/pod/a",
      mount: "/mnt/a b",
      options: ["rw", "cpu", "cpuacct"],
    },
  ]);
});

Deno.test("parseKernelRelease reads the two numbers that matter", () => {
  assertEquals(parseKernelRelease("6.18.0\n"), [6, 18]);
  assertEquals(parseKernelRelease("5.4-rc1"), [5, 4]);
  assertEquals(parseKernelRelease(""), [0, 0]);
});

Deno.test("groupBelowMount starts where pid 1 is, but never in a leaf of systemd", () => {
  const table: readonly (readonly [string, string, string])[] = [
    ["/", "/", ""],
    ["/a/b", "/", "/a/b"],
    ["/init.scope", "/", ""],
    ["/machine/init.scope", "/", "/machine"],
    ["/pod/a", "/pod/a", ""],
    ["/pod/a/b", "/pod/a", "/b"],
    ["/pod/ab", "/pod/a", ""],
    ["/../other", "/", ""],
    ["/..", "/", ""],
  ];
  for (const [path, root, below] of table) {
    assertEquals(groupBelowMount(path, root), below, `${path} at ${root}`);
  }
});

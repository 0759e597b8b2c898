import { assertEquals } from "@std/assert";
import {
  externalMounts,
  hostPathsOf,
  type MountLine,
  mountOf,
  parseMounts,
} from "../../../lib/criu/mounts.ts";

function line(
  device: string,
  root: string,
  target: string,
  type = "ext4",
): MountLine {
  return { id: 1, device, root, target, type };
}

const HOST = [
  line("8:1", "/", "/"),
  line("8:2", "/", "/home"),
  line("8:1", "/var/data", "/data"),
  line("0:5", "/", "/dev", "devtmpfs"),
  line("0:20", "/", "/proc", "proc"),
  line("0:21", "/", "/sys", "sysfs"),
];

Deno.test("mount tables: optional fields of any number, escapes", () => {
  const text = [
    "22 27 0:21 / /proc rw,relatime - proc proc rw",
    "23 27 0:22 /a\\040b /c\\134d rw shared:1 master:2 - ext4 /dev/a rw",
    "",
    "nonsense",
  ].join("\n");
  assertEquals(parseMounts(text), [
    {
      id: 22,
      device: "0:21",
      root: "/",
      target: "/proc",
      type: "proc",
      options: "rw,relatime",
    },
    {
      id: 23,
      device: "0:22",
      root: "/a b",
      target: "/c\\d",
      type: "ext4",
      options: "rw",
      propagates: true,
    },
  ]);
});

Deno.test("outside is what lies on a file system of the host, but for the root", () => {
  const inside = [
    line("8:1", "/srv/root", "/"),
    line("0:40", "/", "/proc", "proc"),
    line("0:41", "/", "/tmp", "tmpfs"),
    line("8:2", "/ann", "/home"),
    line("0:5", "/null", "/proc/kcore", "devtmpfs"),
    line("8:1", "/srv/root/state.json", "/state.json"),
  ];
  assertEquals(
    externalMounts(inside, HOST, false).map(({ target }) => target),
    ["/home", "/proc/kcore", "/state.json"],
  );
});

Deno.test("proc and sysfs of the host are mounted anew, but not from a user namespace", () => {
  const inside = [
    line("8:1", "/srv/root", "/"),
    line("0:20", "/", "/proc", "proc"),
    line("0:21", "/", "/sys", "sysfs"),
  ];
  assertEquals(externalMounts(inside, HOST, false), []);
  assertEquals(externalMounts(inside, HOST, true).length, 2);
});

Deno.test("paths on the host: the mount that shows least comes first", () => {
  assertEquals(hostPathsOf(line("8:1", "/var/data/a", "/a"), HOST), [
    "/data/a",
    "/var/data/a",
  ]);
  assertEquals(hostPathsOf(line("8:2", "/", "/b"), HOST), ["/home"]);
  assertEquals(hostPathsOf(line("9:9", "/", "/c"), HOST), []);
});

Deno.test("mountOf finds the deepest mount, and of those the last one", () => {
  const table = [
    ...HOST,
    { ...line("0:50", "/", "/home", "tmpfs"), id: 99 },
  ];
  assertEquals(mountOf("/home/ann", table)?.id, 99);
  assertEquals(mountOf("/homes", table)?.target, "/");
  assertEquals(mountOf("/sys", table)?.type, "sysfs");
  assertEquals(mountOf("/x", []), undefined);
});

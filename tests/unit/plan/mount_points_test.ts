import { assertEquals } from "@std/assert";
import {
  findMountPlaces,
  planMountPoints,
} from "../../../lib/plan/mount_points.ts";
import type { Mount } from "../../../lib/config/types.ts";
import { configWith, names } from "./support.ts";

function mount(device: string, destination: string): Mount {
  const rest = { source: "/a", flags: 0, data: "", relabel: "" } as const;
  return { device, destination, ...rest };
}

const config = configWith({
  rootfs: "/srv/root",
  mounts: [
    mount("proc", "/proc"),
    mount("tmpfs", "/dev"),
    mount("devpts", "/dev/pts"),
    mount("bind", "/srv/root/data"),
  ],
});

Deno.test("findMountPlaces() leaves out what lies on file systems of the container's own", () => {
  const data = { target: "/data", source: "/a" };
  const below = { target: "/data/b", source: "/b" };
  const shm = { target: "/dev/shm", source: "/c" };
  assertEquals(findMountPlaces(config, [data, below, shm]), {
    directories: ["/proc", "/dev"],
    bound: [data, below],
  });
});

Deno.test("planMountPoints() mounts in a namespace that shares nothing with the host", () => {
  const places = findMountPlaces(config, [{ target: "/data", source: "/a" }]);
  const { parent, child, undo } = planMountPoints("/srv/root", places);
  assertEquals(
    names(parent),
    ["tree.open", "tree.open", "spawn", "fds.send", "await.end"],
  );
  assertEquals(
    names(child),
    [
      "fds.receive",
      "mount.propagation",
      "root.attach",
      "dir.make",
      "dir.make",
      "mount.tree",
    ],
  );
  assertEquals(undo, []);
});

import { assertEquals } from "@std/assert";
import { canBeOurMount } from "../../support/host_state.ts";

const OWNER = {
  names: ["nsinit-test-x-7"],
  directories: ["/tmp/nsinit-test-x-7"],
};

const MOUNTS: readonly [string, boolean][] = [
  ["/tmp/nsinit-test-x-7/rootfs/proc (/ of proc proc rw)", true],
  ["/tmp/else (/tmp/nsinit-test-x-7/data of ext4 /dev/vda rw)", true],
  ["/sys/fs/cgroup/x (/ of tmpfs none rw)", true],
  ["/run/nsinit/web/root (/ of tmpfs none rw)", true],
  ["/ (/ of overlay overlay rw)", true],
  ["/tmp/build/proc (/ of proc proc rw)", false],
  ["/var/lib/containers/storage/overlay (/ of overlay overlay rw)", false],
];

for (const [mount, isOurs] of MOUNTS) {
  Deno.test(`a mount ${isOurs ? "counts" : "is another's"}: ${mount}`, () => {
    assertEquals(canBeOurMount(mount, OWNER), isOurs);
  });
}

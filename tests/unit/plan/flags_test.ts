import { assertEquals } from "@std/assert";
import {
  CAPABILITY_MASKS,
  CLONE_FLAGS,
  formatBits,
  MOUNT_ATTRS,
} from "../../../lib/plan/flags.ts";

Deno.test("formatBits names known bits and shows the others", () => {
  assertEquals(formatBits(0, MOUNT_ATTRS), "0");
  assertEquals(
    formatBits(0x4000000f, MOUNT_ATTRS),
    "MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC|0x40000000",
  );
  assertEquals(formatBits(0x80, CLONE_FLAGS), "CLONE_NEWTIME");
  assertEquals(
    formatBits(1n << 40n, CAPABILITY_MASKS),
    "CAP_CHECKPOINT_RESTORE",
  );
});

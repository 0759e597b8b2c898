import { assertEquals, assertThrows } from "@std/assert";
import { MOUNT_FLAGS } from "../../../lib/config/names/mount_flags.ts";
import { ConfigError } from "../../../lib/errors.ts";
import {
  attributesOf,
  optionsOf,
  propagationOf,
} from "../../../lib/plan/mount_options.ts";

const ATTRIBUTES: readonly (readonly [number, number, number])[] = [
  [0, 0, 0],
  [MOUNT_FLAGS.MS_RDONLY, 1, 0],
  [MOUNT_FLAGS.MS_NOSUID, 2, 0],
  [MOUNT_FLAGS.MS_NODEV, 4, 0],
  [MOUNT_FLAGS.MS_NOEXEC, 8, 0],
  [MOUNT_FLAGS.MS_NOATIME, 0x10, 0x70],
  [MOUNT_FLAGS.MS_STRICTATIME, 0x20, 0x70],
  [MOUNT_FLAGS.MS_RELATIME, 0, 0x70],
  [MOUNT_FLAGS.MS_NODIRATIME, 0x80, 0],
  [MOUNT_FLAGS.MS_NOSYMFOLLOW, 0x200000, 0],
  [MOUNT_FLAGS.MS_BIND | MOUNT_FLAGS.MS_REC | MOUNT_FLAGS.MS_SILENT, 0, 0],
];

Deno.test("attributesOf translates every flag", () => {
  for (const [flags, set, clear] of ATTRIBUTES) {
    assertEquals(attributesOf(flags), { set, clear });
  }
});

Deno.test("optionsOf splits data and adds flags of the superblock", () => {
  assertEquals(optionsOf(0, ""), []);
  assertEquals(optionsOf(16 | 128, "size=1m,,ro"), [
    ["sync", ""],
    ["dirsync", ""],
    ["size", "1m"],
    ["ro", ""],
  ]);
  assertEquals(optionsOf(0, 'context="a:b:s0:c1,c2",mode=755'), [
    ["context", "a:b:s0:c1,c2"],
    ["mode", "755"],
  ]);
});

Deno.test("propagationOf takes the last kind and refuses two at once", () => {
  const { MS_PRIVATE, MS_SHARED, MS_SLAVE } = MOUNT_FLAGS;
  assertEquals(propagationOf([], 5, ""), 5);
  assertEquals(propagationOf([MS_SHARED, MS_PRIVATE], 0, ""), MS_PRIVATE);
  assertThrows(() => propagationOf([MS_SLAVE, MS_SHARED], 0, ""), ConfigError);
  assertThrows(() => propagationOf([MS_SLAVE | MS_SHARED], 0, ""), ConfigError);
});

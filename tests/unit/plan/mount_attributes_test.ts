import { assertEquals } from "@std/assert";
import {
  engineChange,
  newAttributes,
  treeChange,
} from "../../../lib/plan/mount_attributes.ts";

const RBIND = 0x5000;
const NONE = { set: 0, clear: 0 };

Deno.test("without attributes of the tree those of the flags hold for all of it", () => {
  assertEquals(treeChange({ flags: RBIND | 3 }), {
    top: { set: 3, clear: 0 },
    isRecursive: true,
  });
  assertEquals(treeChange({ flags: 0x1001, clearFlags: 2 }), {
    top: { set: 1, clear: 2 },
    isRecursive: false,
  });
});

Deno.test("the top mount has its own attributes where the tree has others", () => {
  assertEquals(treeChange({ flags: RBIND | 1, recursive: NONE }), {
    top: { set: 1, clear: 0 },
    isRecursive: false,
  });
  assertEquals(
    treeChange({ flags: RBIND | 1, recursive: { set: 3, clear: 4 } }),
    { top: { set: 3, clear: 4 }, isRecursive: true },
  );
  assertEquals(
    treeChange({ flags: RBIND | 1, recursive: { set: 1024, clear: 0 } }),
    {
      all: { set: 0x10, clear: 0x70 },
      top: { set: 1, clear: 0 },
      isRecursive: false,
    },
  );
  assertEquals(
    treeChange({
      flags: RBIND,
      clearFlags: 1,
      recursive: { set: 1, clear: 0 },
    }),
    {
      all: { set: 1, clear: 0 },
      top: { set: 0, clear: 1 },
      isRecursive: false,
    },
  );
});

Deno.test("a new file system is one mount", () => {
  assertEquals(newAttributes({ flags: 3 }), 3);
  assertEquals(newAttributes({ flags: 3, recursive: { set: 4, clear: 1 } }), 6);
});

const [BIND, RELATIME, STRICTATIME, NODIRATIME] = [
  0x1000,
  0x20_0000,
  0x100_0000,
  0x800,
];
/** nosuid, nodev, noexec and nosymfollow. */
const ALL_BUT_RO = 0x20_000e;

Deno.test("an engine's bind with an option clears what is not named, but for times", () => {
  for (
    const [flags, clearFlags, top] of [
      [BIND, 0, NONE],
      [BIND | 1, 0, { set: 1, clear: ALL_BUT_RO }],
      [BIND, 2, { set: 0, clear: ALL_BUT_RO | 1 }],
      // atime and norelatime take nothing away.
      [BIND, 0x400, { set: 0, clear: ALL_BUT_RO | 1 }],
      [BIND, RELATIME, { set: 0, clear: ALL_BUT_RO | 1 }],
      [BIND | RELATIME, 0, { set: 0, clear: ALL_BUT_RO | 1 | 0xf0 }],
      [BIND | NODIRATIME, 0, { set: 0x80, clear: ALL_BUT_RO | 1 | 0xf0 }],
      [BIND | STRICTATIME | 0x400, 0, {
        set: 0x20,
        clear: ALL_BUT_RO | 1 | 0xf0,
      }],
    ] as const
  ) {
    const change = engineChange({ flags, clearFlags, recursive: NONE }, false);
    assertEquals(change, {
      top,
      isRecursive: false,
    }, `${flags} ${clearFlags}`);
  }
});

Deno.test("an engine's bind in a user namespace clears what is named alone", () => {
  const change = (flags: number, clearFlags: number) =>
    engineChange({ flags, clearFlags, recursive: NONE }, true).top;
  assertEquals(change(BIND | 1, 0), { set: 1, clear: 0x20_0000 });
  assertEquals(change(BIND, 2), { set: 0, clear: 0x20_0002 });
});

Deno.test("what an engine's bind sets for all of a tree is not cleared at its top", () => {
  const recursive = { set: 2, clear: 0 };
  assertEquals(engineChange({ flags: RBIND | 1, recursive }, false), {
    all: { set: 2, clear: 0 },
    top: { set: 1, clear: ALL_BUT_RO & ~2 },
    isRecursive: false,
  });
});

import { assertEquals } from "@std/assert";
import {
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

import { assertEquals } from "@std/assert";
import {
  CAPABILITIES,
  parseCapability,
} from "../../../../lib/config/names/capabilities.ts";
import {
  formatMountFlags,
  MOUNT_FLAGS,
  parseMountFlag,
  SUPPORTED_MOUNT_FLAGS,
} from "../../../../lib/config/names/mount_flags.ts";
import {
  NAMESPACE_TYPES,
  NAMESPACES,
  parseNamespaceType,
} from "../../../../lib/config/names/namespaces.ts";
import {
  parseRlimitType,
  RLIMITS,
} from "../../../../lib/config/names/rlimits.ts";

Deno.test("parseCapability accepts CAP_ and any case", () => {
  for (const name of CAPABILITIES) {
    assertEquals(parseCapability(`cap_${name.toLowerCase()}`), name);
  }
  for (const name of ["", "CAP_", "CAP_CAP_KILL", "ALL", "__proto__"]) {
    assertEquals(parseCapability(name), undefined, name);
  }
});

Deno.test("parseNamespaceType accepts the original's, the kernel's and OCI's names", () => {
  for (const type of NAMESPACE_TYPES) {
    assertEquals(parseNamespaceType(type), type);
    assertEquals(parseNamespaceType(`CLONE_${type}`), type);
    assertEquals(parseNamespaceType(NAMESPACES[type].oci), type);
  }
  for (const name of ["", "NEW", "toString", "mnt2"]) {
    assertEquals(parseNamespaceType(name), undefined, name);
  }
});

Deno.test("parseRlimitType knows the kernel's sixteen", () => {
  assertEquals(RLIMITS.length, 16);
  RLIMITS.forEach((name, index) => assertEquals(parseRlimitType(name), index));
  assertEquals(parseRlimitType("rlimit_core"), 4);
  assertEquals(parseRlimitType("FILES"), undefined);
});

Deno.test("mount flags map both ways", () => {
  for (const [name, bit] of Object.entries(MOUNT_FLAGS)) {
    assertEquals(parseMountFlag(name), bit);
    assertEquals(formatMountFlags(bit), [name]);
  }
  assertEquals(formatMountFlags(SUPPORTED_MOUNT_FLAGS | 32).at(-1), "0x20");
  assertEquals(parseMountFlag("remount"), undefined);
});

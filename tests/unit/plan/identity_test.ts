import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { capabilityMasks, planIdentity } from "../../../lib/plan/identity.ts";
import { configWith, HOST_V2 } from "./support.ts";

const NONE = {
  bounding: 0n,
  effective: 0n,
  permitted: 0n,
  inheritable: 0n,
  ambient: 0n,
};

Deno.test("capabilityMasks gives nothing when nothing is given", () => {
  assertEquals(capabilityMasks(undefined, 40), NONE);
  assertEquals(capabilityMasks([], 40), NONE);
});

Deno.test("capabilityMasks leaves inheritable and ambient empty for a list", () => {
  const masks = capabilityMasks(["NET_RAW"], 40);
  assertEquals(masks, {
    ...NONE,
    bounding: 1n << 13n,
    effective: 1n << 13n,
    permitted: 1n << 13n,
  });
});

Deno.test("capabilityMasks takes the five sets as they are, within what the kernel allows", () => {
  const masks = capabilityMasks({
    bounding: ["CHOWN", "KILL"],
    effective: ["CHOWN", "SYS_ADMIN"],
    permitted: ["CHOWN", "KILL"],
    inheritable: ["KILL"],
    ambient: ["KILL", "CHOWN"],
  }, 40);
  assertEquals(masks, {
    bounding: 0x21n,
    effective: 0x1n,
    permitted: 0x21n,
    inheritable: 0x20n,
    ambient: 0x20n,
  });
});

Deno.test("capabilityMasks leaves out what the kernel does not know", () => {
  assertEquals(
    capabilityMasks(["CHECKPOINT_RESTORE", "CHOWN"], 37).bounding,
    1n,
  );
});

Deno.test("planIdentity prefers the process's capabilities and adds its groups", () => {
  const config = configWith({ additionalGroups: ["disk"] });
  const process = {
    user: "1:2",
    capabilities: [],
    additionalGroups: ["7"],
  };
  const part = planIdentity(config, process, HOST_V2, { groupsDenied: false });
  assertEquals(part.parent[1], {
    op: "user.resolve",
    user: "1:2",
    groups: ["disk", "7"],
  });
  assertEquals(part.change[0], { op: "caps.bound", mask: 0n });
});

Deno.test("planIdentity refuses groups where setgroups is denied", () => {
  const config = configWith({ additionalGroups: ["disk"] });
  assertThrows(
    () => planIdentity(config, { user: "" }, HOST_V2, { groupsDenied: true }),
    ConfigError,
  );
});

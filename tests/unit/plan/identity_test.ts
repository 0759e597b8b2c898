import { assertEquals, assertThrows } from "@std/assert";
import type { NamespaceType } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { capabilityMasks, planIdentity } from "../../../lib/plan/identity.ts";
import { configWith, HOST_V2 } from "./support.ts";

/** All capabilities up to CHECKPOINT_RESTORE. */
const ALL = (1n << 41n) - 1n;
const NONE = {
  bounding: 0n,
  effective: 0n,
  permitted: 0n,
  inheritable: 0n,
  ambient: 0n,
};

Deno.test("capabilityMasks gives nothing when nothing is given", () => {
  assertEquals(capabilityMasks(undefined, ALL), NONE);
  assertEquals(capabilityMasks([], ALL), NONE);
});

Deno.test("capabilityMasks leaves inheritable and ambient empty for a list", () => {
  const masks = capabilityMasks(["NET_RAW"], ALL);
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
  }, ALL);
  assertEquals(masks, {
    bounding: 0x21n,
    effective: 0x1n,
    permitted: 0x21n,
    inheritable: 0x20n,
    ambient: 0x20n,
  });
});

Deno.test("capabilityMasks leaves out what there is not to give", () => {
  assertEquals(
    capabilityMasks(["CHECKPOINT_RESTORE", "CHOWN"], 0xffn).bounding,
    1n,
  );
});

Deno.test("planIdentity gives what the caller has, and all of them in a new user namespace", () => {
  const capabilities = ["CHOWN", "SYS_RESOURCE"] as const;
  const host = { ...HOST_V2, capabilityBound: ALL & ~(1n << 24n) };
  const boundOf = (types: readonly NamespaceType[]): unknown => {
    const namespaces = types.map((type) => ({ type }));
    const config = configWith({ capabilities, namespaces });
    const options = { groupsDenied: false };
    return planIdentity(config, { user: "" }, host, options).change[0];
  };
  assertEquals(boundOf(["NEWNS"]), { op: "caps.bound", mask: 1n });
  assertEquals(boundOf(["NEWNS", "NEWUSER"]), {
    op: "caps.bound",
    mask: 1n | 1n << 24n,
  });
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

Deno.test("planIdentity keeps the caller's groups when the label of crun says so", () => {
  const config = {
    ...configWith({ additionalGroups: ["5"] }),
    labels: ["run.oci.keep_original_groups=1"],
  };
  const part = planIdentity(config, { user: "0" }, HOST_V2, {
    groupsDenied: false,
  });
  assertEquals(part.change.at(-1), { op: "user.apply", flags: 1 });
  assertEquals(part.parent[1], { op: "user.resolve", user: "0", groups: [] });
});

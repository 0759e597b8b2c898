import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { planIdMaps } from "../../../lib/plan/id_maps.ts";
import { splitNamespaces } from "../../../lib/plan/namespaces.ts";
import { configWith, names } from "./support.ts";

Deno.test("planIdMaps needs a mapping of root and denies groups without root", () => {
  const config = configWith({
    namespaces: [{ type: "NEWUSER" }],
    uidMappings: [{ containerId: 0, hostId: 1000, size: 1 }],
    gidMappings: [{ containerId: 0, hostId: 1000, size: 1 }],
  });
  const split = splitNamespaces(config.namespaces);
  const part = planIdMaps(config, split, { euid: 1000 });
  assertEquals(part.groupsDenied, true);
  assertEquals(names(part.parent), ["await", "idmap.write", "release"]);
  assertEquals(part.child[1], { op: "user.root", flags: 1 });
  const line = { containerId: 1, hostId: 0, size: 1 };
  for (
    const uidMappings of [
      [],
      [line],
      new Array(341).fill(config.uidMappings?.[0]),
    ]
  ) {
    const bad = { ...config, uidMappings };
    assertThrows(() => planIdMaps(bad, split, { euid: 0 }), ConfigError);
  }
});

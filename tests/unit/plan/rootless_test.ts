import { assertEquals, assertThrows } from "@std/assert";
import type { Host, OrdinaryUser } from "../../../lib/host/types.ts";
import { HostError } from "../../../lib/errors.ts";
import { planIdMaps } from "../../../lib/plan/id_maps.ts";
import { splitNamespaces } from "../../../lib/plan/namespaces.ts";
import {
  addUserNamespace,
  checkUnprivileged,
} from "../../../lib/plan/rootless.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import { configWith, HOST_V2, names, PLACEMENT, PROCESS } from "./support.ts";

const ALONE: OrdinaryUser = {
  gid: 100,
  subordinateUids: [{ first: 5000, size: 10 }, { first: 9000, size: 3 }],
  subordinateGids: [],
  hasMappers: false,
};
const MAPPED: OrdinaryUser = { ...ALONE, hasMappers: true };

function hostOf(user: OrdinaryUser): Host {
  return {
    ...HOST_V2,
    cgroup: { mode: "none", hierarchies: [] },
    euid: 1000,
    user,
  };
}

Deno.test("addUserNamespace maps the user, and his ranges where they can be mapped", () => {
  const config = configWith({});
  assertEquals(addUserNamespace(config, { euid: 0 }), config);
  const alone = addUserNamespace(config, hostOf(ALONE));
  const own = { containerId: 0, hostId: 1000, size: 1 };
  assertEquals(alone.uidMappings, [own]);
  assertEquals(alone.gidMappings, [{ ...own, hostId: 100 }]);
  assertEquals(alone.namespaces.at(-1), { type: "NEWUSER" });
  const mapped = addUserNamespace(config, hostOf(MAPPED));
  assertEquals(mapped.uidMappings, [
    own,
    { containerId: 1, hostId: 5000, size: 10 },
    { containerId: 11, hostId: 9000, size: 3 },
  ]);
  assertEquals(addUserNamespace(alone, hostOf(MAPPED)), alone);
});

Deno.test("planIdMaps has further ids mapped by others, and denies groups else", () => {
  const plan = (user: OrdinaryUser) => {
    const config = addUserNamespace(configWith({}), hostOf(user));
    const split = splitNamespaces(config.namespaces);
    return planIdMaps(config, split, hostOf(user));
  };
  const alone = plan(ALONE);
  assertEquals([names(alone.parent), alone.groupsDenied], [
    ["await", "idmap.write", "release"],
    true,
  ]);
  // The group alone is his own: setgroups is denied before it is mapped.
  const mapped = plan(MAPPED);
  assertEquals(names(mapped.parent), [
    "await",
    "idmap.write",
    "idmap.run",
    "release",
  ]);
  assertEquals(mapped.parent[1], {
    op: "idmap.write",
    flags: 1,
    uids: "",
    gids: "0 100 1\n",
  });
  const both = plan({ ...MAPPED, subordinateGids: [{ first: 7, size: 9 }] });
  assertEquals([names(both.parent), both.groupsDenied], [
    ["await", "idmap.run", "idmap.run", "release"],
    false,
  ]);
});

Deno.test("planIdMaps gives nobody groups to whom they are denied", () => {
  const config = configWith({});
  const split = splitNamespaces(config.namespaces);
  assertEquals(planIdMaps(config, split, { euid: 0 }).groupsDenied, false);
  const denied = { euid: 0, groupsDenied: true };
  assertEquals(planIdMaps(config, split, denied).groupsDenied, true);
});

Deno.test("planIdMaps refuses maps that a user cannot write", () => {
  const config = configWith({
    namespaces: [{ type: "NEWUSER" }],
    uidMappings: [{ containerId: 0, hostId: 0, size: 1 }],
    gidMappings: [{ containerId: 0, hostId: 100, size: 1 }],
  });
  const split = splitNamespaces(config.namespaces);
  assertThrows(
    () => planIdMaps(config, split, hostOf(ALONE)),
    HostError,
    "newuidmap",
  );
});

Deno.test("a start without root copies trees inside and makes no groups", () => {
  const host = hostOf(ALONE);
  const config = addUserNamespace(configWith({}), host);
  const { plan, resources } = buildStartPlan(config, PROCESS, host, PLACEMENT);
  assertEquals(names(plan.parent).includes("tree.open"), false);
  const child = names(plan.child);
  const at = child.indexOf("tree.open");
  assertEquals(child[at - 1], "user.root");
  assertEquals(child.indexOf("root.attach") > at, true);
  assertEquals(resources.cgroups, []);
});

Deno.test("checkUnprivileged refuses interfaces on bridges to all but root", () => {
  const config = configWith({
    networks: [{
      type: "veth",
      name: "eth0",
      bridge: "br0",
      macAddress: "",
      address: "",
      gateway: "",
      ipv6Address: "",
      ipv6Gateway: "",
      mtu: 0,
      txqueuelen: 0,
      hostInterfaceName: "",
      vethPrefix: "",
      hairpinMode: false,
    }],
  });
  checkUnprivileged(config, { euid: 0 });
  assertThrows(
    () => checkUnprivileged(configWith({ overlay: {} }), { euid: 1 }),
    HostError,
    "overlay",
  );
  assertThrows(
    () => checkUnprivileged(config, { euid: 1 }),
    HostError,
    "bridge",
  );
});

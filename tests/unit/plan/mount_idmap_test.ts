import { assertEquals, assertThrows } from "@std/assert";
import type { Config, Mount } from "../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../lib/errors.ts";
import { type IdmapContext, planIdmap } from "../../../lib/plan/mount_idmap.ts";
import { planNamespaces } from "../../../lib/plan/namespaces.ts";
import { SlotAllocator } from "../../../lib/plan/slots.ts";

const IDS = [
  { containerId: 0, hostId: 1000, size: 1 },
  { containerId: 1, hostId: 100000, size: 9 },
];
const PLACE = { path: "mounts[0]", slot: 3 };

function bind(idmap?: Mount["idmap"]): Mount {
  return {
    device: "bind",
    source: "/srv",
    destination: "/data",
    flags: 4096,
    data: "",
    relabel: "",
    ...idmap && { idmap },
  };
}

function context(
  config: Partial<Config> = {},
  rest: Partial<IdmapContext> = {},
): IdmapContext {
  return {
    config: { namespaces: [], ...config },
    host: { kernel: [6, 1], euid: 0 },
    slots: new SlotAllocator(),
    ...rest,
  };
}

Deno.test("planIdmap leaves other mounts alone", () => {
  assertEquals(planIdmap(bind(), PLACE, context()), []);
});

Deno.test("planIdmap makes a user namespace of a mount's own maps", () => {
  const mount = bind({ uidMappings: IDS, gidMappings: IDS, recursive: true });
  const [make, map] = planIdmap(mount, PLACE, context());
  const lines = "0 1000 1\n1 100000 9\n";
  assertEquals(make, {
    op: "userns.make",
    slot: 16,
    uids: lines,
    gids: lines,
    note: "/srv",
  });
  assertEquals(map, {
    op: "tree.idmap",
    flags: 1,
    slot: 3,
    userns: 16,
    note: "/srv",
  });
});

Deno.test("planIdmap takes the container's maps, or its joined namespace", () => {
  const namespaces = [{ type: "NEWUSER" }] as const;
  const own = context({ namespaces, uidMappings: IDS, gidMappings: IDS });
  const [make] = planIdmap(bind({}), PLACE, own);
  assertEquals(make?.op === "userns.make" && make.uids.split("\n").length, 3);

  const joined = [{ type: "NEWUSER", path: "/proc/1/ns/user" }] as const;
  const { joinedUser } = planNamespaces(joined, new SlotAllocator());
  assertEquals(joinedUser, 16);
  const ops = planIdmap(
    bind({}),
    PLACE,
    context({ namespaces: joined }, { joinedUser: 16 }),
  );
  assertEquals(ops.map(({ op }) => op), ["tree.idmap"]);
});

Deno.test("planIdmap refuses what cannot be", () => {
  const full = bind({ uidMappings: IDS, gidMappings: IDS });
  const old = context({}, { host: { kernel: [5, 11], euid: 0 } });
  const user = context({}, { host: { kernel: [6, 1], euid: 1000 } });
  assertThrows(() => planIdmap(full, PLACE, old), HostError, "5.12");
  assertThrows(() => planIdmap(full, PLACE, user), HostError, "root");
  assertThrows(() => planIdmap(bind({}), PLACE, context()), ConfigError);
  const half = bind({ uidMappings: IDS });
  assertThrows(() => planIdmap(half, PLACE, context()), ConfigError, "both");
});

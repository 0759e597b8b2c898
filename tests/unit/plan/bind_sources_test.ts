import { assertEquals } from "@std/assert";
import { planInside, sourceInside } from "../../../lib/plan/bind_sources.ts";

const IDMAP = [
  { op: "userns.make", slot: 17, uids: "0 1 1\n", gids: "0 1 1\n" },
  { op: "tree.idmap", flags: 0, slot: 16, userns: 17 },
] as const;

Deno.test("sourceInside takes what an earlier mount shows, that one itself too", () => {
  const inside = (source: string, ...earlier: string[]) =>
    sourceInside(source, "/srv/root/", earlier);
  assertEquals(inside("/srv/root//mnt/./x", "/tmp", "/mnt"), "/mnt/x");
  assertEquals(inside("/srv/root/mnt", "/mnt"), "/mnt");
  assertEquals(inside("/srv/root/mnt2", "/mnt"), undefined);
  assertEquals(inside("/srv/root/mnt", "/mnt/x"), undefined);
});

Deno.test("sourceInside leaves the rest to the host", () => {
  assertEquals(sourceInside("/srv/root", "/srv/root", ["/"]), undefined);
  assertEquals(sourceInside("/srv/roots/mnt", "/srv/root", ["/"]), undefined);
  assertEquals(sourceInside("/mnt/x", "/srv/root", ["/mnt"]), undefined);
  assertEquals(sourceInside("/mnt/x", "/", ["/mnt"]), undefined);
});

Deno.test("planInside has the child map ids by a namespace of the parent", () => {
  const part = planInside("/mnt", { slot: 16, flags: 0, idmap: IDMAP }, {
    namespaces: [{ type: "NEWNS" }],
  });
  assertEquals(part.parent.map(({ op }) => op), ["userns.make"]);
  assertEquals(part.child.map(({ op }) => op), ["tree.inside", "tree.idmap"]);
  assertEquals(part.slots, [17]);
});

Deno.test("planInside has the parent map ids in a user namespace, while the child waits", () => {
  const part = planInside("/mnt", { slot: 16, flags: 1, idmap: IDMAP }, {
    namespaces: [{ type: "NEWUSER" }],
  });
  assertEquals([part.parent, part.slots], [[], []]);
  assertEquals(part.child, [
    { op: "tree.inside", slot: 16, flags: 3, path: "/mnt" },
    { op: "sync", point: 9 },
  ]);
  assertEquals(
    part.meanwhile?.map(({ op }) => op),
    ["await", "userns.make", "tree.idmap", "release"],
  );
});

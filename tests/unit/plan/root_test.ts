import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import {
  defaultCwd,
  defaultUser,
  planRoot,
  type RootContext,
  type RootPart,
} from "../../../lib/plan/root.ts";
import { SlotAllocator } from "../../../lib/plan/slots.ts";
import type { HostRootParts } from "../../../lib/plan/types.ts";
import { configWith, names } from "./support.ts";

/** The root of a container with a mount namespace of its own. */
function ownRoot(
  changes: Partial<Config>,
  context: Partial<RootContext> = {},
): RootPart {
  return planRoot(configWith(changes), {
    kind: "own",
    host: { kernel: [6, 18] },
    slots: new SlotAllocator(),
    ...context,
  });
}

Deno.test("planRoot shares nothing before the root switch", () => {
  const table: readonly (readonly [number | undefined, number, number[]])[] = [
    [undefined, 0x84000, []],
    [0x40000, 0x44000, []],
    [0x44000, 0x44000, []],
    [0x80000, 0x84000, []],
    [0x104000, 0x84000, [0x104000]],
  ];
  for (const [rootPropagation, before, after] of table) {
    const changes: Partial<Config> = rootPropagation === undefined
      ? {}
      : { rootPropagation };
    const part = ownRoot(changes);
    assertEquals(part.propagation, before);
    assertEquals(part.attach, [
      { op: "mount.propagation", propagation: before },
      { op: "root.attach", slot: 3, propagation: before },
    ]);
    const late = part.enter.flatMap((op) =>
      op.op === "mount.propagation" ? [Number(op.propagation)] : []
    );
    assertEquals(late, after);
    assertEquals(names(part.enter)[0], "root.pivot");
  }
  const moved = ownRoot({ noPivotRoot: true, readonlyfs: true });
  assertEquals(names(moved.enter), ["root.readonly", "root.move"]);
  // The host's part stays and is private, the container's follows the host.
  assertEquals(moved.attach, [
    { op: "mount.propagation", propagation: 0x44000 },
    { op: "root.attach", slot: 3, propagation: 0x84000 },
  ]);
});

Deno.test("planRoot touches no mount of others for a root that is placed", () => {
  const context = { kind: "placed", stateDir: "/run/nsinit/demo" } as const;
  const part = ownRoot({ readonlyfs: true }, context);
  assertEquals(names(part.parent), ["tree.open"]);
  assertEquals(part.attach, [{
    op: "root.place",
    slot: 3,
    at: "/run/nsinit/demo/root",
    note: "/srv/root",
  }]);
  assertEquals(names(part.enter), ["root.readonly", "root.change"]);
  const shared = { rootPropagation: 0x104000 };
  assertThrows(() => ownRoot(shared, context), ConfigError, "with the host");
});

Deno.test("planRoot lays a tmpfs of limited size over the root", () => {
  const { parent, attach, slots } = ownRoot({ overlay: { size: 1 << 26 } });
  assertEquals(parent, [{
    op: "overlay.open",
    slot: 3,
    flags: 0,
    lower: "/srv/root",
    options: ["size", "67108864", "nr_inodes", "16384"],
    settings: ["metacopy", "off", "redirect_dir", "on", "index", "off"],
  }]);
  assertEquals(names(attach), ["mount.propagation", "root.attach"]);
  assertEquals(slots, [3]);
});

Deno.test("planRoot has the tmpfs attached where the kernel wants it", () => {
  const host = { kernel: [6, 12] } as const;
  const [thrown] = ownRoot({ overlay: {} }, { host }).parent;
  const [kept] = ownRoot({ overlay: { upper: "/k" } }, { host }).parent;
  assertEquals(thrown?.op === "overlay.open" && thrown.flags, 1);
  assertEquals(kept?.op === "overlay.open" && kept.flags, 0);
});

Deno.test("planRoot keeps a layer in directories of the host, by the kernel's index", () => {
  const [op] = ownRoot({ overlay: { upper: "/k" } }).parent;
  assert(op?.op === "overlay.open");
  assertEquals([op.upper, op.work, op.options], ["/k", "/k.work", []]);
  assertEquals(op.settings.slice(-2), ["index", "on"]);
  const [other] = ownRoot({ overlay: { upper: "/k", work: "/w" } }).parent;
  assertEquals(other?.op === "overlay.open" && other.work, "/w");
});

Deno.test("planRoot wants a mount namespace of its own for other kinds of root", () => {
  for (const changes of [{ overlay: {} }, { hostRoot: {} }]) {
    for (const kind of ["joined", "host"] as const) {
      assertThrows(
        () => ownRoot(changes, { kind }),
        ConfigError,
        "mount namespace",
      );
    }
  }
});

Deno.test("planRoot makes a host root of a tmpfs, its furniture and private trees", () => {
  const hostRoot: HostRootParts = {
    options: ["mode", "0755"],
    ops: [{ op: "dir.make", mode: 0o755, path: "/etc" }],
    trees: [{ path: "/usr", attributes: 7 }, { path: "/opt/a", attributes: 7 }],
  };
  const part = ownRoot({ rootfs: "/", hostRoot: {} }, { hostRoot });
  assertEquals(names(part.parent), ["tree.open", "tree.open"]);
  assertEquals(names(part.attach), [
    "mount.propagation",
    "root.make",
    "dir.make",
    "mount.tree",
    "mount.tree",
  ]);
  assertEquals(part.slots, [16, 17]);
  for (const op of part.attach) {
    if (op.op !== "mount.tree") continue;
    assertEquals([op.flags, op.set, op.clear, op.propagation], [
      1,
      7,
      0,
      0x44000,
    ]);
  }
  assertThrows(() => ownRoot({ rootfs: "/", hostRoot: {} }), TypeError);
});

Deno.test("defaultUser and defaultCwd make nobody at home in a host root", () => {
  const sandbox = configWith({ rootfs: "/", hostRoot: {} });
  const table: readonly (readonly [string, string, string])[] = [
    ["", "/home/nobody", "/home/nobody"],
    ["nobody:nogroup", "/home/nobody", "/home/nobody"],
    ["65534:5", "/home/nobody", "/home/nobody"],
    ["1000:1000", "/home/user", "/"],
    ["0", "/root", "/root"],
    ["root", "/root", "/root"],
    ["daemon", "/", "/"],
  ];
  for (const [user, first, joined] of table) {
    assertEquals(defaultCwd("own", sandbox, user), first, user);
    assertEquals(defaultCwd("joined", sandbox, user), joined, user);
  }
  const one = [{ containerId: 0, hostId: 1000, size: 1 }];
  const mapped = { ...sandbox, uidMappings: one, gidMappings: one };
  assertEquals(defaultUser(mapped), "");
  assertEquals(defaultCwd("own", mapped, ""), "/root");
  assertEquals(defaultUser(configWith({})), "");
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError, HostError } from "../../../lib/errors.ts";
import { locateGroup, planCgroups } from "../../../lib/plan/cgroups.ts";
import {
  configWith,
  HOST_HYBRID,
  HOST_V1,
  HOST_V2,
  names,
  V1,
  V2,
} from "./support.ts";

const { cgroups: _, ...UNLIMITED } = configWith({});

Deno.test("locateGroup refuses paths that leave the hierarchy", () => {
  for (const path of ["", "/", "..", "a/../..", "/..", "a/./b"]) {
    assertThrows(() => locateGroup(V2, path), ConfigError, undefined, path);
  }
  assertEquals(locateGroup(V2, "//a//b/").path, "/cg/a/b");
});

Deno.test("planCgroups makes a group in every hierarchy and joins each", () => {
  const part = planCgroups(configWith({}), HOST_V1, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assertEquals(part.groups.length, V1.length);
  assertEquals(part.child.length, V1.length);
  assert(
    part.child.every((op) => op.op === "cgroup.join" && op.file === "tasks"),
  );
  assertEquals(part.spawnSlot, -1);
});

Deno.test("planCgroups clones into the version 2 group of a hybrid host", () => {
  const part = planCgroups(configWith({}), HOST_HYBRID, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assertEquals(part.spawnSlot, 7);
  assertEquals(part.child.length, V1.length);
  assertEquals(part.before.at(-1), {
    op: "cgroup.open",
    slot: 7,
    path: "/cg/unified/nsinit/demo",
  });
});

Deno.test("planCgroups leaves root of a user namespace to what it was given", () => {
  const host = { ...HOST_V2, userNamespaceInode: 4026532281 };
  const part = planCgroups(configWith({}), host, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assertEquals(names(part.before), ["cgroup.make", "cgroup.open"]);
  assertEquals(names(part.parent), []);
});

Deno.test("planCgroups attaches a device program where only version 2 is", () => {
  const part = planCgroups(configWith({}), HOST_V2, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assertEquals(names(part.before), ["cgroup.make", "cgroup.open"]);
  assertEquals(names(part.parent), ["cgroup.enable", "cgroup.devices"]);
  assertEquals(part.parent[0], {
    op: "cgroup.enable",
    base: "/cg",
    path: "/cg/nsinit/demo",
    controllers: ["+cpu", "+io", "+memory", "+pids"],
  });
});

Deno.test("planCgroups takes a group that is there for an engine alone", () => {
  const flagsOf = (isEngines: boolean) => {
    const place = { cgroupPath: "/engine/demo", alias: "o", isEngines };
    const part = planCgroups(configWith({}), HOST_V2, place);
    return part.before.flatMap((op) =>
      op.op === "cgroup.make" ? [op.flags] : []
    );
  };
  assertEquals(flagsOf(false), [1]);
  assertEquals(flagsOf(true), [2]);
});

Deno.test("planCgroups enables all for an engine, and for a user only what is needed", () => {
  const cgroups = { name: "", parent: "nsinit", allowAllDevices: true };
  const enabled = (euid: number): readonly string[] =>
    planCgroups(configWith({ cgroups }), { ...HOST_V2, euid }, {
      cgroupPath: "nsinit/demo",
      alias: "o",
      isEngines: true,
    }).parent.flatMap((op) => op.op === "cgroup.enable" ? op.controllers : []);
  assertEquals(enabled(0), V2.controllers.map((name) => `+${name}`));
  assertEquals(enabled(1000), []);
});

Deno.test("planCgroups enables what a limit needs", () => {
  const config = configWith({
    cgroups: { name: "", parent: "", cpusetCpus: "0", allowAllDevices: true },
  });
  const part = planCgroups(config, HOST_V2, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assertEquals(names(part.before), ["cgroup.make", "cgroup.open"]);
  assertEquals(names(part.parent), ["cgroup.enable", "cgroup.write"]);
  assert(
    part.parent.some((op) =>
      op.op === "cgroup.enable" && op.controllers.includes("+cpuset")
    ),
  );
});

Deno.test("planCgroups only tracks a container without limits", () => {
  const paths = (host: typeof HOST_V1): string[] =>
    planCgroups(UNLIMITED, host, { cgroupPath: "nsinit/demo", alias: "o" })
      .groups.map(({ base }) => base);
  assertEquals(paths(HOST_V2), ["/cg"]);
  assertEquals(paths(HOST_HYBRID), ["/cg/unified"]);
  assertEquals(paths(HOST_V1), ["/cg/systemd", "/cg/pids", "/cg/freezer"]);
  const { parent } = planCgroups(UNLIMITED, HOST_V1, {
    cgroupPath: "nsinit/demo",
    alias: "o",
  });
  assert(names(parent).every((name) => name === "cgroup.make"));
});

Deno.test("planCgroups refuses device rules that nothing can keep", () => {
  const hierarchies = V1.filter(({ controllers }) =>
    !controllers.includes("devices")
  );
  const host = { ...HOST_V1, cgroup: { mode: "v1", hierarchies } } as const;
  assertThrows(
    () => planCgroups(configWith({}), host, { cgroupPath: "a", alias: "o" }),
    HostError,
    "devices",
  );
  const open = configWith({
    cgroups: { name: "", parent: "", allowAllDevices: true },
  });
  planCgroups(open, host, { cgroupPath: "a", alias: "o" });
});

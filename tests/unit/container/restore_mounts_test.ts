import { assertEquals } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { bindMount } from "../../../lib/config/shorthands.ts";
import {
  findSources,
  movedConfig,
  movedPath,
} from "../../../lib/container/restore_mounts.ts";
import type { ResourceCgroup } from "../../../lib/plan/types.ts";

function group(path: string, controllers: string[]): ResourceCgroup {
  return { version: 1, controllers, base: "/cg", path, owner: "" };
}

const CONFIG = {
  ...defaultConfig("/b/root"),
  mounts: [bindMount("/new/data", "/data")],
};

function sourcesOf(
  mounts: readonly (readonly [target: string, source: string])[],
): string[] {
  return findSources({
    mounts: mounts.map(([target, source], index) => ({
      key: `nsinit-${index}`,
      target,
      source,
    })),
    oldGroups: [group("/cg/pids/a", ["pids"]), group("/cg/cpu/a", ["cpu"])],
    newGroups: [group("/cg/cpu/b", ["cpu"]), group("/cg/pids/b", ["pids"])],
    config: CONFIG,
    move: (path) => movedPath(path, "/a", "/b"),
  }).map(({ source }) => source);
}

Deno.test("a bind mount of the configuration comes from where that says now", () => {
  assertEquals(sourcesOf([["/data", "/old/data"]]), ["/new/data"]);
});

Deno.test("what an earlier mount shows comes from where that comes from", () => {
  const config = {
    ...CONFIG,
    mounts: [
      ...CONFIG.mounts,
      bindMount("/b/root/data/x", "/again"),
      bindMount("/b/root/again/y", "/third"),
      { ...bindMount("none", "/tmp"), device: "tmpfs" as const },
      bindMount("/b/root/tmp/z", "/fourth"),
    ],
  };
  const targets = ["/again", "/third", "/fourth"];
  const found = findSources({
    mounts: targets.map((target) => ({ key: target, target, source: "/a/o" })),
    oldGroups: [],
    newGroups: [],
    config,
    move: (path) => movedPath(path, "/a", "/b"),
  });
  assertEquals(found.map(({ source }) => source), [
    "/new/data/x",
    "/new/data/x/y",
    "/b/o",
  ]);
});

Deno.test("what lies below a bind mount comes along", () => {
  assertEquals(
    sourcesOf([["/data", "/old/data"], ["/data/sub", "/old/data/sub"]]),
    ["/new/data", "/new/data/sub"],
  );
});

Deno.test("groups are those of the restored container", () => {
  assertEquals(
    sourcesOf([["/cg/pids", "/cg/pids/a"], ["/cg/cpu", "/cg/cpu/a/sub"]]),
    ["/cg/pids/b", "/cg/cpu/b/sub"],
  );
});

Deno.test("all else stays, or moves with the container's directory", () => {
  assertEquals(
    sourcesOf([["/proc/kcore", "/dev/null"], ["/x", "/a/container.json"]]),
    ["/dev/null", "/b/container.json"],
  );
});

Deno.test("a configuration moves with its directory", () => {
  const config = {
    ...CONFIG,
    rootfs: "/a/root",
    mounts: [
      bindMount("/a/data", "/data"),
      bindMount("/ab", "/ab"),
    ],
    overlay: { upper: "/a/upper" },
  };
  const moved = movedConfig(config, "/a", "/b");
  assertEquals(moved.rootfs, "/b/root");
  assertEquals(moved.mounts.map(({ source }) => source), ["/b/data", "/ab"]);
  assertEquals(moved.overlay, { upper: "/b/upper" });
  assertEquals(movedConfig(config, "", "/b"), config);
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostRootConfig } from "../../../lib/config/host_root.ts";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import type { RootLayout } from "../../../lib/host/root_layout.ts";
import { buildJoinPlan, buildStartPlan } from "../../../lib/plan/build.ts";
import { planHostRoot } from "../../../lib/plan/host_root.ts";
import type { HostRootParts } from "../../../lib/plan/types.ts";
import { HOST_V2, PLACEMENT, PROCESS } from "./support.ts";

const MERGED: RootLayout = {
  system: [
    { path: "/bin", link: "usr/bin" },
    { path: "/lib64", link: "usr/lib64" },
    { path: "/usr" },
  ],
  etc: ["/etc/ld.so.cache", "/etc/ssl/certs", "/etc/resolv.conf"],
};

function partsOf(
  changes: Partial<Config> = {},
  user = "",
  layout = MERGED,
): HostRootParts {
  return planHostRoot({ ...hostRootConfig(), ...changes }, user, layout);
}

function pathsOf({ trees }: HostRootParts): string[] {
  return trees.map(({ path }) => path);
}

function textOf({ ops }: HostRootParts, path: string): string | undefined {
  for (const op of ops) {
    if (op.op === "file.write" && op.path === path) {
      return new TextDecoder().decode(op.content);
    }
  }
  return undefined;
}

Deno.test("planHostRoot shows directories and makes links where the host has links", () => {
  const parts = partsOf();
  assertEquals(pathsOf(parts), ["/usr", "/etc/ld.so.cache", "/etc/ssl/certs"]);
  const links = parts.ops.flatMap((op) =>
    op.op === "link.make" ? [`${op.path} -> ${op.target}`] : []
  );
  assertEquals(links.slice(0, 2), ["/bin -> usr/bin", "/lib64 -> usr/lib64"]);
  const split = partsOf({}, "", {
    system: [{ path: "/bin" }, { path: "/lib" }, { path: "/usr" }],
    etc: [],
  });
  assertEquals(pathsOf(split), ["/bin", "/lib", "/usr"]);
});

Deno.test("planHostRoot makes all that it shows read-only, nosuid and nodev", () => {
  const { trees } = partsOf({ hostRoot: { paths: ["/opt/tool"] } });
  assert(trees.every(({ attributes }) => (attributes & 7) === 7));
  const programs = trees.filter(({ attributes }) => (attributes & 8) === 0);
  assertEquals(programs.map(({ path }) => path), ["/usr", "/opt/tool"]);
});

Deno.test("planHostRoot shows the resolver where there is something to reach", () => {
  const resolver = "/etc/resolv.conf";
  const { namespaces, networks: [loopback] = [] } = hostRootConfig();
  assert(loopback);
  const shared = namespaces.filter(({ type }) => type !== "NEWNET");
  const veth = { ...loopback, type: "veth", name: "eth0" } as const;
  assert(!pathsOf(partsOf()).includes(resolver));
  assert(pathsOf(partsOf({ namespaces: shared })).includes(resolver));
  assert(pathsOf(partsOf({ networks: [veth] })).includes(resolver));
});

Deno.test("planHostRoot writes accounts of its own", () => {
  assertEquals(
    textOf(partsOf(), "/etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\n" +
      "nobody:x:65534:65534:nobody:/home/nobody:/bin/sh\n",
  );
  const parts = partsOf({}, "1000:50");
  assert(textOf(parts, "/etc/passwd")?.includes("user:x:1000:50:"));
  assert(textOf(parts, "/etc/group")?.includes("user:x:50:"));
  const owned = parts.ops.flatMap((op) =>
    op.op === "path.own" ? [[op.path, op.uid, op.gid]] : []
  );
  assertEquals(owned, [
    ["/home/nobody", 65534, 65534],
    ["/home/user", 1000, 50],
  ]);
});

Deno.test("planHostRoot gives homes to ids that exist inside alone", () => {
  const one = [{ containerId: 0, hostId: 1000, size: 1 }];
  const parts = partsOf({ uidMappings: one, gidMappings: one }, "1000");
  assert(!parts.ops.some(({ op }) => op === "path.own"));
  assertEquals(
    textOf(parts, "/etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\n",
  );
});

Deno.test("planHostRoot limits the size, to 256 MiB unless told", () => {
  assertEquals(partsOf().options.slice(0, 2), ["size", "268435456"]);
  const { options } = partsOf({ hostRoot: { size: 4096 } });
  assertEquals(options.slice(0, 4), ["size", "4096", "nr_inodes", "1024"]);
});

const PLACED = { ...PLACEMENT, hostRoot: partsOf() };

Deno.test("a host root is in place before anything is mounted in it", () => {
  const filter = { flags: 0, program: new Uint8Array(8) };
  const { plan } = buildStartPlan(hostRootConfig(), PROCESS, HOST_V2, {
    ...PLACED,
    filter,
  });
  const ops = plan.child.map(({ op }) => op);
  assert(ops.indexOf("root.make") < ops.indexOf("dir.make"));
  assert(ops.lastIndexOf("file.write") < ops.indexOf("mount.tree"));
  assert(ops.lastIndexOf("mount.tree") < ops.indexOf("mount.fs"));
  const resolve = plan.parent.find((op) => op.op === "user.resolve");
  assertEquals(resolve?.op === "user.resolve" && resolve.user, "nobody");
  const cwd = plan.child.find((op) => op.op === "cwd.enter");
  assertEquals(cwd?.op === "cwd.enter" && cwd.path, "/home/nobody");
});

Deno.test("SYS_ADMIN is given to no process of a host root", () => {
  const { seccomp: _, ...config } = hostRootConfig();
  const process = { ...PROCESS, capabilities: ["SYS_ADMIN"] } as const;
  assertThrows(
    () => buildStartPlan(config, process, HOST_V2, PLACED),
    ConfigError,
    "SYS_ADMIN",
  );
  const target = {
    id: "demo",
    config,
    pid: 100,
    pidfd: 9,
    namespaces: ["NEWNS"],
    cgroupPaths: [],
  } as const;
  assertThrows(
    () => buildJoinPlan(target, process, HOST_V2),
    ConfigError,
    "SYS_ADMIN",
  );
});

Deno.test("planHostRoot lets every user pass to a path that is shown below a private directory", () => {
  const modeOf = (paths: string[]): number | bigint | undefined =>
    partsOf({ hostRoot: { paths } }).ops.flatMap((op) =>
      op.op === "dir.make" && op.path === "/root" ? [op.mode] : []
    )[0];
  assertEquals(modeOf([]), 0o700);
  assertEquals(modeOf(["/rootless/a"]), 0o700);
  assertEquals(modeOf(["/root/tools/deno"]), 0o711);
});

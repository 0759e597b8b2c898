import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config, Mount, Resources } from "../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../lib/errors.ts";
import {
  type MountPart,
  planMounts,
  type ShownGroup,
} from "../../../lib/plan/mounts.ts";
import type { Op } from "../../../lib/plan/ops.ts";
import { SlotAllocator } from "../../../lib/plan/slots.ts";
import { configWith, HOST_V2, names } from "./support.ts";

const SLAVE = 0x84000;
const GROUPS: readonly ShownGroup[] = [
  { version: 1, controllers: ["cpu", "cpuacct"], path: "/cg/c/a" },
  { version: 1, controllers: ["name=systemd"], path: "/cg/s/a" },
];

function plan(
  mounts: readonly Partial<Mount>[],
  changes: Partial<Config> = {},
  host = HOST_V2,
  groups = GROUPS,
): MountPart {
  return planMounts({
    config: configWith({
      ...changes,
      mounts: mounts.map((mount) => ({
        device: "bind",
        source: "/host",
        destination: "/inside",
        flags: 0x5000,
        data: "",
        relabel: "",
        ...mount,
      })),
    }),
    host,
    slots: new SlotAllocator(),
    groups,
    propagation: SLAVE,
  });
}

function tree(
  mount: Partial<Mount>,
  changes: Partial<Config> = {},
): Op<"mount.tree"> {
  const [op] = plan([mount], changes).child;
  if (op?.op !== "mount.tree") throw new Error("no tree");
  return op;
}

function fs(
  mount: Partial<Mount>,
  changes: Partial<Config> = {},
): Op<"mount.fs"> {
  const [op] = plan([mount], changes).child;
  if (op?.op !== "mount.fs") throw new Error("no file system");
  return op;
}

Deno.test("planMounts binds with flags that hold for submounts too", () => {
  const part = plan([{ flags: 0x5000 | 0xf }]);
  assertEquals(part.parent, [{
    op: "tree.open",
    slot: 16,
    flags: 1,
    path: "/host",
    note: "bound at /inside",
  }]);
  const { flags, set, clear, propagation } = tree({ flags: 0x5000 | 0xf });
  assertEquals([flags, set, clear, propagation], [1, 15, 0, SLAVE]);
  const single = tree({ flags: 0x1001 });
  assertEquals([single.flags, single.set], [0, 1]);
});

Deno.test("planMounts never leaves a bind in the host's peer group", () => {
  assertEquals(tree({}).propagation, SLAVE);
  assertEquals(tree({ propagationFlags: [0x44000] }).propagation, 0x44000);
  assertEquals(tree({ flags: 0x1000 | 0x40000 }).propagation, 0x40000);
  assertThrows(() => tree({ propagationFlags: [0x104000] }), ConfigError);
  const shared = { rootPropagation: 0x104000 };
  assertEquals(
    tree({ propagationFlags: [0x104000] }, shared).propagation,
    0x104000,
  );
});

Deno.test("planMounts takes procfs at /proc only, and listed files inside it", () => {
  assertEquals(tree({ destination: "/proc" }).flags, 1 | 2 | 8);
  assertEquals(tree({ destination: "/sys/" }).flags, 1 | 2 | 16);
  assertEquals(tree({ destination: "/proc/cpuinfo" }).flags, 1 | 4);
  for (
    const mount of [
      { destination: "/proc/self/attr" },
      { destination: "/proc/sys" },
      { destination: "/proc/../proc/1/attr/current" },
      { destination: "//proc/./sysrq-trigger" },
      { destination: "/srv/root/proc/self" },
      { device: "tmpfs", destination: "/proc" },
      { device: "tmpfs", destination: "/proc/cpuinfo" },
      { device: "cgroup", destination: "/proc" },
      { destination: "/" },
      { destination: "/.." },
      { source: "relative" },
    ] as const
  ) {
    assertThrows(() => plan([mount]), ConfigError);
  }
});

Deno.test("planMounts does not follow links to the targets of proc and sysfs", () => {
  assertEquals(
    fs({ device: "proc", destination: "/proc", flags: 14 }).flags,
    1,
  );
  assertEquals(
    fs({ device: "sysfs", destination: "/sys", flags: 15 }).attr,
    15,
  );
});

Deno.test("planMounts lets a tmpfs look like what it covers unless told", () => {
  const tmp = { device: "tmpfs", destination: "/tmp", flags: 0 } as const;
  assertEquals(fs(tmp).flags, 2);
  assertEquals(fs({ ...tmp, data: "size=1m,mode=755" }).flags, 0);
  assertEquals(fs({ ...tmp, data: "size=1m,mode=755" }).options, [
    "size",
    "1m",
    "mode",
    "755",
  ]);
});

Deno.test("planMounts drops a group that the user namespace does not have", () => {
  const pts = {
    device: "devpts",
    destination: "/dev/pts",
    flags: 10,
    data: "newinstance,gid=5",
  } as const;
  assertEquals(fs(pts).options, ["newinstance", "", "gid", "5"]);
  const one = {
    namespaces: [{ type: "NEWUSER" }],
    gidMappings: [{ containerId: 0, hostId: 1000, size: 1 }],
  } as const;
  assertEquals(fs(pts, one).options, ["newinstance", ""]);
});

Deno.test("planMounts runs commands around their mount", () => {
  const command = { path: "/bin/true", args: ["-x"], env: ["A=1"], dir: "" };
  const { child } = plan([{
    premountCmds: [command],
    postmountCmds: [command, command],
  }]);
  assertEquals(names(child), [
    "command.run",
    "mount.tree",
    "command.run",
    "command.run",
  ]);
  assertEquals(child[0], {
    op: "command.run",
    path: "/bin/true",
    argv: ["/bin/true", "-x"],
    envp: ["A=1"],
    dir: "/",
  });
});

Deno.test("planMounts shows version 1 groups read-only, with links for shared hierarchies", () => {
  const { child, parent } = plan([{
    device: "cgroup",
    destination: "/sys/fs/cgroup",
    flags: 15,
  }]);
  assertEquals(parent.length, 2);
  assertEquals(names(child), [
    "mount.fs",
    "dir.make",
    "mount.tree",
    "link.make",
    "link.make",
    "dir.make",
    "mount.tree",
    "mount.change",
  ]);
  for (const op of child) {
    if (op.op === "mount.tree") assertEquals(Number(op.set) & 1, 1);
  }
});

Deno.test("planMounts lets only a container with all devices write its device rules", () => {
  const groups: readonly ShownGroup[] = [
    { version: 1, controllers: ["devices"], path: "/cg/devices/a" },
  ];
  const mounts = [{ device: "cgroup", destination: "/cg", flags: 14 }];
  const isClosed = (resources: Resources): boolean => {
    const cgroups = { name: "a", parent: "", ...resources };
    const { child } = plan(mounts, { cgroups }, HOST_V2, groups);
    return child.some((op) =>
      op.op === "mount.tree" && (Number(op.set) & 1) !== 0
    );
  };
  const disk = { type: "b", major: 8, minor: 0, permissions: "w" } as const;
  const node = { path: "", fileMode: 0, uid: 0, gid: 0 };
  const deniedDevices = [{ ...node, ...disk }];
  assert(isClosed({}));
  assert(isClosed({ allowAllDevices: true, deniedDevices }));
  assert(!isClosed({ allowAllDevices: true }));
});

Deno.test("planMounts relabels nothing where there are no labels", () => {
  assertEquals(names(plan([{ relabel: "z" }]).child), ["mount.tree"]);
  const selinux = { ...HOST_V2, selinux: true };
  assertThrows(() => plan([{ relabel: "Z" }], {}, selinux), HostError);
});

Deno.test("planMounts refuses more mounts than a Plan can carry", () => {
  const many = Array.from({ length: 481 }, () => ({}));
  assertThrows(() => plan(many), ConfigError, "480");
  assertEquals(plan(many.slice(1)).slots.at(-1), 495);
});

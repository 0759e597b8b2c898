import { assertEquals } from "@std/assert";
import { buildUndo } from "../../../lib/plan/undo.ts";

Deno.test("buildUndo kills first and forgets last, from the record alone", () => {
  const undo = buildUndo({
    cgroups: [
      {
        version: 1,
        controllers: ["pids"],
        base: "/p",
        path: "/p/a",
        owner: "o",
      },
      {
        version: 1,
        controllers: ["freezer"],
        base: "/f",
        path: "/f/a",
        owner: "o",
      },
    ],
    interfaces: [{ host: "veth1", alias: "nsinit:demo" }],
    files: [{ dir: "/srv", name: "pid", inode: "18446744073709551615" }],
  }, { stateDir: "/run/nsinit/demo", lockFd: 5 });
  assertEquals(undo, [
    { op: "lock.take", fd: 5 },
    {
      op: "cgroup.kill",
      version: 1,
      path: "/p/a",
      owner: "o",
      freezer: "/f/a",
    },
    { op: "link.remove", host: "veth1", alias: "nsinit:demo" },
    { op: "cgroup.remove", flags: 0, base: "/p", path: "/p/a", owner: "o" },
    { op: "cgroup.remove", flags: 0, base: "/f", path: "/f/a", owner: "o" },
    {
      op: "file.remove",
      inode: 18446744073709551615n,
      dir: "/srv",
      name: "pid",
    },
    { op: "undo.check" },
    {
      op: "file.remove",
      inode: 0,
      dir: "/run/nsinit/demo",
      name: ".state.json.nsinit",
    },
    {
      op: "file.remove",
      inode: 0,
      dir: "/run/nsinit/demo",
      name: "state.json",
    },
    { op: "dir.remove", path: "/run/nsinit/demo" },
  ]);
});

Deno.test("buildUndo takes a placed root away when nobody is in it, and before the record", () => {
  const undo = buildUndo({
    cgroups: [{
      version: 2,
      controllers: [],
      base: "/u",
      path: "/u/a",
      owner: "o",
    }],
    interfaces: [],
    place: "/run/nsinit/demo/root",
    files: [],
  }, { stateDir: "/run/nsinit/demo" });
  assertEquals(undo.slice(0, 4).map(({ op }) => op), [
    "cgroup.kill",
    "cgroup.remove",
    "place.remove",
    "undo.check",
  ]);
});

Deno.test("buildUndo kills by version 2 and thaws the version 1 freezer beside it", () => {
  const group = (version: 1 | 2, name: string) => ({
    version,
    controllers: version === 1 ? [name] : [],
    base: `/${name}`,
    path: `/${name}/a`,
    owner: "o",
  });
  const undo = buildUndo({
    cgroups: [group(1, "freezer"), group(2, "unified")],
    interfaces: [],
    files: [],
  }, { stateDir: "/run/nsinit/demo" });
  assertEquals(undo[0], {
    op: "cgroup.kill",
    version: 2,
    path: "/unified/a",
    owner: "o",
    freezer: "/freezer/a",
  });
});

import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import {
  escapeUnitName,
  groupName,
  scopeName,
  slicePath,
} from "../../../lib/plan/systemd_names.ts";

const NAMING = {
  id: "demo",
  name: "",
  parent: "nsinit",
  defaultSlice: "system.slice",
  isTaken: false,
} as const;

Deno.test("escapeUnitName leaves only what a unit's name may hold", () => {
  assertEquals(escapeUnitName("a-b_c.d:1"), "a-b_c.d:1");
  assertEquals(escapeUnitName("a/b"), "a-b");
  assertEquals(escapeUnitName("+ \\"), "\\x2b\\x20\\x5c");
  assertEquals(escapeUnitName("\u00e4"), "\\xc3\\xa4");
});

Deno.test("slicePath nests slices by the dashes of their names", () => {
  assertEquals(slicePath("-.slice"), "");
  assertEquals(slicePath("system.slice"), "/system.slice");
  assertEquals(slicePath("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
});

Deno.test("slicePath refuses what is no slice", () => {
  for (
    const name of [
      "",
      "a",
      ".slice",
      "a--b.slice",
      "-a.slice",
      "a-.slice",
      "a/b.slice",
      "../x.slice",
      "a.service",
    ]
  ) {
    assertThrows(() => slicePath(name), ConfigError, "slice");
  }
});

Deno.test("groupName steps aside for files of the kernel", () => {
  assertEquals(groupName("cgroup.scope"), "_cgroup.scope");
  assertEquals(groupName("_a.scope"), "__a.scope");
  assertEquals(groupName("memory.scope"), "_memory.scope");
  assertEquals(groupName("memories.scope"), "memories.scope");
});

Deno.test("scopeName follows the configuration", () => {
  const of = (changes: Partial<Parameters<typeof scopeName>[0]>) => {
    const { slice, unit } = scopeName({ ...NAMING, ...changes });
    return `${slice} ${unit}`;
  };
  assertEquals(of({}), "system.slice nsinit-demo.scope");
  assertEquals(of({ parent: "" }), "system.slice demo.scope");
  assertEquals(of({ parent: "/a/b/" }), "system.slice a-b-demo.scope");
  assertEquals(of({ parent: "m.slice" }), "m.slice demo.scope");
  assertEquals(of({ slice: "x-y.slice" }), "x-y.slice nsinit-demo.scope");
  assertEquals(of({ name: "web" }), "system.slice nsinit-web.scope");
  assertEquals(
    of({ name: "web", isTaken: true }),
    "system.slice nsinit-web-demo.scope",
  );
  assertEquals(of({ name: "s.slice:p:n" }), "s.slice p-n.scope");
  assertEquals(of({ name: "::n" }), "system.slice n.scope");
});

Deno.test("scopeName refuses names that are too long, and wrong slices", () => {
  assertThrows(
    () => scopeName({ ...NAMING, id: "x".repeat(300) }),
    ConfigError,
    "255",
  );
  assertThrows(() => scopeName({ ...NAMING, slice: "no" }), ConfigError);
});

import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { resolveIdentity } from "../../../lib/container/users.ts";

const FILES = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "daemon:x:1:1:daemon:/usr/sbin:/bin/sh",
    "1000:x:0:0::/evil:/bin/sh",
    "bad:x:notanumber:0::/:/bin/sh",
    "short",
    "huge:x:4294967295:0::/:/bin/sh",
  ].join("\n"),
  group: "root:x:0:\naudio:x:29:daemon,other\nplugdev:x:46:daemon\n29x:x:7:\n",
};

Deno.test("resolveIdentity() reads an empty user as root with its home", () => {
  assertEquals(resolveIdentity("", [], FILES), {
    uid: 0,
    gid: 0,
    groups: [],
    home: "/root",
  });
});

Deno.test("resolveIdentity() adds the groups that list the user", () => {
  assertEquals(resolveIdentity("daemon", [], FILES).groups, [29, 46]);
});

Deno.test("resolveIdentity() gives no listed groups with an explicit group", () => {
  assertEquals(resolveIdentity("daemon:audio", [], FILES), {
    uid: 1,
    gid: 29,
    groups: [],
    home: "/usr/sbin",
  });
});

Deno.test("resolveIdentity() never looks digits up as a name", () => {
  assertEquals(resolveIdentity("1000", [], FILES).uid, 1000);
});

Deno.test("resolveIdentity() takes numbers that stand nowhere", () => {
  assertEquals(resolveIdentity("5:6", ["29", "plugdev"], FILES), {
    uid: 5,
    gid: 6,
    groups: [29, 46],
    home: "/",
  });
});

Deno.test("resolveIdentity() accepts the largest id and refuses beyond", () => {
  assertEquals(resolveIdentity("4294967294", [], FILES).uid, 4294967294);
  for (
    const user of ["4294967295", "4294967296", "10000000000", "1:4294967295"]
  ) {
    assertThrows(() => resolveIdentity(user, [], FILES), ConfigError, "ids go");
  }
});

Deno.test("resolveIdentity() refuses malformed users and never falls back to root", () => {
  for (
    const user of [
      ":2",
      "1:",
      "1:2:3",
      "-1",
      "1 ",
      "0x1",
      "nobody1",
      "bad",
      "huge",
    ]
  ) {
    assertThrows(
      () => resolveIdentity(user, [], FILES),
      ConfigError,
      "Cannot use user",
    );
  }
  assertThrows(
    () => resolveIdentity("1:nogroup", [], FILES),
    ConfigError,
    "group",
  );
  assertThrows(
    () => resolveIdentity("1", ["nogroup"], FILES),
    ConfigError,
    "group",
  );
});

Deno.test("resolveIdentity() works without account files", () => {
  const none = { passwd: "", group: "" };
  assertEquals(resolveIdentity("0", [], none).home, "/");
  assertThrows(() => resolveIdentity("root", [], none), ConfigError);
});

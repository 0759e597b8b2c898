import { assertEquals } from "@std/assert";
import { nameOfUser, parseSubordinateIds } from "../../../lib/host/user.ts";
import { userNamespaceAdvice } from "../../../lib/host/user_namespaces.ts";

Deno.test("parseSubordinateIds takes the lines of a name or number, and no others", () => {
  const text = [
    "# a comment",
    "ann:100000:65536",
    "1001:200000:10",
    "annette:300000:10",
    "ann:x:10",
    "ann:400000:0",
    "ann:500000:-5",
    "ann:600000:5:more",
    "ann:700000:1 ",
  ].join("\n");
  const ranges = (name: string, uid: number) =>
    parseSubordinateIds(text, { name, uid }).map(({ first }) => first);
  assertEquals(ranges("ann", 1001), [100000, 200000, 700000]);
  assertEquals(ranges("", 7), []);
});

Deno.test("nameOfUser finds the name of a number", () => {
  const passwd = "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
  assertEquals(nameOfUser(passwd, 1000), "ann");
  assertEquals(nameOfUser(passwd, 100), "");
});

Deno.test("userNamespaceAdvice names the setting that stands in the way", () => {
  const settings: Record<string, string> = {
    "/proc/sys/user/max_user_namespaces": "0\n",
    "/proc/sys/kernel/unprivileged_userns_clone": "0\n",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
  };
  const read = (path: string): string | undefined => settings[path];
  const root = userNamespaceAdvice(0, read);
  assertEquals(root.length, 1);
  assertEquals(root[0]?.includes("max_user_namespaces"), true);
  const user = userNamespaceAdvice(1000, read).join();
  for (const name of ["max_user_namespaces", "userns_clone", "apparmor"]) {
    assertEquals([name, user.includes(name)], [name, true]);
  }
  assertEquals(userNamespaceAdvice(1000, () => undefined), []);
  assertEquals(
    userNamespaceAdvice(
      1000,
      (path) =>
        path.includes("max") ? "100" : path.includes("clone") ? "1" : "0",
    ),
    [],
  );
});

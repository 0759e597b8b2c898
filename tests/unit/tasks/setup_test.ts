import { assert, assertEquals } from "@std/assert";
import { missingOf, packagesOf } from "../../../tasks/setup.ts";

Deno.test("packagesOf() names each package once", () => {
  const names = packagesOf(["build", "demo", "test"]);

  assertEquals(names.length, new Set(names).size);
  assert(names.includes("gcc") && names.includes("busybox-static"));
  assert(!packagesOf(["build"]).includes("busybox-static"));
});

Deno.test("missingOf() wants the status to be installed", () => {
  const report = "installed gcc\nconfig-files make\nnot-installed tmux\n";

  assertEquals(missingOf(["gcc", "make", "tmux", "strace"], report), [
    "make",
    "tmux",
    "strace",
  ]);
});

Deno.test("missingOf() accepts a package under its newer name", () => {
  assertEquals(missingOf(["pkg-config"], "installed pkgconf\n"), []);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { makeRootfs } from "../../../tasks/rootfs.ts";

Deno.test("makeRootfs() makes a root with links that stay inside it", async () => {
  const dir = await Deno.makeTempDir();

  try {
    await makeRootfs(dir);

    assertEquals(await Deno.readLink(join(dir, "bin/sh")), "busybox");
    assertEquals(
      await Deno.realPath(join(dir, "usr/bin/id")),
      join(dir, "bin/busybox"),
    );
    assertEquals(
      ((await Deno.stat(join(dir, "tmp"))).mode ?? 0) & 0o7777,
      0o1777,
    );
    assertStringIncludes(
      await Deno.readTextFile(join(dir, "etc/group")),
      "audio:x:29:daemon\n",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("makeRootfs() leaves a finished root alone and mends a half-made one", async () => {
  const dir = await Deno.makeTempDir();

  try {
    await makeRootfs(dir);
    await Deno.remove(join(dir, "etc/hosts"));
    await makeRootfs(dir);
    assert(!await exists(join(dir, "etc/hosts")));

    await Deno.remove(join(dir, "bin/busybox"));
    await makeRootfs(dir);
    assert(await exists(join(dir, "etc/hosts")));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

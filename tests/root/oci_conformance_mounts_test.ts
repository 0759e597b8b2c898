/** Mounts and terminals of containers as conformance suites of the field look at them. */
import { assertEquals, assertMatch } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ociconformmounts");

test("a tmpfs takes a recursive propagation and the mode of what it covers", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/stat", "-c", "%A", "/tmp"] },
    mounts: [{
      destination: "/tmp",
      type: "tmpfs",
      source: "tmpfs",
      options: ["noexec", "nosuid", "nodev", "rprivate"],
    }],
  });
  await Deno.chmod(`${bundle.rootfs}/tmp`, 0o7777);
  assertEquals(await bundle.must(["run", bundle.id]), "drwsrwsrwt\n");
});

test("a terminal whose output goes to a pipe adds no carriage returns", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { terminal: true, args: ["/bin/sh", "-c", "tty; echo done"] },
  });
  assertMatch(await bundle.must(["run", bundle.id]), /^\/dev\/pts\/0\ndone\n$/);
});

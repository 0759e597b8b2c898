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

test("a tmpfs is read-only when what lies in it has been made", async (workspace) => {
  const script = "grep -E ' (/dev|/ro) ' /proc/mounts | cut -d' ' -f2,4; " +
    "cat /ro/file; touch /dev/x /ro/x 2>/dev/null || echo refused; " +
    "test -c /dev/null && test -c /dev/ptmx && echo nodes";
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "inside\n");
  const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["ro", "nosuid"] };
  await bundle.write({
    process: { args: ["/bin/sh", "-c", script] },
    mounts: [
      { destination: "/dev", ...tmpfs },
      { destination: "/dev/pts", type: "devpts", source: "devpts" },
      { destination: "/ro", ...tmpfs },
      {
        destination: "/ro/file",
        type: "bind",
        source: `${source}/file`,
        options: ["bind"],
      },
    ],
  });
  const lines = (await bundle.must(["run", bundle.id])).trim().split("\n");
  const points = lines.filter((line) => line.startsWith("/"));
  assertEquals(points.map((line) => /^\S+ (ro|rw),/.exec(line)?.[1]), [
    "rw",
    "ro",
    "ro",
  ]);
  assertEquals(lines.slice(points.length), ["inside", "refused", "nodes"]);
});

test("a bind mount may be shared in a root that is not", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const source = await workspace.newDirectory();
  await bundle.write({
    process: { args: ["/bin/grep", " /shared ", "/proc/self/mountinfo"] },
    mounts: [{
      destination: "/shared",
      type: "bind",
      source,
      options: ["bind", "shared"],
    }],
  });
  assertMatch(await bundle.must(["run", bundle.id]), / shared:\d+ .*- /);
});

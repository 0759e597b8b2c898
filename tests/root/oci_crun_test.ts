/** What crun takes beyond what runc takes, and its callers rely on. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { cgroupMounts } from "../support/host_state.ts";
import { REPOSITORY, runProgram } from "../support/nsinit.ts";
import { ociNamespaces } from "../support/oci.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ocicrun");

const NAMESPACES = ["mount", "pid", "network", "ipc", "uts"] as const;

test("a user namespace without mappings has root alone, who is the caller", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map"] },
    linux: { namespaces: ociNamespaces(...NAMESPACES, "user") },
  });
  const maps = await bundle.must(["run", bundle.id]);
  assertEquals(
    maps.trim().split("\n").map((line) => line.trim().split(/\s+/)),
    [
      ["0", "0", "1"],
      ["0", "0", "1"],
    ],
  );
});

test("the caller's groups are kept when an annotation says so", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const process = {
    args: ["/bin/sh", "-c", "grep ^Groups: /proc/self/status"],
    user: { uid: 7, gid: 7, additionalGids: [9] },
  };
  const rows = [
    [{ "run.oci.keep_original_groups": "1" }, "3 4"],
    [{ "run.oci.keep_original_groups": "0" }, "9"],
    [{}, "9"],
  ] as const;
  for (const [annotations, wanted] of rows) {
    await bundle.write({ process, rest: { annotations } });
    const { code, stdout, stderr } = await runProgram([
      ...["setpriv", "--groups", "3,4", Deno.execPath(), "run", "-A"],
      ...[`${REPOSITORY}/oci.ts`, "--root", workspace.stateRoot],
      ...["run", bundle.id],
    ], { cwd: bundle.dir });
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.replace("Groups:", "").trim(), wanted);
  }
});

test("a slash behind the path of a device means nothing", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/ls", "/dev/odd"] },
    linux: { devices: [{ path: "/dev/odd//", type: "c", major: 1, minor: 3 }] },
  });
  assertEquals(await bundle.must(["run", bundle.id]), "/dev/odd\n");
});

test("what an id may not have is named", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const { code, stderr } = await bundle.oci(["create", "this/is/wrong"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "invalid container ID format");
  assertStringIncludes(
    stderr,
    "invalid character `/` in the ID `this/is/wrong`",
  );
});

test(
  "delete --force removes one that somebody froze in a group of theirs",
  async (workspace) => {
    const freezer = cgroupMounts().find((mount) => mount.endsWith("/freezer"));
    if (freezer === undefined) return;
    await using bundle = await OciBundle.make(workspace);
    await bundle.start();
    const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
    const foreign = `${freezer}/${workspace.tag}-foreign`;
    await Deno.mkdir(foreign);
    try {
      await Deno.writeTextFile(`${foreign}/cgroup.procs`, String(pid));
      await Deno.writeTextFile(`${foreign}/freezer.state`, "FROZEN");
      await bundle.must(["delete", "--force", bundle.id]);
    } finally {
      await Deno.writeTextFile(`${foreign}/freezer.state`, "THAWED");
      await Deno.remove(foreign);
    }
  },
  { needs: ["cgroup-v1"] },
);

test("ambient capabilities that nothing could be inherited for are no warning", async (workspace) => {
  const list = ["CAP_CHOWN", "CAP_KILL"];
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: ["/bin/true"],
      capabilities: { bounding: list, permitted: list, ambient: list },
    },
  });
  await bundle.must(["run", bundle.id]);
});

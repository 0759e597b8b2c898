/** Groups of containers as conformance suites of the field look at them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { cgroupMounts } from "../support/host_state.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ociconformgroups");

/** Frees what the test made itself. */
async function removeGroups(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

test("a group that an engine made is taken, and goes with the container", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/cat", "/proc/self/cgroup"] },
  });
  const groups = bundle.groups();
  for (const path of groups) await Deno.mkdir(path, { recursive: true });
  const shown = await bundle.must(["run", bundle.id]);
  for (const line of shown.trim().split("\n")) {
    if (line.startsWith("0::") && groups.length > 1 && line === "0::/") {
      continue;
    }
    assertStringIncludes(line, bundle.group);
  }
  for (const path of groups) {
    const isThere = await Deno.stat(path).then(() => true, () => false);
    assertEquals([path, isThere], [path, false]);
  }
  await removeGroups(groups.map((path) => path.replace(/\/[^/]*$/, "")));
});

test("all controllers of version 2 are on in a container's group", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    linux: { resources: { pids: { limit: 30 } } },
  });
  await bundle.start();
  const read = async (path: string): Promise<string> =>
    await Deno.readTextFile(`${path}/cgroup.controllers`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return "none";
    });
  for (const mount of cgroupMounts()) {
    // Version 1 has no such file.
    const offered = await read(mount);
    assertEquals(await read(mount + bundle.group), offered);
  }
});

test("a group with processes is refused, and they live on", async (workspace) => {
  await using first = await OciBundle.make(workspace);
  await using second = await OciBundle.make(workspace, {
    linux: { cgroupsPath: first.group },
  });
  await first.start();
  for (const command of ["run", "create"]) {
    const { code, stderr } = await second.oci([command, second.id]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "container's cgroup is not empty");
  }
  assertEquals(
    JSON.parse(await first.must(["state", first.id])).status,
    "running",
  );
  assertEquals((await second.oci(["state", second.id])).code, 1);
});

test("a group that is frozen is refused", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const groups = bundle.groups();
  const frozen = groups.find((path) => path.includes("/freezer/")) ??
    groups.at(-1) ?? "";
  await Deno.mkdir(frozen, { recursive: true });
  const [file, value] = frozen.includes("/freezer/")
    ? ["freezer.state", "FROZEN"]
    : ["cgroup.freeze", "1"];
  await Deno.writeTextFile(`${frozen}/${file}`, value);
  const { code, stderr } = await bundle.oci(["create", bundle.id]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "container's cgroup unexpectedly frozen");
  // It stays as it was found: whoever made it removes it.
  await Deno.remove(frozen);
  await removeGroups([frozen.replace(/\/[^/]*$/, "")]);
});

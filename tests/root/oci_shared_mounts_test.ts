/** Containers of the OCI command line in the mounts of others: the host's, or those of a namespace that is joined. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { ociNamespaces } from "../support/oci.ts";
import { OciBundle } from "../support/oci_program.ts";
import { parseMounts } from "../support/process_status.ts";

const test = containerTests("ocisharedmounts");

/** Mounts below a directory, as a process sees them. */
async function mountsBelow(
  dir: string,
  pid: number | "self" = "self",
): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/mountinfo`);
  return parseMounts(text).map(({ point }) => point)
    .filter((point) => point.startsWith(`${dir}/`));
}

/** A bundle without a mount namespace, or with this one. */
async function sharing(
  workspace: Workspace,
  path?: string,
): Promise<OciBundle> {
  const mount = path === undefined ? [] : [{ type: "mount", path }];
  return await OciBundle.make(workspace, {
    linux: {
      namespaces: [...ociNamespaces("pid", "network", "ipc", "uts"), ...mount],
    },
    rest: { root: { path: "rootfs", readonly: true } },
  });
}

async function pidOf(bundle: OciBundle): Promise<number> {
  return JSON.parse(await bundle.must(["state", bundle.id])).pid;
}

test("a container without a mount namespace has its own root, and nothing of it stays", async (workspace) => {
  await using bundle = await sharing(workspace);
  await bundle.start();
  const pid = await pidOf(bundle);
  assertEquals(
    await Deno.readLink(`/proc/${pid}/ns/mnt`),
    await Deno.readLink("/proc/self/ns/mnt"),
  );
  assertEquals((await mountsBelow(bundle.dir)).length, 0);
  assert((await mountsBelow(workspace.stateRoot)).length > 4);
  const { stdout, stderr } = await bundle.exec(
    "pwd; test -c /dev/null && test -e /proc/1/status && echo furnished; " +
      "touch /new",
  );
  assertEquals(stdout, "/\nfurnished\n");
  assertStringIncludes(stderr, "Read-only file system");
  await bundle.must(["delete", "--force", bundle.id]);
  assertEquals(await mountsBelow(workspace.stateRoot), []);
  assert((await Deno.stat(`${bundle.rootfs}/bin`)).isDirectory);
});

test("a start that fails in the host's mounts leaves none", async (workspace) => {
  await using bundle = await sharing(workspace);
  const config = JSON.parse(
    await Deno.readTextFile(`${bundle.dir}/config.json`),
  );
  config.process.args = ["/no/such/program"];
  await Deno.writeTextFile(
    `${bundle.dir}/config.json`,
    JSON.stringify(config),
  );
  const failed = await bundle.oci(["create", bundle.id]);
  assertStringIncludes(failed.stderr, "no such file or directory");
  assertEquals(await mountsBelow(workspace.stateRoot), []);
});

test("a container in a mount namespace that it joins has its own root, and nothing of it stays", async (workspace) => {
  await using other = new Deno.Command("unshare", {
    args: ["--mount", "--propagation", "private", "sleep", "600"],
    stdin: "null",
  }).spawn();
  const own = await Deno.readLink("/proc/self/ns/mnt");
  const path = `/proc/${other.pid}/ns/mnt`;
  while (await Deno.readLink(path) === own) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await using bundle = await sharing(workspace, path);
  await bundle.start();
  const pid = await pidOf(bundle);
  assertEquals(
    await Deno.readLink(`/proc/${pid}/ns/mnt`),
    await Deno.readLink(path),
  );
  assertEquals(await mountsBelow(workspace.stateRoot), []);
  assert((await mountsBelow(workspace.stateRoot, other.pid)).length > 4);
  const { stdout } = await bundle.exec("pwd; ls -d /proc/1/status");
  assertEquals(stdout, "/\n/proc/1/status\n");
  await bundle.must(["delete", "--force", bundle.id]);
  assertEquals(await mountsBelow(workspace.stateRoot, other.pid), []);
  other.kill("SIGKILL");
  await other.status;
});

test("a record that cannot be read costs a root in the host's mounts nothing", async (workspace) => {
  await using bundle = await sharing(workspace);
  await bundle.start();
  const pid = await pidOf(bundle);
  const dir = `${workspace.stateRoot}/${bundle.id}`;
  const record = await Deno.readTextFile(`${dir}/state.json`);
  await Deno.writeTextFile(`${dir}/state.json`, "{");
  await bundle.must(["delete", "--force", bundle.id]);
  assertEquals(await mountsBelow(workspace.stateRoot), []);
  assert((await Deno.stat(`${bundle.rootfs}/bin/sh`)).isFile);
  // As the record was: what it tells of is removed.
  Deno.kill(pid, "SIGKILL");
  await Deno.mkdir(dir, { mode: 0o700 });
  await Deno.writeTextFile(`${dir}/state.json`, record, { mode: 0o600 });
  await bundle.must(["delete", "--force", bundle.id]);
  await assertRejects(() => Deno.stat(dir), Deno.errors.NotFound);
});

test("a container in the host's mounts is not checkpointed", async (workspace) => {
  await using bundle = await sharing(workspace);
  await bundle.start();
  const images = `${await workspace.newDirectory()}/images`;
  const args = ["checkpoint", "--image-path", images, bundle.id];
  assertStringIncludes((await bundle.oci(args)).stderr, "no mount namespace");
});

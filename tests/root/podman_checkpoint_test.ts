/**
 * podman stores running containers and brings them back.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { IMAGE, type Podman, podmanTests } from "../support/podman.ts";

const test = podmanTests("podmancheckpoint");

const COUNT = "i=0; while :; do i=$((i+1)); echo $i > /n; sleep 0.05; done";

async function number(podman: Podman, name: string): Promise<number> {
  return await waitFor("a number", async () => {
    const { stdout } = await podman.run(["exec", name, "cat", "/n"]);
    return Number(stdout) > 0 && Number(stdout);
  }, 30_000);
}

async function counter(podman: Podman): Promise<string> {
  const name = podman.newName();
  await podman.must(["run", "-d", "--name", name, IMAGE, "sh", "-c", COUNT]);
  await waitFor(
    "a tenth number",
    async () => await number(podman, name) > 10,
  );
  return name;
}

test(
  "podman container checkpoint ends a container, restore goes on with it",
  async (podman) => {
    const name = await counter(podman);
    const before = await number(podman, name);
    await podman.must(["container", "checkpoint", name]);
    assertEquals(await podman.inspect(name, ".State.Status"), "exited");
    await podman.must(["container", "restore", name]);
    assertEquals(await podman.inspect(name, ".State.Status"), "running");
    const after = await number(podman, name);
    assert(after >= before, `${after} after ${before}`);
    await waitFor("more", async () => await number(podman, name) > after);
    await podman.must(["rm", "-f", "-t", "0", name]);
  },
  ["criu"],
);

test("podman container checkpoint -R leaves it running", async (podman) => {
  const name = await counter(podman);
  const before = await number(podman, name);
  await podman.must(["container", "checkpoint", "-R", name]);
  assertEquals(await podman.inspect(name, ".State.Status"), "running");
  await waitFor("more", async () => await number(podman, name) > before);
}, ["criu"]);

test(
  "podman container restore makes another container of an archive",
  async (podman) => {
    const name = await counter(podman);
    const archive = `${podman.dir}/checkpoint.tar.gz`;
    await podman.must(["container", "checkpoint", "-e", archive, name]);
    await podman.must(["rm", name]);
    const other = podman.newName();
    await podman.must(["container", "restore", "-i", archive, "-n", other]);
    assert(await number(podman, other) > 10);
  },
  ["criu"],
);

/**
 * podman connects containers by networks and pods.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { IMAGE, type Podman, podmanTests } from "../support/podman.ts";

const test = podmanTests("podmannetwork");

const SERVE = "while :; do echo served | nc -l -p 80; done";

/** What a container fetches from an address, as soon as somebody serves there. */
function fetched(
  podman: Podman,
  name: string,
  address: string,
): Promise<string> {
  const command = ["exec", name, "nc", "-w", "5", address, "80"];
  return waitFor(`an answer of ${address}`, async () => {
    const { stdout } = await podman.run(command);
    return stdout !== "" && stdout;
  }, 30_000);
}

test("two containers on one network of podman reach each other", async (podman) => {
  const network = podman.newName();
  await podman.must(["network", "create", network]);
  const [server, client] = [podman.newName(), podman.newName()];
  const flags = ["-d", "--network", network, "--name"];
  await podman.must(["run", ...flags, server, IMAGE, "sh", "-c", SERVE]);
  await podman.must(["run", ...flags, client, IMAGE, "sleep", "1000"]);
  const address = await podman.must([
    "inspect",
    "-f",
    "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
    server,
  ]);
  assertMatch(address, /^10\./);
  assertEquals(await fetched(podman, client, address), "served\n");
  const back = await podman.must(
    ["exec", server, "sh", "-c", "ip -o addr show eth0; ip route"],
  );
  assertMatch(back, new RegExp(`inet ${address}/`));
  assertMatch(back, /^default via 10\./m);
});

test("podman run --network container: shares one network", async (podman) => {
  const name = podman.newName();
  await podman.must(["run", "-d", "--name", name, IMAGE, "sh", "-c", SERVE]);
  const client = podman.newName();
  await podman.must(
    ["run", "-d", "--name", client, `--network=container:${name}`, IMAGE]
      .concat("sleep", "1000"),
  );
  assertEquals(await fetched(podman, client, "127.0.0.1"), "served\n");
});

test("podman run --network host has the host's interfaces", async (podman) => {
  assertEquals(
    await podman.sh("readlink /proc/self/ns/net", "--network=host"),
    await podman.host.sh("readlink /proc/self/ns/net"),
  );
});

test("containers of a pod share network, ipc and name, and end together", async (podman) => {
  const pod = podman.newName();
  await podman.must([
    "pod",
    "create",
    "--name",
    pod,
    "--network",
    "none",
    "--cgroup-parent",
    `/${podman.tag}`,
    "--infra-command",
    "/bin/pause",
  ]);
  const [server, client] = [podman.newName(), podman.newName()];
  const flags = ["-d", `--pod=${pod}`, "--name"];
  await podman.must(["run", ...flags, server, IMAGE, "sh", "-c", SERVE]);
  await podman.must(["run", ...flags, client, IMAGE, "sleep", "1000"]);
  assertEquals(await fetched(podman, client, "127.0.0.1"), "served\n");

  const show = "for n in net ipc uts pid; do readlink /proc/self/ns/$n; done";
  const [first, second] = await Promise.all([server, client].map(
    async (name) =>
      (await podman.must(["exec", name, "sh", "-c", show])).split("\n"),
  ));
  assertEquals(first?.slice(0, 3), second?.slice(0, 3));
  assertEquals(await podman.must(["exec", client, "hostname"]), pod);

  await podman.must(["pod", "pause", pod]);
  assertEquals(await podman.inspect(client, ".State.Status"), "paused");
  await podman.must(["pod", "unpause", pod]);
  await podman.must(["pod", "stop", "-t", "0", pod]);
  assertEquals(await podman.inspect(client, ".State.Status"), "exited");
  await podman.must(["pod", "start", pod]);
  assertEquals(await fetched(podman, client, "127.0.0.1"), "served\n");
  // Its status also tells of podman's own groups, which are no matter here.
  await podman.run(["pod", "rm", "-f", "-t", "0", pod]);
  assertEquals(await podman.must(["ps", "-aq"]), "");
});

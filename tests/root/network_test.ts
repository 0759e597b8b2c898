/**
 * Interfaces, addresses and routes of containers, in a network namespace that
 * belongs to the test.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { parseConfig } from "../../lib/config/parse.ts";
import { ConfigError, KernelError } from "../../lib/errors.ts";
import {
  type ConfigJson,
  containerTests,
  newNamespaces,
  type Workspace,
} from "../support/containers.ts";
import {
  type Ended,
  InProcess,
  readConfig,
  runInProcess,
} from "../support/in_process.ts";
import type { Config } from "../../lib/config/types.ts";
import { TestNetwork } from "../support/network.ts";
import { mustRun, waitFor } from "../support/nsinit.ts";
import { OwnNetwork } from "../support/own_network.ts";
import { adaptSample, SAMPLES } from "../support/samples.ts";

const declare = containerTests("network");
const BRIDGE = "brnet";

/** Declares a test that runs in a network namespace with a bridge. */
function test(
  name: string,
  body: (workspace: Workspace) => Promise<void>,
): void {
  declare(name, async (workspace) => {
    using _network = new OwnNetwork();
    await addBridge(BRIDGE, "10.66.0.1/24", "fd66::1/64");
    const before = OwnNetwork.interfaces();
    await body(workspace);
    await waitFor("the interfaces to go", () => {
      return OwnNetwork.interfaces().length === before.length;
    });
    assertEquals(OwnNetwork.interfaces(), before);
  }, { needs: ["ip"] });
}

function ip(...args: readonly string[]): Promise<string> {
  return mustRun(["ip", ...args]);
}

async function addBridge(
  name: string,
  ...addresses: readonly string[]
): Promise<void> {
  await ip("link", "add", name, "type", "bridge");
  for (const address of addresses) {
    const options = address.includes(":") ? ["nodad"] : [];
    await ip("addr", "add", address, "dev", name, ...options);
  }
  await ip("link", "set", name, "up");
}

/** What `ip -json` tells about a link, as far as tests look. */
interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly txqlen: number;
  readonly address: string;
  readonly operstate: string;
  readonly master?: string;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_slave_data?: { readonly hairpin?: boolean };
  };
}

async function linksOf(...prefix: readonly string[]): Promise<Link[]> {
  const text = await mustRun([...prefix, "ip", "-json", "-details", "link"]);
  return JSON.parse(text);
}

/** Runs a program of the host in the container's network. */
function enter(container: InProcess): string[] {
  return ["nsenter", `--net=/proc/${container.pid}/ns/net`];
}

const LOOPBACK = { type: "loopback", name: "lo", address: "", gateway: "" };

function veth(octet: number, changes: ConfigJson = {}): ConfigJson {
  return {
    type: "veth",
    name: "eth0",
    bridge: BRIDGE,
    address: `10.66.0.${octet}/24`,
    gateway: "10.66.0.1",
    ipv6_address: `fd66::${octet}/64`,
    ipv6_gateway: "fd66::1",
    ...changes,
  };
}

async function start(
  workspace: Workspace,
  networks: readonly ConfigJson[],
  changes: ConfigJson = {},
  args: readonly string[] | string = ["/bin/sleep", "100"],
): Promise<InProcess> {
  const config = await readConfig(workspace, {
    networks: [LOOPBACK, ...networks],
    ...changes,
  });
  return await InProcess.start(workspace, {
    config,
    args,
    blocking: true,
  });
}

test("two containers on a bridge reach each other and the bridge by IPv4 and IPv6", async (workspace) => {
  await using _first = await start(workspace, [veth(2)]);
  // IPv6 addresses are usable once the kernel has looked for duplicates.
  const reach = (address: string) =>
    `for i in 1 2 3 4 5 6; do ping -c 1 -W 1 ${address} >/dev/null 2>&1 && break; done && ping -c 1 -W 1 ${address} >/dev/null && echo ${address}`;
  const targets = ["10.66.0.1", "10.66.0.2", "fd66::1", "fd66::2"];
  const script = targets.map(reach).join("; ");
  await using second = await start(workspace, [veth(3)], {}, script);

  const { stdout, stderr } = await second.ended();

  assertEquals([stdout.trim().split("\n"), stderr], [targets, ""]);
});

test("the host reaches a container", async (workspace) => {
  await using _container = await start(workspace, [veth(2)]);

  await mustRun(["ip", "neigh", "flush", "dev", BRIDGE]);
  await waitFor("an answer", async () => {
    const command = ["/bin/busybox", "ping", "-c", "1", "-W", "1", "10.66.0.2"];
    return await mustRun(command).then(() => true, () => false);
  });
});

test("an interface gets its MTU, MAC, queue length and hairpin mode", async (workspace) => {
  await using container = await start(workspace, [
    veth(2, {
      mtu: 1400,
      mac_address: "02:42:0a:42:00:02",
      txqueuelen: 77,
      hairpin_mode: true,
    }),
  ]);

  const inner = (await linksOf(...enter(container)))
    .find(({ ifname }) => ifname === "eth0");
  const outer = (await linksOf()).find(({ master }) => master === BRIDGE);

  assertEquals(
    [inner?.mtu, inner?.txqlen, inner?.address, inner?.operstate],
    [1400, 77, "02:42:0a:42:00:02", "UP"],
  );
  assertEquals([outer?.mtu, outer?.operstate], [1400, "UP"]);
  assertEquals(outer?.linkinfo?.info_slave_data?.hairpin, true);
  assertMatch(outer?.ifalias ?? "", /^nsinit:/);
});

test("an interface without hairpin mode has none", async (workspace) => {
  await using _container = await start(workspace, [veth(2)]);

  const outer = (await linksOf()).find(({ master }) => master === BRIDGE);

  assertEquals(outer?.linkinfo?.info_slave_data?.hairpin, false);
});

test("default routes lead to the gateways", async (workspace) => {
  await using container = await start(workspace, [veth(2)]);
  const routes = async (family: string): Promise<string> =>
    await mustRun([...enter(container), "ip", family, "route"]);

  assertStringIncludes(await routes("-4"), "default via 10.66.0.1 dev eth0");
  assertStringIncludes(await routes("-6"), "default via fd66::1 dev eth0");
});

test("routes of the configuration are in the main table", async (workspace) => {
  const routes = [
    {
      destination: "10.99.0.0/16",
      gateway: "10.66.0.9",
      interface_name: "eth0",
    },
    { destination: "10.98.0.0/16", interface_name: "eth0" },
    {
      destination: "10.97.0.0/16",
      source: "10.66.0.2",
      interface_name: "eth0",
    },
    { destination: "fd99::/32", gateway: "fd66::9", interface_name: "eth0" },
  ];
  await using container = await start(workspace, [veth(2)], { routes });

  const found = await mustRun([...enter(container), "ip", "route"]);
  const found6 = await mustRun([...enter(container), "ip", "-6", "route"]);

  assertStringIncludes(found, "10.99.0.0/16 via 10.66.0.9 dev eth0");
  assertMatch(found, /^10\.98\.0\.0\/16 dev eth0/m);
  assertMatch(found, /^10\.97\.0\.0\/16 dev eth0 .*src 10\.66\.0\.2/m);
  assertStringIncludes(found6, "fd99::/32 via fd66::9 dev eth0");
});

test("a container may have two interfaces, each on its bridge", async (workspace) => {
  await addBridge("brtwo", "10.67.0.1/24");
  const second = veth(2, {
    name: "eth1",
    bridge: "brtwo",
    address: "10.67.0.2/24",
    gateway: "",
    ipv6_address: "",
    ipv6_gateway: "",
  });
  const script = "ping -c 1 -W 2 10.66.0.1 && ping -c 1 -W 2 10.67.0.1";
  {
    const args = ["/bin/sleep", "100"];
    await using container = await start(
      workspace,
      [veth(2), second],
      {},
      args,
    );
    assertEquals(
      (await linksOf(...enter(container))).map(({ ifname }) => ifname).sort(),
      ["eth0", "eth1", "lo"],
    );
    assertEquals(container.state.resources.interfaces.length, 2);
  }
  await using pinging = await start(workspace, [veth(2), second], {}, script);
  assertEquals((await pinging.ended()).code, 0);
  await ip("link", "del", "brtwo");
});

test("the outer end has the name that the configuration gives", async (workspace) => {
  const name = "vethgiven";
  await using _container = await start(workspace, [
    veth(2, { host_interface_name: name }),
  ]);

  assert(OwnNetwork.interfaces().includes(name));
});

test("a name that is taken is refused and stays", async (workspace) => {
  await ip("link", "add", "vethtaken", "type", "bridge");

  const error = await assertRejects(
    () => start(workspace, [veth(2, { host_interface_name: "vethtaken" })]),
    KernelError,
  );

  assertEquals([error.operation, error.errnoName], ["veth.make", "EEXIST"]);
  assertStringIncludes(error.message, "vethtaken");
  assert(OwnNetwork.interfaces().includes("vethtaken"));
  await ip("link", "del", "vethtaken");
});

test("a bridge that is not there is named", async (workspace) => {
  const error = await assertRejects(
    () => start(workspace, [veth(2, { bridge: "brnone" })]),
    KernelError,
  );

  assertEquals(error.operation, "veth.make");
  assertStringIncludes(error.message, "brnone");
  assertStringIncludes(error.message, "there is no such bridge");
});

test("an interface that is no bridge is refused", async (workspace) => {
  const error = await assertRejects(
    () => start(workspace, [veth(2, { bridge: "lo" })]),
    KernelError,
  );

  assertStringIncludes(error.message, "not a bridge");
});

for (
  const [key, value] of [
    ["address", "10.66.0.300/24"],
    ["address", "10.66.0.2"],
    ["address", "fd66::2/64"],
    ["gateway", "gateway"],
    ["ipv6_address", "10.66.0.2/24"],
    ["mac_address", "02:42"],
    ["name", "a/b"],
    ["name", "longer-than-the-kernel-takes"],
  ] as const
) {
  test(`${key} ${value} is refused before anything is made`, async (workspace) => {
    const error = await start(workspace, [veth(2, { [key]: value })])
      .then(() => undefined, (reason) => reason);

    assertInstanceOf(error, ConfigError);
    assertStringIncludes(error.message, value);
  });
}

test("a gateway out of reach fails the start and leaves nothing", async (workspace) => {
  const error = await assertRejects(
    () => start(workspace, [veth(2, { gateway: "192.0.2.1" })]),
    KernelError,
  );

  assertEquals([error.operation, error.list], ["net.route", "child"]);
});

test("a network namespace joined by path is seen and stays", async (workspace) => {
  await using network = await TestNetwork.create();
  await network.run("ip", "link", "add", "brseven", "type", "bridge");
  const namespaces = [
    ...newNamespaces("NEWNS", "NEWPID", "NEWUTS", "NEWIPC"),
    { type: "NEWNET", path: network.path },
  ];
  const config = await readConfig(workspace, { namespaces, networks: [] });

  const { stdout } = await runInProcess(workspace, {
    config,
    args: "ls /sys/class/net; cat /proc/net/dev",
  });

  assertStringIncludes(stdout, "brseven");
  assertEquals(await network.interfaces(), ["brseven", "lo"]);
});

test("a file that is no network namespace is refused", async (workspace) => {
  const namespaces = [
    ...newNamespaces("NEWNS", "NEWPID", "NEWUTS"),
    { type: "NEWNET", path: "/proc/self/ns/uts" },
  ];
  const config = await readConfig(workspace, { namespaces, networks: [] });

  const error = await assertRejects(
    () =>
      runInProcess(workspace, { config, args: ["/bin/true"], blocking: true }),
    KernelError,
  );

  assertEquals(error.operation, "ns.open");
});

test("loopback is up and answers", async (workspace) => {
  const script = "ping -c 1 -W 2 127.0.0.1 >/dev/null && echo ok";
  await using container = await start(workspace, [], {}, script);

  assertEquals((await container.ended()).stdout, "ok\n");
});

/** Samples with an interface, by era: prefix of the outer end and name inside. */
const SAMPLE_PREFIXES = {
  "2014-02-21-07992e6-network-type-context": "dock",
  "2014-02-26-595d116-networks-list-caps-still-drop": "dock",
  "v1.2.0-attach_to_bridge": "veth",
  "v2.0.0-attach_to_bridge": "vethnsinit",
} as const;

for (const [sample, prefix] of Object.entries(SAMPLE_PREFIXES)) {
  test(`the interface of ${sample} is eth0 inside`, async (workspace) => {
    await addBridge("docker0", "172.17.42.1/16");
    const text = await Deno.readTextFile(`${SAMPLES}/${sample}.json`);
    const dir = await workspace.newDirectory();
    const adapted = adaptSample(text, workspace.rootfs, dir);
    const old = sample.startsWith("2014-02");
    const read = await parseConfig(adapted, {
      directory: dir,
      ...(old ? { permissive: true } : {}),
    });
    const { apparmorProfile: _, ...config } = read;
    const { name: __, ...cgroups } = config.cgroups ?? { name: "" };
    const script =
      "ping -c 1 -W 2 172.17.42.1 >/dev/null && grep eth0: /proc/net/dev && sleep 100";
    {
      await using container = await InProcess.start(workspace, {
        blocking: true,
        config: {
          ...config,
          rootfs: workspace.rootfs,
          capabilities: ["NET_RAW"],
          parentDeathSignal: 0,
          cgroups: {
            ...cgroups,
            name: workspace.newName(),
            parent: workspace.tag,
            memory: -1,
            memorySwap: -1,
          },
        },
        args: script,
        process: {
          user: "",
          cwd: "/",
          tty: false,
          env: ["PATH=/bin:/usr/bin"],
        },
      });
      await container.waitForOutput("eth0:");
      const [outer] = container.state.resources.interfaces;
      assert(outer?.host.startsWith(prefix), outer?.host);
    }
    await ip("link", "del", "docker0");
  });
}

/** A container with a new network namespace that interfaces move into. */
async function withDevices(
  workspace: Workspace,
  netDevices: Config["netDevices"],
  script: string,
): Promise<Ended> {
  const config = await readConfig(workspace, { networks: [] });
  return await runInProcess(workspace, {
    config: { ...config, ...netDevices && { netDevices } },
    args: script,
    blocking: true,
  });
}

async function addVeth(name: string, peer: string): Promise<void> {
  const ends = [name, "type", "veth", "peer", "name", peer];
  await mustRun(["ip", "link", "add", ...ends]);
}

test("interfaces move inside with their addresses, under a new name", async (workspace) => {
  await addVeth("brgive", "brgone");
  await mustRun(["ip", "addr", "add", "10.67.0.5/24", "dev", "brgive"]);
  await mustRun(["ip", "addr", "add", "fd67::5/64", "dev", "brgive"]);
  await mustRun(["ip", "link", "set", "brgive", "up"]);
  await addVeth("brkeep", "brpeer");
  const { code, stdout } = await withDevices(
    workspace,
    [{ device: "brgive", name: "eth0" }, { device: "brkeep" }],
    "ip -o addr show eth0; ip -o link show up",
  );
  assertEquals(code, 0);
  assertMatch(stdout, /eth0\s+inet 10\.67\.0\.5\/24/);
  assertMatch(stdout, /eth0\s+inet6 fd67::5\/64/);
  assertMatch(stdout, /: brkeep(@\w+)?: <[^>]*UP/);
  assertEquals(OwnNetwork.interfaces().includes("brgive"), false);
});

test("an interface that cannot move is told, and nothing starts", async (workspace) => {
  await addVeth("brtwice", "brpeer");
  const cases = [
    [[{ device: "nowhere" }], "no such interface"],
    [[{ device: "brtwice", name: "a/b" }], "netDevices"],
    [[{ device: "lo", name: "x" }], "lo"],
  ] as const;
  for (const [devices, words] of cases) {
    const error = await assertRejects(() =>
      withDevices(workspace, devices, "true")
    );
    assert(error instanceof KernelError || error instanceof ConfigError);
    assertStringIncludes(error.message, words);
  }
  await mustRun(["ip", "link", "del", "brtwice"]);
});

import { assert, assertEquals } from "@std/assert";
import { CAPABILITIES } from "../../../lib/config/names/capabilities.ts";
import { loadConfig, parseConfig } from "../../../lib/config/parse.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import type { Config } from "../../../lib/config/types.ts";

const SAMPLES = new URL("../../fixtures/samples/", import.meta.url).pathname;

/** Dialect, number of capabilities kept, destinations, networks. */
type Row = readonly [string, number, string, string];

const OLD = "/proc /sys /dev /dev/shm /dev/mqueue /dev/pts";
const A = `${OLD} /run`;
const C = "/proc /dev /dev/shm /dev/mqueue /dev/pts /sys";
const D = "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys";
const BIND = `${OLD} /etc/resolv.conf /etc/hostname /etc/hosts`;
const A_NET = "veth:eth0:172.17.0.100/16";
const C_NET = "loopback:lo:127.0.0.1/0 veth:eth0:172.17.42.2/16";
const LO = "loopback:lo:127.0.0.1/0";

const ROWS: Readonly<Record<string, Row>> = {
  "2014-02-21-07992e6-network-type-context": ["A4", 26, A, A_NET],
  "2014-02-21-6415e8b-first-commit": ["A1", 27, A, ""],
  "2014-02-21-6415e8b-privileged": ["A1", 41, A, ""],
  "2014-02-21-6415e8b-ubuntu": ["A1", 41, A, ""],
  "2014-02-21-a5eb607-cgroups-object": ["A2", 27, A, A_NET],
  "2014-02-21-b3d4ac7-tty": ["A3", 27, A, A_NET],
  "2014-02-21-d236be6-flat-environment": ["A2", 27, A, A_NET],
  "2014-02-21-e2e4b2c-command-and-network": ["A1", 27, A, A_NET],
  "2014-02-26-595d116-networks-list-caps-still-drop": ["A5", 26, OLD, A_NET],
  "2014-02-seed": ["A2", 27, A, A_NET],
  "2014-03-17-823b293-mask-names": ["B1", 26, OLD, A_NET],
  "2014-04-24-3a5ecdb-mask-objects": ["B2", 27, OLD, C_NET],
  "2014-04-seed": ["B1", 26, BIND, "veth:eth0:172.17.0.2/16"],
  "2014-05-05-6c1bf62-mask-map": ["B3", 1, OLD, C_NET],
  "2014-05-17-6ecb140-keep-list": ["C0", 1, OLD, C_NET],
  "2014-05-20-df4cde7-device-nodes-required-object": ["C0", 1, OLD, C_NET],
  "2014-12-03-549f508-minimal-namespaces-name-list": [
    "C2",
    12,
    `${C} /tmp`,
    LO,
  ],
  "2014-12-16-2329014-minimal-namespaces-type-list": [
    "C3",
    12,
    `${C} /tmp`,
    LO,
  ],
  "2015-02-03-bcd0222-minimal-api-branch": ["D0", 12, `${C} /tmp`, LO],
  "v1.0.0-container": ["C0", 1, OLD, C_NET],
  "v1.0.1-container": ["C0", 12, OLD, `${LO} veth:eth0:172.17.0.101/16`],
  "v1.2.0-apparmor": ["C1", 12, C, LO],
  "v1.2.0-attach_to_bridge": ["C1", 12, C, `${LO} veth:eth0:172.17.0.101/16`],
  "v1.2.0-minimal": ["C1", 12, C, LO],
  "v1.2.0-selinux": ["C1", 12, C, LO],
  "v1.4.0-minimal": ["C1", 12, `${C} /tmp`, LO],
  "v2.0.0-apparmor": ["D", 14, D, LO],
  "v2.0.0-attach_to_bridge": ["D", 14, D, `${LO} veth:eth0:172.17.0.101/16`],
  "v2.0.0-host-pid": ["D", 14, D, LO],
  "v2.0.0-minimal": ["D", 14, D, LO],
  "v2.0.0-selinux": ["D", 14, D, LO],
  "v2.0.0-userns": ["D", 14, D, LO],
};

async function load(name: string): Promise<Config> {
  return await loadConfig(`${SAMPLES}${name}.json`);
}

function countKept({ capabilities }: Config): number {
  return Array.isArray(capabilities) ? capabilities.length : -1;
}

Deno.test("every sample is listed here", () => {
  const files = [...Deno.readDirSync(SAMPLES)]
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.replace(/\.json$/, ""));
  assertEquals(files.sort(), Object.keys(ROWS).sort());
});

for (const [name, row] of Object.entries(ROWS)) {
  Deno.test(`loadConfig reads the sample ${name}`, async () => {
    const config = await load(name);
    const networks = (config.networks ?? [])
      .map(({ type, name, address }) => `${type}:${name}:${address}`);
    assertEquals([
      config.dialect,
      countKept(config),
      config.mounts.map(({ destination }) => destination).join(" "),
      networks.join(" "),
    ], [...row]);
    assertEquals(config.rootfs.startsWith("/"), true);
    assert(config.namespaces.length >= 4);
  });

  Deno.test(`formatConfig carries the sample ${name} over to dialect D`, async () => {
    const { process: _, dialect: _old, ...config } = await load(name);
    const text = formatConfig(config, "container.json");
    const { dialect, ...again } = await parseConfig(text);
    assertEquals(dialect, "D");
    const { networks, ...rest } = config;
    const { networks: networksAgain, ...restAgain } = again;
    assertEquals({ ...restAgain }, { ...rest, ...pick(restAgain, rest) });
    const bare = networks?.map((network) => ({ ...network, vethPrefix: "" }));
    assertEquals(networksAgain, bare);
  });
}

/** Members that D writes as false or none where older dialects had no key. */
function pick(
  again: Omit<Config, "networks" | "dialect">,
  config: Omit<Config, "networks" | "dialect">,
): Partial<Config> {
  const added = Object.entries(again).filter(([key, value]) =>
    !(key in config) && (value === false || value === 0)
  );
  return Object.fromEntries(added);
}

Deno.test("A1 takes id as hostname, its command, and always a terminal", async () => {
  const config = await load("2014-02-21-6415e8b-first-commit");
  assertEquals(config.hostname, "koye");
  assertEquals(config.rootfs, "/root/main/mycontainer");
  assertEquals(config.process?.args, ["/bin/bash"]);
  assertEquals(config.process?.env?.[0], "HOME=/");
  assertEquals(config.process?.tty, true);
});

Deno.test("A drops the capabilities it lists", async () => {
  const { capabilities } = await load("2014-02-seed");
  assert(Array.isArray(capabilities));
  assertEquals(capabilities.includes("SYS_ADMIN"), false);
  assertEquals(capabilities.includes("CHOWN"), true);
});

Deno.test("A and B without a list are fully privileged, C and D keep nothing", async () => {
  const a = await parseConfig('{"namespaces": ["NEWNS"]}');
  assertEquals(a.capabilities, [...CAPABILITIES]);
  const c = await parseConfig('{"namespaces": {"NEWNS": true}}');
  assertEquals(c.capabilities, []);
});

Deno.test("old memory limits imply as much swap", async () => {
  const { cgroups } = await load("2014-02-21-07992e6-network-type-context");
  assertEquals([cgroups?.memory, cgroups?.memorySwap], [5248000, 10496000]);
  assertEquals([cgroups?.name, cgroups?.parent], ["docker-koye", "docker"]);
});

Deno.test("C1 restricts: /sys read-only, four read-only paths, kcore masked", async () => {
  const config = await load("v1.4.0-minimal");
  const sys = config.mounts.find(({ destination }) => destination === "/sys");
  assertEquals(sys?.flags, 15);
  assertEquals(config.readonlyPaths?.length, 4);
  assertEquals(config.maskPaths, ["/proc/kcore"]);
  assertEquals(config.process?.user, "daemon");
  assertEquals(config.rootfs, SAMPLES.replace(/\/$/, ""));
});

Deno.test("C0 names its devices, or describes them", async () => {
  const named = await load("2014-05-20-df4cde7-device-nodes-required-object");
  assertEquals(named.devices.map(({ minor }) => minor), [3, 5, 7, 8, 9, 0]);
  const described = await load("v1.0.1-container");
  assertEquals(described.devices[0]?.path, "/dev/fuse");
  assertEquals(described.cgroups?.allowedDevices?.length, 14);
  assertEquals(described.readonlyPaths?.length, 4);
});

Deno.test("B1 binds files read-only and private", async () => {
  const { mounts, apparmorProfile } = await load("2014-04-seed");
  const bind = mounts.at(-1);
  assertEquals([bind?.flags, bind?.propagationFlags], [0x5001, [0x40000]]);
  assertEquals(apparmorProfile, "docker-default");
});

Deno.test("D keeps what it says and gets the mounts it lacks", async () => {
  const config = await load("v2.0.0-minimal");
  assertEquals(config.devices[0]?.path, "/dev/fuse");
  assertEquals(config.mounts[1]?.device, "tmpfs");
  assertEquals(config.cgroups?.memory, undefined);
  assertEquals(config.rlimits, [{ type: 7, hard: 1024, soft: 1024 }]);
  assertEquals(config.process, undefined);
  const userns = await load("v2.0.0-userns");
  assertEquals(userns.uidMappings?.[0], {
    containerId: 0,
    hostId: 1000,
    size: 1,
  });
  const labels = await load("v2.0.0-selinux");
  assert((labels.processLabel ?? "").includes(":"));
});

import { assertEquals, assertThrows } from "@std/assert";
import type { Network, Route } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { type NetworkPart, planNetwork } from "../../../lib/plan/network.ts";
import { configWith, names, PLACEMENT } from "./support.ts";

const VETH: Network = {
  type: "veth",
  name: "eth0",
  bridge: "br0",
  macAddress: "",
  address: "10.0.0.2/24",
  gateway: "10.0.0.1",
  ipv6Address: "",
  ipv6Gateway: "",
  mtu: 1500,
  txqueuelen: 0,
  hostInterfaceName: "",
  vethPrefix: "veth",
  hairpinMode: false,
};
const ROUTE: Route = {
  destination: "",
  source: "",
  gateway: "10.0.0.9",
  interfaceName: "eth0",
};

function plan(
  networks: readonly Network[],
  routes: readonly Route[] = [],
): NetworkPart {
  return planNetwork(configWith({ networks, routes }), PLACEMENT);
}

Deno.test("planNetwork makes the pair while the child waits", () => {
  const part = plan([{
    ...VETH,
    hairpinMode: true,
    macAddress: "02:42:0a:00:00:02",
  }]);
  assertEquals(names(part.parent), ["await", "veth.make", "release"]);
  assertEquals(part.parent[1], {
    op: "veth.make",
    flags: 1,
    mtu: 1500,
    txqueuelen: 0,
    host: "veth0000001",
    name: "eth0",
    bridge: "br0",
    alias: "nsinit:demo",
    mac: new Uint8Array([2, 0x42, 10, 0, 0, 2]),
  });
  assertEquals(part.interfaces, [{
    host: "veth0000001",
    alias: "nsinit:demo",
  }]);
  assertEquals(part.child, [
    { op: "sync", point: 3 },
    {
      op: "net.address",
      prefix: 24,
      name: "eth0",
      address: new Uint8Array([10, 0, 0, 2]),
    },
    { op: "net.up", name: "eth0" },
    {
      op: "net.route",
      family: 2,
      prefix: 0,
      name: "eth0",
      gateway: new Uint8Array([10, 0, 0, 1]),
      note: "default route",
    },
  ]);
});

Deno.test("planNetwork numbers chosen names by veth and keeps given ones", () => {
  const loopback = { ...VETH, type: "loopback" } as const;
  const given = { ...VETH, name: "eth1", hostInterfaceName: "mine" };
  const part = plan(
    [loopback, VETH, given, { ...VETH, name: "eth2" }].slice(0, 3),
  );
  assertEquals(part.interfaces.map(({ host }) => host), [
    "veth0000001",
    "mine",
  ]);
  assertThrows(
    () => plan([VETH, VETH, { ...VETH, name: "eth2" }]),
    ConfigError,
  );
});

Deno.test("planNetwork brings lo up without waiting, and ignores its address", () => {
  const lo = {
    ...VETH,
    type: "loopback",
    mtu: 65536,
    address: "127.0.0.1/0",
  } as const;
  assertEquals(plan([lo]), {
    parent: [],
    child: [{ op: "net.loopback", mtu: 65536 }],
    interfaces: [],
  });
});

Deno.test("planNetwork adds IPv6 addresses and routes of one family", () => {
  const six = { ...VETH, ipv6Address: "fd00::2/64", ipv6Gateway: "fd00::1" };
  const part = plan([six], [
    { ...ROUTE, destination: "192.168.0.0/16", source: "10.0.0.2" },
  ]);
  const routes = part.child.filter(({ op }) => op === "net.route");
  assertEquals(routes.map((op) => op.op === "net.route" && op.family), [
    2,
    10,
    2,
  ]);
});

Deno.test("planNetwork adds a gateway that is listed as a route too only once", () => {
  const route = {
    destination: "",
    source: "",
    gateway: "10.0.0.1",
    interfaceName: "eth0",
  };
  const part = plan(
    [{ ...VETH, gateway: "10.0.0.1" }],
    [route, { ...route, interfaceName: "", destination: "10.1.0.0/16" }],
  );
  const routes = part.child.filter(({ op }) => op === "net.route");
  assertEquals(routes.length, 2);
});

Deno.test("planNetwork refuses addresses, names and routes that cannot be", () => {
  const bad: Partial<Network>[] = [
    { address: "10.0.0.2" },
    { address: "10.0.0.2/33" },
    { address: "fd00::1/64" },
    { ipv6Address: "10.0.0.2/24" },
    { gateway: "gateway" },
    { name: "" },
    { name: "averyverylongname" },
    { name: "a/b" },
    { name: ".." },
    { bridge: "br 0" },
    { macAddress: "02:42" },
    { hostInterfaceName: "x:1" },
  ];
  for (const changes of bad) {
    assertThrows(() => plan([{ ...VETH, ...changes }]), ConfigError);
  }
  for (
    const changes of [
      { gateway: "" },
      { gateway: "fd00::1", destination: "10.0.0.0/8" },
      { destination: "10.0.0.0" },
      { source: "10.0.0.0/8" },
    ]
  ) {
    assertThrows(() => plan([], [{ ...ROUTE, ...changes }]), ConfigError);
  }
});

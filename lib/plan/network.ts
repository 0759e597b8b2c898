/**
 * Interfaces, addresses and routes of a network namespace.
 *
 * @module
 */
import type { Config, NetDevice, Network, Route } from "../config/types.ts";
import { type Cidr, parseCidr, parseIp, parseMac } from "./ip_address.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { Placement, RecordedResources } from "./types.ts";

const AF_INET = 2;
const AF_INET6 = 10;

/** What the network adds to a Plan. */
export interface NetworkPart {
  /** Parent: makes the veth pairs while the child waits. */
  readonly parent: readonly ParentOp[];
  /** Child: waits for them and configures. */
  readonly child: readonly ChildOp[];
  /** Outer interfaces. */
  readonly interfaces: RecordedResources["interfaces"];
}

/** A veth network with its place in the configuration and its outer name. */
interface PlacedVeth {
  readonly network: Network;
  readonly path: string;
  readonly host: string;
}

function familyOf(address: Uint8Array): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

function needIp(text: string, path: string): Uint8Array {
  const address = parseIp(text);
  if (address) return address;
  throw refuse(
    path,
    `Cannot use ${
      JSON.stringify(text)
    } as address: must be an IP address such as 10.0.0.1 or fd00::1`,
  );
}

function needCidr(text: string, path: string, bytes?: 4 | 16): Cidr {
  const cidr = parseCidr(text);
  if (cidr && (bytes === undefined || cidr.address.length === bytes)) {
    return cidr;
  }
  const example = bytes === 16 ? "fd00::2/64" : "10.0.0.2/24";
  throw refuse(
    path,
    `Cannot use ${
      JSON.stringify(text)
    } as address: must be an address with prefix length such as ${example}`,
  );
}

/** Interface names become part of kernel requests; see dev_valid_name(). */
function checkName(name: string, path: string): void {
  const isValid = name !== "" && name.length <= 15 && name !== "." &&
    name !== ".." && /^[!-.0-9;-~]+$/.test(name);
  if (isValid) return;
  throw refuse(
    path,
    `Cannot use ${
      JSON.stringify(name)
    } as interface name: must be 1 to 15 characters without space, / or :`,
  );
}

function vethOp(
  { network, path, host }: PlacedVeth,
  alias: string,
): ParentOp {
  const { name, bridge, mtu, txqueuelen, hairpinMode, macAddress } = network;
  checkName(host, `${path}.hostInterfaceName`);
  checkName(name, `${path}.name`);
  checkName(bridge, `${path}.bridge`);
  const mac = macAddress === "" ? undefined : parseMac(macAddress);
  if (macAddress !== "" && !mac) {
    throw refuse(
      `${path}.macAddress`,
      `Cannot use ${
        JSON.stringify(macAddress)
      } as MAC address: must be six bytes such as 02:42:ac:11:00:02`,
    );
  }
  return {
    op: "veth.make",
    flags: hairpinMode ? 1 : 0,
    mtu,
    txqueuelen,
    host,
    name,
    bridge,
    alias,
    ...(mac ? { mac } : {}),
  };
}

function gatewayOp(
  { network: { name } }: PlacedVeth,
  text: string,
  path: string,
): ChildOp[] {
  if (text === "") return [];
  const gateway = needIp(text, path);
  return [{
    op: "net.route",
    family: familyOf(gateway),
    prefix: 0,
    name,
    gateway,
    note: "default route",
  }];
}

/** Inside: addresses, then up, then default routes (which need both). */
function insideOps(veth: PlacedVeth): ChildOp[] {
  const { network, path } = veth;
  const { name, address, ipv6Address } = network;
  const addresses = [
    ...(address === "" ? [] : [needCidr(address, `${path}.address`, 4)]),
    ...(ipv6Address === ""
      ? []
      : [needCidr(ipv6Address, `${path}.ipv6Address`, 16)]),
  ];
  return [
    ...addresses.map((cidr): ChildOp => ({
      op: "net.address",
      prefix: cidr.prefix,
      name,
      address: cidr.address,
    })),
    { op: "net.up", name },
    ...gatewayOp(veth, network.gateway, `${path}.gateway`),
    ...gatewayOp(veth, network.ipv6Gateway, `${path}.ipv6Gateway`),
  ];
}

function moveOp({ device, name = device }: NetDevice, index: number): ParentOp {
  checkName(device, `netDevices[${index}].device`);
  checkName(name, `netDevices[${index}].name`);
  return { op: "link.move", device, name };
}

/** An interface arrives down and without its addresses. */
function arrivalOps(
  { device, name = device }: NetDevice,
  addresses: Readonly<Record<string, readonly string[]>>,
): ChildOp[] {
  return [
    ...(addresses[device] ?? []).map((text): ChildOp => {
      const { prefix, address } = needCidr(text, `netDevices.${device}`);
      return { op: "net.address", prefix, name, address };
    }),
    { op: "net.up", name },
  ];
}

function routeOp(route: Route, path: string): ChildOp {
  const { destination, source, gateway, interfaceName } = route;
  const target = destination === ""
    ? undefined
    : needCidr(destination, `${path}.destination`);
  const from = source === "" ? undefined : needIp(source, `${path}.source`);
  const via = gateway === "" ? undefined : needIp(gateway, `${path}.gateway`);
  if (interfaceName !== "") checkName(interfaceName, `${path}.interfaceName`);
  const families = new Set(
    [target?.address, from, via].flatMap((bytes) =>
      bytes ? [familyOf(bytes)] : []
    ),
  );
  const [family] = families;
  if (family === undefined || families.size > 1) {
    throw refuse(
      path,
      "Cannot add a route: give at least one of destination, source and gateway, all of one IP family",
    );
  }
  return {
    op: "net.route",
    family,
    prefix: target?.prefix ?? 0,
    ...(interfaceName === "" ? {} : { name: interfaceName }),
    ...(target ? { destination: target.address } : {}),
    ...(from ? { source: from } : {}),
    ...(via ? { gateway: via } : {}),
  };
}

/** Files of 2014 named the gateway twice: with the interface and as a route. */
function isDefaultRoute(route: ChildOp, gateways: readonly ChildOp[]): boolean {
  const textOf = (op: ChildOp): string => {
    if (op.op !== "net.route") return "";
    const { family, prefix, name = "", destination, source, gateway } = op;
    return [family, prefix, name, destination, source, gateway].join("|");
  };
  return gateways.some((known) =>
    known.op === "net.route" && textOf(known) === textOf(route)
  );
}

function placeVeths(
  networks: readonly Network[],
  names: readonly string[],
): PlacedVeth[] {
  const veths: PlacedVeth[] = [];
  networks.forEach((network, index) => {
    if (network.type !== "veth") return;
    const host = network.hostInterfaceName || (names[veths.length] ?? "");
    veths.push({ network, path: `networks[${index}]`, host });
  });
  return veths;
}

/**
 * Plans the network of a start. Pure.
 *
 * @param config The configuration.
 * @param placement Outer names and the alias that marks them as ours.
 * @returns The operations and the outer interfaces.
 * @throws {ConfigError} `ConfigInvalid` for addresses and names that cannot be,
 * and for interfaces without a network namespace.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planNetwork } from "./network.ts";
 *
 * const placement = { hostInterfaceNames: [], alias: "nsinit:demo" };
 * const { child } = planNetwork(defaultConfig("/srv/root"), placement);
 * assertEquals(child, [{ op: "net.loopback", mtu: 0 }]);
 * ```
 */
export function planNetwork(
  config: Config,
  placement: Pick<
    Placement,
    "hostInterfaceNames" | "alias" | "netAddresses"
  >,
): NetworkPart {
  const networks = config.networks ?? [];
  const routes = config.routes ?? [];
  const hasOwn = config.namespaces.some(({ type }) => type === "NEWNET");
  if (!hasOwn && (config.netDevices ?? []).length > 0) {
    throw refuse(
      "netDevices",
      'Cannot move interfaces into the network of the host: add {"type": "network"} to linux.namespaces (NEWNET to namespaces), or leave netDevices out',
    );
  }
  if (!hasOwn && networks.length + routes.length > 0) {
    throw refuse(
      networks.length > 0 ? "networks" : "routes",
      'Cannot change the network of the host: add {"type": "NEWNET"} to namespaces, or leave networks and routes out',
    );
  }
  const veths = placeVeths(networks, placement.hostInterfaceNames);
  const { alias } = placement;
  const point = POINTS.network;
  const loopback = networks.find(({ type }) => type === "loopback");
  const devices = config.netDevices ?? [];
  const waits = veths.length > 0 || devices.length > 0;
  const inside = veths.flatMap(insideOps);
  return {
    parent: waits
      ? [
        { op: "await", point },
        ...devices.map(moveOp),
        ...veths.map((veth) => vethOp(veth, alias)),
        { op: "release", point },
      ]
      : [],
    child: [
      ...(waits ? [{ op: "sync", point } as const] : []),
      ...(loopback ? [{ op: "net.loopback", mtu: loopback.mtu } as const] : []),
      ...devices.flatMap((device) =>
        arrivalOps(device, placement.netAddresses ?? {})
      ),
      ...inside,
      ...routes.map((route, index) => routeOp(route, `routes[${index}]`))
        .filter((route) => !isDefaultRoute(route, inside)),
    ],
    interfaces: veths.map(({ host }) => ({ host, alias })),
  };
}

/**
 * Checks of networks and routes.
 *
 * @module
 */
import { parseCidr, parseIp, parseMac } from "../addresses.ts";
import type { JsonPath } from "../json_scan.ts";
import { quote } from "../problems.ts";
import type { Config, Network, Route } from "../types.ts";
import type { Check, Report } from "./report.ts";

const MIN_MTU = 68;
const MAX_MTU = 65535;
const MAX_QUEUE = 0x7fffffff;
const MAX_NAME = 15;
/** The runtime appends seven digits to a prefix. */
const MAX_PREFIX = MAX_NAME - 7;

/** The kernel's rule for names of interfaces; `%` would make it a pattern. */
function isInterfaceName(name: string, max = MAX_NAME): boolean {
  return name !== "." && name !== ".." && name.length <= max &&
    /^[\x21-\x7e]+$/.test(name) && !/[/:%]/.test(name);
}

function checkNames(network: Network, at: JsonPath, report: Report): void {
  const { name, bridge, hostInterfaceName, vethPrefix } = network;
  const wanted = `wanted 1 to ${MAX_NAME} characters without space, /, : or %`;
  if (!isInterfaceName(name)) {
    report([...at, "name"], `found ${quote(name)}, ${wanted}`);
  }
  if (!isInterfaceName(bridge)) {
    const found = bridge === "" ? "missing" : `found ${quote(bridge)}`;
    report([...at, "bridge"], `${found}; wanted the name of a bridge`);
  }
  if (hostInterfaceName !== "" && !isInterfaceName(hostInterfaceName)) {
    const path = [...at, "hostInterfaceName"];
    report(path, `found ${quote(hostInterfaceName)}, ${wanted}`);
  }
  if (vethPrefix !== "" && !isInterfaceName(vethPrefix, MAX_PREFIX)) {
    const found = `found ${quote(vethPrefix)}`;
    report(
      [...at, "vethPrefix"],
      `${found}, wanted up to ${MAX_PREFIX} letters`,
    );
  }
}

function checkAddresses(network: Network, at: JsonPath, report: Report): void {
  const { address, gateway, ipv6Address, ipv6Gateway, macAddress } = network;
  const wrong = (key: string, text: string, wanted: string): void => {
    const found = text === "" ? "missing" : `found ${quote(text)}`;
    report([...at, key], `${found}, wanted ${wanted}`);
  };
  if (parseCidr(address)?.family !== 4 && (address !== "" || !ipv6Address)) {
    wrong("address", address, "an IPv4 address like 172.17.0.2/16");
  }
  if (ipv6Address !== "" && parseCidr(ipv6Address)?.family !== 6) {
    wrong("ipv6Address", ipv6Address, "an IPv6 address like fd00::2/64");
  }
  if (gateway !== "" && parseIp(gateway)?.family !== 4) {
    wrong("gateway", gateway, "an IPv4 address like 172.17.42.1");
  }
  if (ipv6Gateway !== "" && parseIp(ipv6Gateway)?.family !== 6) {
    wrong("ipv6Gateway", ipv6Gateway, "an IPv6 address like fd00::1");
  }
  if (macAddress !== "" && parseMac(macAddress) === undefined) {
    wrong("macAddress", macAddress, "a unicast address like 02:42:ac:11:00:02");
  }
}

function checkSizes(network: Network, at: JsonPath, report: Report): void {
  const { mtu, txqueuelen } = network;
  if (mtu !== 0 && !(mtu >= MIN_MTU && mtu <= MAX_MTU)) {
    const wanted = `wanted ${MIN_MTU} to ${MAX_MTU}, or 0 for the kernel's`;
    report([...at, "mtu"], `found ${mtu}, ${wanted}`);
  }
  if (!(txqueuelen >= 0 && txqueuelen <= MAX_QUEUE)) {
    const wanted = `wanted 0 to ${MAX_QUEUE} packets`;
    report([...at, "txqueuelen"], `found ${txqueuelen}, ${wanted}`);
  }
}

function checkNetworks({ networks = [] }: Config, report: Report): void {
  const inner = new Set<string>();
  const outer = new Set<string>();
  for (const [index, network] of networks.entries()) {
    const at = ["networks", index];
    if (network.type === "loopback") continue;
    if (network.type !== "veth") {
      const found = quote(String(network.type));
      report([...at, "type"], `found ${found}, wanted loopback or veth`);
      continue;
    }
    checkNames(network, at, report);
    checkAddresses(network, at, report);
    checkSizes(network, at, report);
    const { name, hostInterfaceName } = network;
    if (inner.has(name)) report([...at, "name"], `${name} is used twice`);
    if (hostInterfaceName !== "" && outer.has(hostInterfaceName)) {
      const message = `${hostInterfaceName} is used twice`;
      report([...at, "hostInterfaceName"], message);
    }
    inner.add(name);
    outer.add(hostInterfaceName);
  }
}

function checkRoute(route: Route, at: JsonPath, report: Report): void {
  const destination = parseCidr(route.destination);
  const source = parseIp(route.source);
  const gateway = parseIp(route.gateway);
  const parts = [
    [
      "destination",
      route.destination,
      destination,
      "a network like 10.0.0.0/8",
    ],
    ["source", route.source, source, "a plain address like 10.0.0.2"],
    ["gateway", route.gateway, gateway, "a plain address like 10.0.0.1"],
  ] as const;
  const given = parts.filter(([, text]) => text !== "");
  if (given.length === 0) report(at, "wanted destination, source or gateway");
  for (const [key, text, ip, wanted] of given) {
    if (ip !== undefined) continue;
    report([...at, key], `found ${quote(text)}, wanted ${wanted}`);
  }
  const families = given.flatMap(([, , ip]) => ip?.family ?? []);
  if (new Set(families).size > 1) report(at, "mixes IPv4 and IPv6");
  if (!isInterfaceName(route.interfaceName)) {
    report([...at, "interfaceName"], "wanted the name of an interface");
  }
}

function checkRoutes({ routes = [] }: Config, report: Report): void {
  for (const [index, route] of routes.entries()) {
    checkRoute(route, ["routes", index], report);
  }
}

/** Each name may stand for one interface, on the host and inside. */
function checkNetDevices(config: Config, report: Report): void {
  const outside = new Set<string>();
  const inside = new Set((config.networks ?? []).map(({ name }) => name));
  for (const [index, entry] of (config.netDevices ?? []).entries()) {
    const { device, name = device } = entry;
    const at = ["netDevices", index];
    const wanted =
      `wanted 1 to ${MAX_NAME} characters without space, /, : or %`;
    if (!isInterfaceName(device)) {
      report([...at, "device"], `found ${quote(device)}, ${wanted}`);
    }
    if (!isInterfaceName(name)) {
      report([...at, "name"], `found ${quote(name)}, ${wanted}`);
    }
    if (device === "lo" || name === "lo") {
      report(at, "lo is there in every network namespace and cannot be moved");
    } else if (outside.has(device) || inside.has(name)) {
      report(at, `${device} as ${name} is listed twice`);
    }
    outside.add(device);
    inside.add(name);
  }
}

/** Checks of networks and routes. */
export const NETWORK_CHECKS: readonly Check[] = [
  { name: "interfaces have valid names and addresses", run: checkNetworks },
  { name: "interfaces that move have names", run: checkNetDevices },
  { name: "routes have an aim, a device and one family", run: checkRoutes },
];

/**
 * Reads networks and routes.
 *
 * @module
 */
import { INT32, type ObjectReader } from "../object_reader.ts";
import type { Reading } from "../reading.ts";
import type { Namespace, Network, Route } from "../types.ts";

/** Networks of a text, and the namespaces that its `netns` entries join. */
export interface ReadNetworks {
  /** The interfaces. */
  readonly networks: Network[];
  /** One NEWNET with a path for each entry of type `netns`. */
  readonly namespaces: Namespace[];
}

const SIZE = { min: 0, max: INT32.max };

function readType(item: ObjectReader, names: readonly string[]): string {
  const type = item.string("type");
  if (names.includes(type)) return type;
  return item.findings.unknown(item.at("type"), "network type", type, names) ??
    "";
}

/** Keys that are spelled alike in all dialects. */
function readCommon(item: ObjectReader): Omit<
  Network,
  "type" | "name" | "bridge" | "vethPrefix" | "hostInterfaceName"
> {
  return {
    macAddress: item.string("mac_address"),
    address: item.string("address"),
    gateway: item.string("gateway"),
    ipv6Address: item.string("ipv6_address"),
    ipv6Gateway: item.string("ipv6_gateway"),
    mtu: item.integer("mtu", SIZE),
    txqueuelen: item.integer("txqueuelen", SIZE),
    hairpinMode: item.boolean("hairpin_mode"),
  };
}

/** Dialect D: names are given. */
function readExplicit(item: ObjectReader): Network | undefined {
  const type = readType(item, ["loopback", "veth"]);
  const network = {
    name: item.string("name") || (type === "loopback" ? "lo" : ""),
    bridge: item.string("bridge"),
    hostInterfaceName: item.string("host_interface_name"),
    vethPrefix: "",
    ...readCommon(item),
  };
  return type === "loopback" || type === "veth"
    ? { type, ...network }
    : undefined;
}

/** Before D: settings flat or in `context`, names chosen by the runtime. */
function readImplicit(
  item: ObjectReader,
  found: ReadNetworks,
  isTyped: boolean,
): Network | undefined {
  const type = isTyped || item.has("type")
    ? readType(item, ["veth", "loopback", "netns"])
    : "veth";
  const context = item.object("context", (inner) => ({
    bridge: inner.string("bridge"),
    prefix: inner.string("prefix"),
    path: inner.string("nspath"),
  }));
  const bridge = item.string("bridge") || context?.bridge || "";
  const prefix = item.string("veth_prefix") || context?.prefix || "veth";
  const path = item.string("ns_path") || context?.path || "";
  const common = readCommon(item);
  const address = common.address || item.string("ip");
  item.string("temp_veth");
  if (type === "netns") {
    found.namespaces.push({ type: "NEWNET", path });
    return undefined;
  }
  if (type !== "veth" && type !== "loopback") return undefined;
  const veths = found.networks.filter((network) => network.type === "veth");
  const isVeth = type === "veth";
  return {
    type,
    // The original called every one eth0, so that a second veth failed.
    name: isVeth ? `eth${veths.length}` : "lo",
    bridge,
    hostInterfaceName: "",
    vethPrefix: isVeth ? prefix : "",
    ...common,
    address,
  };
}

/**
 * Reads `networks`, and A's single `network`.
 *
 * @param root The root object.
 * @param reading The reading; its dialect decides the keys.
 * @returns Interfaces, and namespaces to join.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readNetworks } from "./networks.ts";
 *
 * const findings = new Findings();
 * const text = { network: { ip: "10.0.0.2/8", bridge: "br0" } };
 * const { networks } = readNetworks(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "A2",
 *   isForced: false,
 *   directory: () => "/",
 * });
 * assertEquals(networks[0]?.address, "10.0.0.2/8");
 * ```
 */
export function readNetworks(
  root: ObjectReader,
  reading: Reading,
): ReadNetworks {
  const { dialect } = reading;
  if (dialect === "D" || dialect === "E") {
    const networks = root.objects("networks", readExplicit) ?? [];
    return { networks, namespaces: [] };
  }
  const found: ReadNetworks = { networks: [], namespaces: [] };
  const add = (isTyped: boolean) => (item: ObjectReader) => {
    const network = readImplicit(item, found, isTyped);
    if (network !== undefined) found.networks.push(network);
    return network;
  };
  if (dialect.startsWith("A")) {
    const readOne = add(dialect === "A4");
    root.object("network", readOne);
  }
  const isTyped = true;
  root.objects("networks", add(isTyped));
  return found;
}

/**
 * Reads `routes`.
 *
 * @param root The root object.
 * @returns The routes; `undefined` when the key is missing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readRoutes } from "./networks.ts";
 *
 * const text = { routes: [{ gateway: "10.0.0.1", interface_name: "eth0" }] };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readRoutes(root)?.[0]?.gateway, "10.0.0.1");
 * ```
 */
export function readRoutes(root: ObjectReader): Route[] | undefined {
  return root.objects("routes", (item) => ({
    destination: item.string("destination"),
    source: item.string("source"),
    gateway: item.string("gateway"),
    interfaceName: item.string("interface_name"),
  }));
}

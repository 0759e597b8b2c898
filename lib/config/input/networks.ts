/**
 * Shapes of interfaces and routes.
 *
 * @module
 */
import type { NetDevice, Network, Route } from "../types.ts";
import {
  FLAG,
  INTEGER,
  list,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
} from "./shape.ts";

function isVeth({ type }: Partial<Network>): boolean {
  return type === "veth";
}

/** Interfaces that are made. */
export const NETWORKS: Shape<readonly Network[]> = list(
  record<Network>({
    type: required(oneOf(["loopback", "veth"], "network type")),
    name: or(TEXT, (network) => isVeth(network) ? "eth0" : "lo"),
    bridge: or(TEXT, ""),
    macAddress: or(TEXT, ""),
    address: or(TEXT, (network) => isVeth(network) ? "" : "127.0.0.1/8"),
    gateway: or(TEXT, ""),
    ipv6Address: or(TEXT, ""),
    ipv6Gateway: or(TEXT, ""),
    mtu: or(INTEGER, 0),
    txqueuelen: or(INTEGER, 0),
    hostInterfaceName: or(TEXT, ""),
    vethPrefix: or(TEXT, (network) => isVeth(network) ? "veth" : ""),
    hairpinMode: or(FLAG, false),
  }),
);

/** Routes. */
export const ROUTES: Shape<readonly Route[]> = list(
  record<Route>({
    destination: or(TEXT, ""),
    source: or(TEXT, ""),
    gateway: or(TEXT, ""),
    interfaceName: required(TEXT),
  }),
);

/** Interfaces that are moved. */
export const NET_DEVICES: Shape<readonly NetDevice[]> = list(
  record<NetDevice>({ device: required(TEXT), name: TEXT }),
);

/**
 * Interfaces and routes in the JSON Schema.
 *
 * @module
 */
import { boolean, integer, type ObjectShape, oneOf, string } from "./shapes.ts";

const size = integer({ min: 0, max: 0x7fffffff });

/** Definitions of this part. */
export const NETWORK_OBJECTS: Readonly<Record<string, ObjectShape>> = {
  Network: {
    model: "Network",
    keys: {
      type: {
        shape: oneOf(["loopback", "veth"]),
        member: "Network.type",
        isRequired: true,
        example: "veth",
      },
      name: {
        shape: string,
        member: "Network.name",
        text: "`lo` for a loopback without name.",
        example: "eth0",
      },
      bridge: {
        shape: string,
        member: "Network.bridge",
        text: "It must be there; a veth needs one.",
        default: "",
        example: "docker0",
      },
      mac_address: {
        shape: string,
        member: "Network.macAddress",
        default: "",
        example: "02:42:ac:11:00:02",
      },
      address: {
        shape: string,
        member: "Network.address",
        default: "",
        example: "172.17.0.101/16",
      },
      gateway: {
        shape: string,
        member: "Network.gateway",
        default: "",
        example: "172.17.42.1",
      },
      ipv6_address: {
        shape: string,
        member: "Network.ipv6Address",
        default: "",
        example: "fd00::2/64",
      },
      ipv6_gateway: {
        shape: string,
        member: "Network.ipv6Gateway",
        default: "",
        example: "fd00::1",
      },
      mtu: {
        shape: size,
        member: "Network.mtu",
        default: 0,
        example: 1500,
      },
      txqueuelen: {
        shape: size,
        member: "Network.txqueuelen",
        default: 0,
        example: 1000,
      },
      host_interface_name: {
        shape: string,
        member: "Network.hostInterfaceName",
        default: "",
        example: "vethnsinit",
      },
      hairpin_mode: {
        shape: boolean,
        member: "Network.hairpinMode",
        default: false,
        example: true,
      },
    },
  },
  NetDevice: {
    model: "NetDevice",
    keys: {
      device: {
        shape: string,
        member: "NetDevice.device",
        isRequired: true,
        example: "eth1",
      },
      name: {
        shape: string,
        member: "NetDevice.name",
        default: "",
        example: "eth0",
      },
    },
  },
  Route: {
    model: "Route",
    keys: {
      destination: {
        shape: string,
        member: "Route.destination",
        default: "",
        example: "10.0.0.0/8",
      },
      source: {
        shape: string,
        member: "Route.source",
        default: "",
        example: "172.17.0.101",
      },
      gateway: {
        shape: string,
        member: "Route.gateway",
        default: "",
        example: "172.17.42.1",
      },
      interface_name: {
        shape: string,
        member: "Route.interfaceName",
        default: "",
        example: "eth0",
      },
    },
  },
};

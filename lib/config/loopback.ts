/**
 * The loopback interface, as the template has it.
 *
 * @module
 */
import type { Network } from "./types.ts";

/** Its address and gateway are those that the original wrote down; it took neither. */
export const LOOPBACK: Network = {
  type: "loopback",
  name: "lo",
  bridge: "",
  macAddress: "",
  address: "127.0.0.1/0",
  gateway: "localhost",
  ipv6Address: "",
  ipv6Gateway: "",
  mtu: 0,
  txqueuelen: 0,
  hostInterfaceName: "",
  vethPrefix: "",
  hairpinMode: false,
};

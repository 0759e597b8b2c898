/**
 * What the interfaces that move into a container lose on the way.
 *
 * @module
 */
import type { NetDevice } from "../config/types.ts";

/** Addresses that the kernel gives an interface by itself. */
const LINK_LOCAL = /^(fe[89ab][0-9a-f]:|169\.254\.)/i;

/**
 * Reads the addresses of interfaces of the host.
 *
 * Addresses of a link are left out: the kernel makes new ones.
 *
 * @param devices The interfaces; one that is not there has none.
 * @returns Addresses with their prefix length by name of the interface.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readNetAddresses } from "./net_devices.ts";
 *
 * assertEquals(readNetAddresses([]), {});
 * ```
 */
export function readNetAddresses(
  devices: readonly NetDevice[],
): Record<string, string[]> {
  const found = devices.length === 0 ? [] : Deno.networkInterfaces();
  return Object.fromEntries(devices.map(({ device }) => [
    device,
    found.filter(({ name, address }) =>
      name === device && !LINK_LOCAL.test(address)
    ).map(({ cidr }) => cidr),
  ]));
}

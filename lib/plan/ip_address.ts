/**
 * IP and MAC addresses as text -> bytes. Pure.
 *
 * @module
 */

/** An address in a network. */
export interface Cidr {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Prefix length in bits. */
  readonly prefix: number;
}

function parseIpv4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** One side of `::`, as bytes. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes(".")) {
      const tail = parseIpv4(group);
      if (!tail) return undefined;
      bytes.push(...tail);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else {
      return undefined;
    }
  }
  return bytes;
}

function parseIpv6(text: string): number[] | undefined {
  const sides = text.split("::");
  if (sides.length > 2) return undefined;
  const head = parseGroups(sides[0] ?? "");
  const tail = parseGroups(sides[1] ?? "");
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/**
 * Reads an IP address. Pure.
 *
 * @param text Dotted IPv4 or RFC 4291 IPv6, without zone.
 * @returns 4 or 16 bytes; `undefined` when it is neither.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseIp } from "./ip_address.ts";
 *
 * assertEquals(parseIp("10.0.0.1"), new Uint8Array([10, 0, 0, 1]));
 * assertEquals(parseIp("::1")?.length, 16);
 * assertEquals(parseIp("10.0.0"), undefined);
 * ```
 */
export function parseIp(text: string): Uint8Array | undefined {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return bytes && new Uint8Array(bytes);
}

/**
 * Reads an address with prefix length. Pure.
 *
 * @param text E.g. `10.0.0.2/24`.
 * @returns Address and prefix; `undefined` for another form.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCidr } from "./ip_address.ts";
 *
 * assertEquals(parseCidr("10.0.0.2/24")?.prefix, 24);
 * assertEquals(parseCidr("10.0.0.2/33"), undefined);
 * ```
 */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : parseIp(match[1]);
  const prefix = Number(match?.[2]);
  if (!address || prefix > address.length * 8) return undefined;
  return { address, prefix };
}

/**
 * Reads a MAC address. Pure.
 *
 * @param text Six hexadecimal bytes with colons.
 * @returns Six bytes; `undefined` for another form.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMac } from "./ip_address.ts";
 *
 * assertEquals(parseMac("02:00:00:00:00:0a"), new Uint8Array([2, 0, 0, 0, 0, 10]));
 * ```
 */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2}){5}$/.test(text)) {
    return undefined;
  }
  return new Uint8Array(
    text.split(/[:-]/).map((byte) => Number.parseInt(byte, 16)),
  );
}

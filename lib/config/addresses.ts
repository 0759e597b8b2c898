/**
 * IP addresses and networks as text.
 *
 * @module
 */

/** An address, or a network with its prefix length. */
export interface IpAddress {
  /** 4 or 6. */
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** Length of the network part in bits; all bits for a plain address. */
  readonly prefix: number;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  // Leading zeros are octal to some readers and decimal to others.
  const isValid = parts.every((part) =>
    /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255
  );
  return isValid ? Uint8Array.from(parts, Number) : undefined;
}

/** Groups of one side of `::`, an IPv4 tail counting as two; or nothing. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const tail = parseIpv4(part);
      if (tail === undefined || index !== parts.length - 1) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = tail;
      groups.push(a << 8 | b, c << 8 | d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || text.length > 45) return undefined;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group; without it all eight must be there.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const hasTailAddress = halves.length === 2 && (halves[0] ?? "").includes(".");
  if (hasTailAddress) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/**
 * Parses a plain IPv4 or IPv6 address.
 *
 * Pure. No zone, no prefix, no leading zeros in IPv4.
 *
 * @param text The address.
 * @returns The address; `undefined` when it is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseIp } from "./addresses.ts";
 *
 * assertEquals(parseIp("10.0.0.1")?.bytes, Uint8Array.of(10, 0, 0, 1));
 * assertEquals(parseIp("::1")?.family, 6);
 * ```
 */
export function parseIp(text: string): IpAddress | undefined {
  const four = parseIpv4(text);
  if (four !== undefined) return { family: 4, bytes: four, prefix: 32 };
  const six = text.includes(":") ? parseIpv6(text) : undefined;
  return six && { family: 6, bytes: six, prefix: 128 };
}

/**
 * Parses an address with a prefix length, e.g. `10.0.0.2/24`.
 *
 * Pure. Bits beyond the prefix are kept: an interface has them.
 *
 * @param text The address and its prefix length.
 * @returns Both; `undefined` when it is no such text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCidr } from "./addresses.ts";
 *
 * assertEquals(parseCidr("fd00::2/64")?.prefix, 64);
 * assertEquals(parseCidr("10.0.0.2/33"), undefined);
 * ```
 */
export function parseCidr(text: string): IpAddress | undefined {
  const [head = "", tail = "", ...rest] = text.split("/");
  const ip = parseIp(head);
  if (ip === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(tail)) {
    return undefined;
  }
  const prefix = Number(tail);
  return prefix <= ip.prefix ? { ...ip, prefix } : undefined;
}

/**
 * Parses a MAC address of six bytes, e.g. `02:42:ac:11:00:02`.
 *
 * Pure. Multicast and all-zero addresses are refused: no interface can have one.
 *
 * @param text The address.
 * @returns Its six bytes; `undefined` when an interface cannot have it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMac } from "./addresses.ts";
 *
 * assertEquals(parseMac("02:42:ac:11:00:02")?.length, 6);
 * ```
 */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const bytes = Uint8Array.from(
    text.split(/[:-]/),
    (part) => parseInt(part, 16),
  );
  const isMulticast = ((bytes[0] ?? 0) & 1) !== 0;
  return isMulticast || bytes.every((byte) => byte === 0) ? undefined : bytes;
}

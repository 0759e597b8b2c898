import { assertEquals } from "@std/assert";
import { parseCidr, parseIp, parseMac } from "../../../lib/plan/ip_address.ts";

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes &&
    [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const TABLE: readonly (readonly [string, string | undefined])[] = [
  ["0.0.0.0", "00000000"],
  ["255.255.255.255", "ffffffff"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["1.2.3.4.5", undefined],
  ["", undefined],
  ["::", "0".repeat(32)],
  ["::1", "0".repeat(31) + "1"],
  ["fd00::2", "fd00" + "0".repeat(27) + "2"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
  ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["1:2:3:4:5:6:7", undefined],
  ["1::2::3", undefined],
  ["12345::", undefined],
  ["fe80::1%eth0", undefined],
  [":1::", undefined],
];

Deno.test("parseIp reads IPv4 and IPv6 and nothing else", () => {
  for (const [text, bytes] of TABLE) {
    assertEquals(hex(parseIp(text)), bytes, text);
  }
});

Deno.test("parseCidr bounds the prefix by the family", () => {
  assertEquals(parseCidr("10.0.0.1/32")?.prefix, 32);
  assertEquals(parseCidr("fd00::/128")?.prefix, 128);
  for (
    const text of ["10.0.0.1/33", "fd00::/129", "10.0.0.1/", "10.0.0.1/x", "/8"]
  ) {
    assertEquals(parseCidr(text), undefined, text);
  }
});

Deno.test("parseMac reads six bytes", () => {
  assertEquals(hex(parseMac("02:42:AC:11:0:2")), "0242ac110002");
  for (
    const text of ["", "02:42", "02:42:ac:11:00:02:03", "zz:42:ac:11:00:02"]
  ) {
    assertEquals(parseMac(text), undefined, text);
  }
});

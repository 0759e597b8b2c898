import { assertEquals } from "@std/assert";
import { parseCidr, parseIp, parseMac } from "../../../lib/config/addresses.ts";

function hex(text: string): string | undefined {
  return parseIp(text)?.bytes.toHex();
}

Deno.test("parseIp reads IPv4 strictly", () => {
  assertEquals(hex("0.0.0.0"), "00000000");
  assertEquals(hex("255.255.255.255"), "ffffffff");
  const bad = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.",
    "a.b.c.d",
    " 1.2.3.4",
    "1.2.3.4 ",
    "+1.2.3.4",
    "0x1.2.3.4",
  ];
  for (const text of bad) assertEquals(parseIp(text), undefined, text);
});

Deno.test("parseIp reads IPv6 in all its spellings", () => {
  const good: [string, string][] = [
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["fe80::1:2", "fe800000000000000000000000010002"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
  ];
  for (const [text, bytes] of good) assertEquals(hex(text), bytes, text);
  const bad = [
    ":",
    ":::",
    "1:2",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1%eth0",
    "1.2.3.4::",
    "1:",
    ":1",
    "::1.2.3",
    "::1.2.3.4:5",
  ];
  for (const text of bad) assertEquals(parseIp(text), undefined, text);
});

Deno.test("parseCidr reads prefix lengths within the family", () => {
  assertEquals(parseCidr("127.0.0.1/0")?.prefix, 0);
  assertEquals(parseCidr("10.0.0.1/32")?.prefix, 32);
  assertEquals(parseCidr("::1/128")?.family, 6);
  const bad = [
    "10.0.0.1",
    "10.0.0.1/",
    "10.0.0.1/33",
    "::1/129",
    "10.0.0.1/08",
    "10.0.0.1/1/2",
    "/8",
    "10.0.0.1/-1",
    "10.0.0.1/8 ",
  ];
  for (const text of bad) assertEquals(parseCidr(text), undefined, text);
});

Deno.test("parseMac refuses what no interface can have", () => {
  assertEquals(parseMac("02:42:AC:11:00:02")?.toHex(), "0242ac110002");
  const bad = [
    "",
    "02:42:ac:11:00",
    "02:42:ac:11:00:02:03",
    "01:00:5e:00:00:01",
    "00:00:00:00:00:00",
    "zz:42:ac:11:00:02",
    "0242.ac11.0002",
  ];
  for (const text of bad) assertEquals(parseMac(text), undefined, text);
});

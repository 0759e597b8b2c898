import { assertEquals } from "@std/assert";
import type { Value } from "../../../lib/systemd/marshal.ts";
import { pack } from "../../../lib/systemd/marshal.ts";
import { cpuMask, encodeProperties } from "../../../lib/systemd/properties.ts";

const TABLE: readonly (readonly [string, string, Value])[] = [
  ["MemoryMax=65536", "t", 65536n],
  ["TasksMax=infinity", "t", (1n << 64n) - 1n],
  ["Slice=a-b.slice", "s", "a-b.slice"],
  ["Description=a = b", "s", "a = b"],
  ["Delegate=true", "b", true],
  ["DefaultDependencies=false", "b", false],
  ["AllowedCPUs=0,2-3", "ay", [13]],
  ["IOReadBandwidthMax=/dev/block/8:0 5", "a(st)", [["/dev/block/8:0", 5n]]],
  ["DeviceAllow=char-* m", "a(ss)", [["char-*", "m"]]],
  ["DeviceAllow=", "a(ss)", []],
];

/** What annotations ask for, with its type. */
const TYPED: readonly (readonly [string, string, Value])[] = [
  ["CollectMode:s=inactive", "s", "inactive"],
  ["TimeoutStopUSec:t=2000000", "t", 2_000_000n],
  ["KillSignal:i=-5", "i", -5],
  ["UMask:u=18", "u", 18],
  ["SendSIGHUP:b=true", "b", true],
  ['After:as=["a.service","b"]', "as", ["a.service", "b"]],
];

Deno.test("encodeProperties takes a type that is named", () => {
  for (const [text, type, value] of TYPED) {
    const name = text.slice(0, text.indexOf(":"));
    assertEquals(encodeProperties([text]), [[name, { type, value }]]);
  }
  const all = encodeProperties(TYPED.map(([text]) => text));
  assertEquals(pack("a(sv)", [all]).length > 0, true);
});

Deno.test("encodeProperties gives each property the type that systemd wants", () => {
  for (const [text, type, value] of TABLE) {
    const name = text.slice(0, text.indexOf("="));
    assertEquals(encodeProperties([text]), [[name, { type, value }]]);
  }
  const all = encodeProperties(TABLE.map(([text]) => text));
  assertEquals(pack("a(sv)", [all]).length > 0, true);
});

Deno.test("cpuMask sets one bit for each CPU", () => {
  assertEquals(cpuMask(""), []);
  assertEquals(cpuMask("0"), [1]);
  assertEquals(cpuMask("7-8"), [128, 1]);
  assertEquals(cpuMask("64"), [0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

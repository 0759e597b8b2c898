import { assertEquals, assertThrows } from "@std/assert";
import {
  MarshalError,
  pack,
  splitSignature,
  unpack,
  type Value,
} from "../../../lib/systemd/marshal.ts";

Deno.test("pack aligns every value by its type", () => {
  assertEquals([...pack("yu", [1, 2])], [1, 0, 0, 0, 2, 0, 0, 0]);
  assertEquals([...pack("s", ["ab"])], [2, 0, 0, 0, 97, 98, 0]);
  assertEquals([...pack("g", ["u"])], [1, 117, 0]);
  assertEquals([...pack("yn", [1, -2])], [1, 0, 254, 255]);
});

Deno.test("pack counts an array without the gap before its first element", () => {
  assertEquals([...pack("at", [[1n]])].slice(0, 8), [8, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals([...pack("a(st)", [[]])], [0, 0, 0, 0, 0, 0, 0, 0]);
});

const ROUND_TRIPS: readonly (readonly [string, readonly Value[]])[] = [
  ["ybnqiuxtd", [255, true, -5, 6, -7, 8, -9n, (1n << 64n) - 1n, 1.5]],
  ["sog", ["text", "/a/b", "a(sv)"]],
  ["a{sv}", [[["k", { type: "s", value: "v" }], ["l", {
    type: "b",
    value: false,
  }]]]],
  ["a(sv)", [[["PIDs", { type: "au", value: [1, 2] }]]]],
  ["(y(yt))", [[1, [2, 3n]]]],
  ["aay", [[[1, 2], [], [3]]]],
  ["v", [{ type: "v", value: { type: "u", value: 1 } }]],
];

for (const [signature, values] of ROUND_TRIPS) {
  Deno.test(`unpack reads what pack wrote of ${signature}`, () => {
    assertEquals(unpack(signature, pack(signature, values)), [...values]);
  });
}

Deno.test("pack refuses values of another type", () => {
  const wrong: readonly (readonly [string, Value])[] = [
    ["u", "text"],
    ["s", 5],
    ["b", 1n],
    ["(us)", [1]],
    ["s", "with\0nul"],
    ["v", 5],
  ];
  for (const [type, value] of wrong) {
    assertThrows(() => pack(type, [value]), MarshalError);
  }
});

Deno.test("splitSignature refuses what is no type", () => {
  for (const text of ["z", "a", "(", "(u", "{", "a".repeat(40) + "u"]) {
    assertThrows(() => splitSignature(text), MarshalError);
  }
});

Deno.test("unpack survives every shortening of a message", () => {
  const bytes = pack("sa(sv)t", [
    "a",
    [["b", { type: "as", value: ["c"] }]],
    1n,
  ]);
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(
      () => unpack("sa(sv)t", bytes.subarray(0, length)),
      MarshalError,
    );
  }
});

Deno.test("unpack does not trust lengths", () => {
  const huge = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]);
  for (const type of ["s", "ay", "a(st)"]) {
    assertThrows(() => unpack(type, huge), MarshalError);
  }
});

Deno.test("unpack ends where variants nest without end", () => {
  const nested = new Uint8Array(1000);
  for (let at = 0; at + 2 < nested.length; at += 3) nested.set([1, 118, 0], at);
  assertThrows(() => unpack("v", nested), MarshalError, "nest");
});

Deno.test("pack writes texts of every length around the first size of its buffer", () => {
  for (let length = 480; length < 540; length++) {
    const values = ["x".repeat(length), [["y".repeat(length), 1n]]];
    assertEquals(unpack("sa(st)", pack("sa(st)", values)), values);
  }
});

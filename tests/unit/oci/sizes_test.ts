import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/errors.ts";
import { parseInt64, parseRamSize } from "../../../lib/oci/sizes.ts";

Deno.test("parseRamSize takes the sizes of Docker's tools", () => {
  const cases: [string, number | bigint][] = [
    ["0", 0],
    ["4096", 4096],
    ["10b", 10],
    ["1k", 1024],
    ["1KiB", 1024],
    ["64M", 67108864],
    ["64 mb", 67108864],
    ["1.5G", 1610612736],
    ["0.5k", 512],
    ["1.0009k", 1024],
    ["1t", 2 ** 40],
    ["2P", 2n ** 51n],
    ["8191P", 8191n * 2n ** 50n],
  ];
  for (const [text, bytes] of cases) {
    assertEquals(BigInt(parseRamSize(text)), BigInt(bytes), text);
  }
});

Deno.test("parseRamSize refuses what is no size", () => {
  const wrong = ["", "-1", "10foo", "k", "1.k", ".5k", "1e3", "9999P", "1 0"];
  for (const text of wrong) {
    const error = assertThrows(() => parseRamSize(text), UsageError);
    assertEquals(error.message, `invalid size: '${text}'`);
  }
  assertThrows(() => parseRamSize(`1.${"0".repeat(1e6)}`), UsageError);
});

Deno.test("parseInt64 keeps 64 bits and its bounds", () => {
  const bounds = { min: -1n, max: 2n ** 64n - 1n };
  assertEquals(parseInt64("-1", bounds), -1);
  assertEquals(parseInt64("+5", bounds), 5);
  assertEquals(parseInt64("18446744073709551615", bounds), 2n ** 64n - 1n);
  for (const text of ["", "x", "1.5", "1e3", "0x10", "--1", "-2"]) {
    assertThrows(() => parseInt64(text, bounds), UsageError);
  }
  assertThrows(() => parseInt64("18446744073709551616", bounds), UsageError);
});

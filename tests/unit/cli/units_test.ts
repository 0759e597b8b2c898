import { assertEquals, assertThrows } from "@std/assert";
import { formatDuration, parseDuration } from "../../../lib/cli/duration.ts";
import { formatBytes, formatShare } from "../../../lib/cli/units.ts";
import { UsageError } from "../../../lib/errors.ts";

Deno.test("formatBytes shows three digits", () => {
  const cases: [number | bigint, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.98 KiB"],
    [1024, "1 KiB"],
    [10_240, "10 KiB"],
    [1_048_064, "1 MiB"],
    [67_108_864, "64 MiB"],
    [2n ** 63n - 1n, "8 EiB"],
  ];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

Deno.test("formatShare is a percentage", () => {
  assertEquals(formatShare(2n ** 62n, 2n ** 63n), "50.0 %");
});

Deno.test("formatDuration takes the unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1000, "1 s"],
    [4200, "4.2 s"],
    [59_600, "1 min"],
    [185_000, "3 min 5 s"],
    [7_800_000, "2 h 10 min"],
    [200_000_000, "2 d 7 h"],
  ];
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
});

Deno.test("parseDuration reads units, seconds without one", () => {
  const range = { min: 100, max: 86_400_000 };
  const parse = (text: string): number =>
    parseDuration("interval", text, range);
  assertEquals(
    ["500ms", "2s", "1.5m", "1h", "3", "0.1"].map(parse),
    [500, 2000, 90_000, 3_600_000, 3000, 100],
  );
  for (
    const text of ["", "s", "-1s", "1d", "1 s", "99ms", "25h", "1e3", "\x1b"]
  ) {
    assertThrows(() => parse(text), UsageError, "from 100 ms to 24 h");
  }
});

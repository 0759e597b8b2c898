import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { ioWrites } from "../../../../lib/plan/cgroup/io.ts";

const DISK = { major: 8, minor: 16 };

/** Limit, then file and value with blkio.bfq.weight, and with io.weight. */
const TABLE: readonly (readonly [Resources, string, string])[] = [
  [{}, "", ""],
  [{ blkioWeight: 0 }, "", ""],
  [{ blkioWeight: 500 }, "blkio.bfq.weight 500", "io.weight 4950"],
  [
    { blkioWeightDevice: [{ ...DISK, value: 10 }] },
    "blkio.bfq.weight_device 8:16 10",
    "io.weight 8:16 1",
  ],
  [
    { blkioThrottleReadBpsDevice: [{ ...DISK, value: 2n ** 53n + 1n }] },
    "blkio.throttle.read_bps_device 8:16 9007199254740993",
    "io.max 8:16 rbps=9007199254740993",
  ],
  [
    { blkioThrottleWriteBpsDevice: [{ ...DISK, value: 5 }] },
    "blkio.throttle.write_bps_device 8:16 5",
    "io.max 8:16 wbps=5",
  ],
  [
    { blkioThrottleReadIopsDevice: [{ ...DISK, value: 5 }] },
    "blkio.throttle.read_iops_device 8:16 5",
    "io.max 8:16 riops=5",
  ],
  [
    { blkioThrottleWriteIopsDevice: [{ ...DISK, value: 0 }] },
    "blkio.throttle.write_iops_device 8:16 0",
    "io.max 8:16 wiops=max",
  ],
];

Deno.test("ioWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    const text = (version: 1 | 2, file: string): string =>
      ioWrites(resources, version, file)
        .map(({ file, value }) => `${file} ${value}`).join("\n");
    assertEquals(text(1, "blkio.bfq.weight"), v1);
    assertEquals(text(2, "io.weight"), v2);
  }
});

Deno.test("ioWrites does not convert the weight of bfq", () => {
  const [write] = ioWrites({ blkioWeight: 500 }, 2, "io.bfq.weight");
  assertEquals(write?.value, "500");
});

Deno.test("ioWrites refuses weights out of range and hosts without weights", () => {
  for (const blkioWeight of [9, 1001]) {
    assertThrows(
      () => ioWrites({ blkioWeight }, 1, "blkio.weight"),
      ConfigError,
    );
  }
  assertThrows(() => ioWrites({ blkioWeight: 100 }, 1), HostError);
});

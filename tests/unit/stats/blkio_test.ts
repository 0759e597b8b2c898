import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import { blkioStats } from "../../../lib/stats/blkio.ts";
import { group } from "./fixture.ts";

const bytes = (value: number): string =>
  `8:0 Read ${value}\n8:0 Write 0\n8:0 Total ${value}\nTotal ${value}\n`;

Deno.test("all eight lists of version 1 are read", () => {
  const stats = blkioStats(
    group(1, {
      "blkio.io_service_bytes_recursive": bytes(1),
      "blkio.io_serviced_recursive": bytes(2),
      "blkio.io_queued_recursive": bytes(3),
      "blkio.io_service_time_recursive": bytes(4),
      "blkio.io_wait_time_recursive": bytes(5),
      "blkio.io_merged_recursive": bytes(6),
      "blkio.time_recursive": "8:0 7\n",
      "blkio.sectors_recursive": "8:0 8\n",
    }),
    undefined,
  );

  const first = (
    entries: readonly { readonly value: unknown }[] = [],
  ): unknown => entries[0]?.value;
  assertEquals([
    first(stats?.ioServiceBytesRecursive),
    first(stats?.ioServicedRecursive),
    first(stats?.ioQueueRecursive),
    first(stats?.ioServiceTimeRecursive),
    first(stats?.ioWaitTimeRecursive),
    first(stats?.ioMergedRecursive),
    first(stats?.ioTimeRecursive),
    first(stats?.sectorsRecursive),
  ], [1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(stats?.ioServiceBytesRecursive, [
    { major: 8, minor: 0, op: "Read", value: 1 },
    { major: 8, minor: 0, op: "Write", value: 0 },
    { major: 8, minor: 0, op: "Total", value: 1 },
  ]);
  assertEquals(stats?.sectorsRecursive, [{
    major: 8,
    minor: 0,
    op: "",
    value: 8,
  }]);
});

for (
  const [wanted, names] of [
    [1, ["bfq.", "", "throttle."]],
    [2, ["", "throttle."]],
    [3, ["throttle."]],
  ] as const
) {
  Deno.test(`of blkio.{${names.join()}} the ${names[0] || "plain"} file counts`, () => {
    const values: Record<string, number> = { "bfq.": 1, "": 2, "throttle.": 3 };
    const empty = { "blkio.bfq.io_service_bytes_recursive": "Total 0\n" };
    const texts = Object.fromEntries(
      names.map((name) => [
        `blkio.${name}io_service_bytes_recursive`,
        bytes(values[name] ?? 0),
      ]),
    );
    const stats = blkioStats(group(1, { ...empty, ...texts }), undefined);
    assertEquals(stats?.ioServiceBytesRecursive[0]?.value, wanted);
  });
}

Deno.test("an old kernel's throttling layer has figures of the group alone", () => {
  const files = group(1, { "blkio.throttle.io_serviced": bytes(9) });
  assertEquals(blkioStats(files, undefined)?.ioServicedRecursive[0]?.value, 9);
});

Deno.test("files without entries are empty lists, no files are no figures", () => {
  const idle = group(1, {
    "blkio.throttle.io_serviced_recursive": "Total 0\n",
  });

  assertEquals(blkioStats(idle, undefined)?.ioServicedRecursive, []);
  assertEquals(blkioStats(group(1, {}), group(2, {})), undefined);
});

Deno.test("version 2 maps bytes and operations, and keeps io.stat", () => {
  const unified = group(2, {
    "io.stat":
      "8:16 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=30 dios=3\n254:0 \n",
    "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=6\n",
  });
  const stats = blkioStats(undefined, unified);

  assertEquals(stats?.ioServiceBytesRecursive, [
    { major: 8, minor: 16, op: "Read", value: 10 },
    { major: 8, minor: 16, op: "Write", value: 20 },
    { major: 8, minor: 16, op: "Discard", value: 30 },
  ]);
  assertEquals(
    stats?.ioServicedRecursive.map(({ op, value }) => `${op} ${value}`),
    ["Read 1", "Write 2", "Discard 3"],
  );
  assertEquals(stats?.sectorsRecursive, []);
  assertEquals(stats?.raw?.["8:16"]?.["wios"], 2);
  assertEquals(stats?.pressure?.some?.total, 6);
});

for (
  const text of ["8:0 Read\n", "8 Read 1\n", "8:0 Read 1 2\n", "x:0 Read 1\n"]
) {
  Deno.test(`version 1's ${JSON.stringify(text)} is refused`, () => {
    const files = group(1, { "blkio.io_serviced_recursive": text });
    assertThrows(
      () => blkioStats(files, undefined),
      KernelError,
      "blkio.io_serviced_recursive",
    );
  });
}

for (const text of ["sda rbytes=1\n", "8:0 rbytes\n", "8:0 rbytes=x\n"]) {
  Deno.test(`version 2's ${JSON.stringify(text)} is refused`, () => {
    const unified = group(2, { "io.stat": text });
    assertThrows(() => blkioStats(undefined, unified), KernelError, "io.stat");
  });
}

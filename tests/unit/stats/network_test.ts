import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import { parseNetDev } from "../../../lib/stats/network.ts";

const HEADER =
  "Inter-|   Receive                                                |  Transmit\n" +
  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
const PATH = "/proc/7/net/dev";

Deno.test("the columns of each interface are told apart", () => {
  const text =
    `${HEADER}    lo:     100       1    0    0    0     0          0         0      200       2    0    0    0     0       0          0
  eth0:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;

  const [lo, eth0, ...more] = parseNetDev(text, PATH);

  assertEquals(more, []);
  assertEquals([lo?.name, lo?.rxBytes, lo?.txPackets], ["lo", 100, 2]);
  assertEquals(eth0, {
    name: "eth0",
    rxBytes: 2n ** 64n - 1n,
    rxPackets: 2,
    rxErrors: 3,
    rxDropped: 4,
    txBytes: 9,
    txPackets: 10,
    txErrors: 11,
    txDropped: 12,
  });
});

Deno.test("a namespace without interfaces gives none", () => {
  assertEquals(parseNetDev(HEADER, PATH), []);
});

for (
  const line of [
    "eth0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "eth0: 1 2 3",
    "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x",
  ]
) {
  Deno.test(`the line ${JSON.stringify(line)} is refused`, () => {
    assertThrows(
      () => parseNetDev(`${HEADER}${line}\n`, PATH),
      KernelError,
      PATH,
    );
  });
}

import { assertEquals } from "@std/assert";
import { formatList } from "../../../lib/oci/list_table.ts";

Deno.test("formatList has columns as wide as their longest cell and three spaces", () => {
  const created = "2026-11-30T14:47:16.509363808Z";
  const container = {
    id: "oci2-a",
    pid: 21845,
    status: "running",
    bundle: "/tmp/oci2s/b",
    created,
    owner: "root",
  };
  assertEquals(
    formatList([container]).split("\n"),
    [
      "ID          PID         STATUS      BUNDLE         CREATED                          OWNER",
      `oci2-a      21845       running     /tmp/oci2s/b   ${created}   root`,
      "",
    ],
  );
});

Deno.test("formatList can be cut by spaces", () => {
  const long = "x".repeat(100);
  const text = formatList([
    {
      id: long,
      pid: 0,
      status: "stopped",
      bundle: "/b",
      created: "now",
      owner: "#1000",
    },
  ]);
  assertEquals(text.split("\n")[1]?.split(/ +/), [
    long,
    "0",
    "stopped",
    "/b",
    "now",
    "#1000",
  ]);
});

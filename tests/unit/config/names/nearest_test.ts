import { assertEquals } from "@std/assert";
import { nearestName } from "../../../../lib/config/names/nearest.ts";

Deno.test("nearestName finds swaps, slips, case and dashes, but no strangers", () => {
  const names = ["hostname", "mounts", "namespaces", "readonly_paths", "tty"];
  const rows: [string, string | undefined][] = [
    ["hostnmae", "hostname"],
    ["HOSTNAME", "hostname"],
    ["mount", "mounts"],
    ["readonlyPaths", "readonly_paths"],
    ["tyt", "tty"],
    ["readnoly", "readonly_paths"],
    ["zebra", undefined],
    ["", undefined],
    ["h".repeat(100), undefined],
  ];
  for (const [found, wanted] of rows) {
    assertEquals(nearestName(found, names), wanted, found);
  }
});

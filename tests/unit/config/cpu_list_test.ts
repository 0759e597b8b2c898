import { assertEquals } from "@std/assert";
import { parseCpuList } from "../../../lib/config/cpu_list.ts";

Deno.test("parseCpuList reads numbers and ranges, each CPU once", () => {
  assertEquals(parseCpuList("3,0-1, 1 "), [0, 1, 3]);
  assertEquals(parseCpuList("8191"), [8191]);
});

for (
  const text of ["", "a", "1-", "-1", "2-1", "8192", "0-8192", "1,,2", "0x1"]
) {
  Deno.test(`parseCpuList refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parseCpuList(text), undefined);
  });
}

import { assertEquals } from "@std/assert";
import { freezerWrite } from "../../../../lib/plan/cgroup/freezer.ts";

Deno.test("freezerWrite freezes and thaws in both versions", () => {
  const text = (state: "FROZEN" | "THAWED", version: 1 | 2): string => {
    const { file, value } = freezerWrite(state, version);
    return `${file}=${value}`;
  };
  assertEquals(text("FROZEN", 1), "freezer.state=FROZEN");
  assertEquals(text("FROZEN", 2), "cgroup.freeze=1");
  assertEquals(text("THAWED", 1), "freezer.state=THAWED");
  assertEquals(text("THAWED", 2), "cgroup.freeze=0");
});

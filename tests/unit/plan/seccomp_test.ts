import { assertEquals } from "@std/assert";
import { planSeccomp } from "../../../lib/plan/seccomp.ts";
import { configWith } from "./support.ts";

Deno.test("planSeccomp sets no_new_privs without a filter when asked to", () => {
  const lock = [{ op: "privileges.lock" } as const];
  const table = [
    [{}, {}, []],
    [{ noNewPrivileges: true }, {}, lock],
    [{ noNewPrivileges: true }, { noNewPrivileges: false }, []],
    [{}, { noNewPrivileges: true }, lock],
  ] as const;
  for (const [config, process, early] of table) {
    const part = planSeccomp(configWith(config), process, undefined);
    assertEquals(part, { early: [...early], late: [] });
  }
});

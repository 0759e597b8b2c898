import { assertEquals } from "@std/assert";
import { planProcess } from "../../../lib/plan/process.ts";
import { planTerminal } from "../../../lib/plan/terminal.ts";
import { configWith, HOST_V2, PROCESS } from "./support.ts";

Deno.test("planProcess sets limits of the process and takes -1 as no limit", () => {
  const context = {
    config: configWith({ oomScoreAdj: -500 }),
    process: { ...PROCESS, rlimits: [{ type: 7, soft: 5, hard: -1 }] },
    host: HOST_V2,
    terminal: planTerminal(PROCESS, configWith({})),
    filter: undefined,
    defaultCwd: "/",
    groupsDenied: false,
    entersUserNamespace: false,
    whenReady: [],
  };
  assertEquals(planProcess(context).child.slice(0, 2), [
    { op: "rlimit.set", resource: 7, soft: 5, hard: 18446744073709551615n },
    { op: "oom.adjust", value: "-500" },
  ]);
  const entering = planProcess({ ...context, entersUserNamespace: true });
  assertEquals(entering.early, [{ op: "oom.adjust", value: "-500" }]);
  assertEquals(entering.child.filter(({ op }) => op === "oom.adjust"), []);
});
